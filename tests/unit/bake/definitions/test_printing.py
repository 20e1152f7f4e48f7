"""A plan in Python is printed as a bake file that gives the same plan."""

from __future__ import annotations

from llb import bake

PLAN = bake.Plan(
    [
        bake.Target(
            "app",
            description='with "quotes" and ${signs}',
            inherits=["base"],
            attest=[bake.Attestation("provenance", attributes={"mode": "max"})],
            contexts={"base": "target:base"},
            dockerfile_inline="FROM base\nRUN echo ${HOME} \\\n  %{x}\n",
            args={"A-B": "1", "C": "", "${D}": "%{"},
            tags=["example/app", "other"],
            cache_to=[bake.CacheEntry("local", {"dest": "cache"})],
            secrets=[bake.SecretEntry("s", env="S")],
            ssh=[bake.SSHEntry("default"), bake.SSHEntry("key", ("a", "b"))],
            outputs=[bake.OutputEntry("oci", "app.tar")],
            platforms=[],
            pull=True,
            resources=bake.Resources({"memory": "1g", "cpu-shares": 5}),
            policy=[bake.PolicyEntry(disabled=True), bake.PolicyEntry(("a", "b,c"), strict=True)],
        ),
        bake.Target("base", no_cache=False),
    ],
    [bake.Group("default", ["app"], "everything of ${x}")],
)


def loaded(name: str, text: str) -> bake.Plan:
    return bake.load(bake.BakeFile(name, text), environ={})


def test_a_plan_is_written_as_hcl() -> None:
    text = bake.to_hcl(bake.Plan([bake.Target("app", tags=["a", "b"], args={"A": "$x ${y}"})]))
    assert text == (
        'target "app" {\n'
        "  args = {\n"
        '    "A" = "$x $${y}"\n'
        "  }\n"
        "  tags = [\n"
        '    "a",\n'
        '    "b",\n'
        "  ]\n"
        "}\n"
    )


def test_the_plan_of_the_written_hcl_is_the_same() -> None:
    assert loaded("docker-bake.hcl", bake.to_hcl(PLAN)) == PLAN


def test_the_plan_of_the_written_json_is_the_same() -> None:
    assert loaded("docker-bake.json", bake.to_json(PLAN)) == PLAN
