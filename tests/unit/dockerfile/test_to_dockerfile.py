"""Convert a tree to a Dockerfile, or report the steps that it cannot express."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from llb import (
    HTTP,
    Device,
    Git,
    Image,
    Local,
    ProxyEnv,
    Scratch,
    State,
    bind,
    cache,
    copy,
    diff,
    merge,
    mkfile,
    secret,
    tmpfs,
)
from llb.buildfile import instructions
from llb.buildfile.bases import from_image
from llb.cli import cli
from llb.dockerfile import ImageTable, convert
from llb.dockerfile.to_dockerfile import Missing, UnsayableError, to_dockerfile
from llb.platforms import Platform

if TYPE_CHECKING:
    from pathlib import Path

DIGEST = "sha256:" + "a" * 64
CONFIG = (
    '{"os":"linux","architecture":"amd64","config":{"Env":["PATH=/bin","HOME=/"],"Cmd":["sh"],'
    '"Labels":{"base":"1"}},"rootfs":{"type":"layers","diff_ids":["sha256:1"]}}'
)
TABLE = json.dumps({"*": {"digest": DIGEST, "config": CONFIG}})
IMAGES = ImageTable.from_json(TABLE)
AMD64 = Platform("linux", "amd64")


class Resolver:
    """Resolve images as a build does."""

    def resolve_image_config(self, ref: str, **_: Any) -> Any:
        return IMAGES.images["*"]


def image() -> State:
    base = Image("alpine", platform=AMD64, resolver=Resolver(), resolve_digest=True)
    return from_image(base, AMD64)


def written(tree: State) -> str:
    return to_dockerfile(tree, resolver=IMAGES, platform=AMD64)


def lines(tree: State) -> list[str]:
    """Convert a tree and list the lines below FROM."""
    return written(tree).splitlines()[1:]


def missing(tree: State) -> list[str]:
    with pytest.raises(UnsayableError) as caught:
        written(tree)
    return [step.reason for step in caught.value.missing]


def test_steps_become_instructions() -> None:
    tree = (
        image()
        .env("A", 'x "y" $z')
        .pipe(instructions.args, B="1")
        .pipe(instructions.workdir, "/src")
        .pipe(instructions.copy, Local("context"), ["a b", "c"], "./", owner="7:8", mode="u+x")
        .pipe(instructions.copy, Local("context"), "x/./y", "/d/", parents=True, exclude=["*.o"])
        .pipe(instructions.copy, Local("context"), "a.tgz", "/", unpack=True)
        .user("me")
        .run(
            "make",
            mounts=[instructions.cache("/c", mode=0o700), secret("s", env="S"), instructions.ssh()],
        )
        .run(["a", "b"], network="none", mounts=[tmpfs("/t", size=5)])
        .run("x", devices=[Device("v.com/c=d"), Device("v.com/e", optional=True)])
        .run("set -e\nmake\n")
        .run("two\nlines")
    )
    assert written(tree) == (
        f"FROM alpine@{DIGEST}\n"
        "WORKDIR /src\n"
        'COPY --chown=7:8 --chmod=u+x ["/a b", "/c", "/src/"]\n'
        "COPY --parents --exclude=*.o /x/./y /d/\n"
        "ADD /a.tgz /\n"
        'ENV A="x \\"y\\" \\$z"\n'
        "ARG B=1\n"
        "USER me\n"
        "RUN --mount=type=cache,target=/c,id=/c,sharing=shared,mode=0700,uid=0,gid=0 "
        "--mount=type=secret,id=s,env=S,required=true --mount=type=ssh make\n"
        'RUN --mount=type=tmpfs,target=/t,size=5 --network=none ["a", "b"]\n'
        "RUN --device=name=v.com/c=d,required=true --device=name=v.com/e x\n"
        "RUN <<EOF\nset -e\nmake\nEOF\n"
        'RUN ["/bin/sh", "-c", "two\\nlines"]\n'
    ).replace(f"alpine@{DIGEST}", f"alpine:latest@{DIGEST}")


def test_a_base_image_that_is_not_resolved_is_inherited() -> None:
    plain = Image("alpine", platform=AMD64)
    assert written(plain.run("x")) == written(image().run("x"))


def test_trees_used_by_steps_become_stages() -> None:
    built = image().run("make")
    tree = instructions.scratch().pipe(instructions.workdir, "/w")
    tree = tree.pipe(instructions.copy, built, "/out", "/", link=True)
    tree = tree.run("x", mounts=[bind(built, "/made", path="/p", discard=True)])
    assert written(tree) == (
        f"FROM alpine:latest@{DIGEST} AS stage-1\n"
        "RUN make\n\n"
        "FROM scratch\n"
        "WORKDIR /w\n"
        "COPY --from=stage-1 --link /out /\n"
        "RUN --mount=type=bind,from=stage-1,source=/p,target=/made,rw x\n"
    )


def test_downloads_and_repositories_become_add() -> None:
    tree = instructions.scratch().pipe(instructions.fetch, "https://h/a.tgz", "/", checksum=DIGEST)
    tree = tree.pipe(instructions.clone, Git("https://h/r.git", ref="v1", subdir="d"), "/r")
    assert lines(tree) == [
        f"ADD --checksum={DIGEST} https://h/a.tgz /",
        "ADD https://h/r.git#v1:d /r",
    ]


def test_image_config_is_written_where_it_differs_from_the_base() -> None:
    tree = (
        image()
        .author("me")
        .label("a b", "c")
        .expose("53/udp")
        .volume("/v w")
        .stop_signal("SIGINT")
        .shell(["/bin/bash", "-c"])
        .healthcheck("curl x", interval=1.5, retries=2)
        .onbuild("RUN x")
        .entrypoint(["e"])
        .env("HOME", "/h")
    )
    assert lines(tree) == [
        "ENV HOME=/h",
        "MAINTAINER me",
        'LABEL "a b"=c',
        "EXPOSE 53/udp",
        'VOLUME ["/v w"]',
        "STOPSIGNAL SIGINT",
        'SHELL ["/bin/bash", "-c"]',
        "HEALTHCHECK --interval=1.5s --retries=2 CMD curl x",
        "ONBUILD RUN x",
        'ENTRYPOINT ["e"]',
    ]


@pytest.mark.parametrize(
    ("tree", "reason"),
    [
        (image().rm("/a"), "rm, for which a Dockerfile uses RUN"),
        (image().symlink("/a", "/b"), "symlink, for which a Dockerfile uses RUN"),
        (image().mkfile("/a", "b"), "mkfile, for which a Dockerfile uses RUN"),
        (image().mkdir("/a", mode=0o700), "mkdir, for which a Dockerfile uses RUN"),
        (
            image().copy(Local("context"), "/"),
            "copy options that COPY does not have (instructions.copy)",
        ),
        (diff(image(), image().run("x")), "diff has no Dockerfile instruction"),
        (merge([image(), image().run("x")]), "merge has no Dockerfile instruction"),
        (image().build(), "build has no Dockerfile instruction"),
        (image().run("x", valid_exit_codes=[1]), "exit codes other than 0"),
        (
            image().hostname("h").run("x"),
            "hostname: a client option, not part of a Dockerfile",
        ),
        (
            image().run("x", proxy=ProxyEnv(http_proxy="p")),
            "proxies: a client option, not part of a Dockerfile",
        ),
        (image().run("x", devices=[Device("a,b")]), "'a,b' in --device"),
        (
            image().run("x", mounts=[cache("/c")]).env("A", "1"),
            None,
        ),
        (
            image().run("x", mounts=[cache("/c", id="mine")]),
            "cache ID mine: Docker's begin with a slash (instructions.cache)",
        ),
        (
            image().run("x", mounts=[bind(image(), "/m")]),
            "a mount whose changes are kept",
        ),
        (
            image().workdir("/w").run("x"),
            "working directory /w, which WORKDIR would create (instructions.workdir)",
        ),
        (
            image().env("PATH", None).run("x"),
            "a process without variable PATH of its base",
        ),
        (image().env("A", "b\nc").run("x"), "a line break or NUL character in a value"),
        (Local("context").run("x"), "a base that is not an image: local"),
        (HTTP("https://h/x").run("x"), "a base that is not an image: https"),
    ],
)
def test_a_step_that_a_dockerfile_cannot_express_is_reported(
    tree: State, reason: str | None
) -> None:
    if reason is None:
        assert written(tree)
    else:
        assert reason in missing(tree)


def test_each_step_is_reported_with_its_line() -> None:
    tree = image().rm("/a")
    tree = tree.run("x", valid_exit_codes=[3]).symlink("/a", "/b")
    with pytest.raises(UnsayableError) as caught:
        written(tree)
    first, second, third = caught.value.missing
    number = int(first.place.rpartition(":")[2])
    assert [step.place for step in (second, third)] == [f"{__file__}:{number + 1}"] * 2
    assert str(caught.value) == (
        "a Dockerfile cannot express this: "
        f"{__file__}:{number}: rm, for which a Dockerfile uses RUN; "
        f"{__file__}:{number + 1}: exit codes other than 0; "
        f"{__file__}:{number + 1}: symlink, for which a Dockerfile uses RUN"
    )


def test_steps_of_both_inputs_of_a_diff_are_reported() -> None:
    assert missing(diff(image(), image().rm("/a"))) == [
        "rm, for which a Dockerfile uses RUN",
        "diff has no Dockerfile instruction",
    ]


def test_an_instruction_that_creates_a_different_operation_is_refused() -> None:
    action = copy(Scratch().file(mkfile("/x", "1\n")), "/", src="/x", contents_only=True)
    assert missing(instructions.scratch().file(action))
    assert str(Missing("", "why")) == "a step: why"


def test_the_command_writes_a_dockerfile(tmp_path: Path) -> None:
    (tmp_path / "images.json").write_text(TABLE)
    (tmp_path / "names.py").write_text("NAME = 'n'\n")
    source = tmp_path / "build.py"
    source.write_text(
        "from names import NAME\nfrom llb import State\nfrom llb.buildfile import Build, target\n"
        "@target\ndef app(build: Build, A: str = '1') -> State:\n"
        "    return build.image('alpine').run(f'echo {NAME} {A}')\n"
    )
    options = ["--resolver", str(tmp_path / "images.json"), "--platform", "linux/amd64"]
    arguments = ["convert", "--to", "dockerfile", str(source), *options, "--build-arg", "A=2"]
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == 0, done.exception
    assert done.stdout == f"FROM alpine:latest@{DIGEST}\nRUN echo n 2\n"
    convert(done.stdout, resolver=IMAGES)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--to", "dockerfile", "--syntax", "x"], "--syntax cannot be used with --to dockerfile"),
        (["--build-arg", "A=1"], "need --to dockerfile"),
        (["--to", "dockerfile", "--build-arg", "A"], "expected NAME=VALUE"),
    ],
)
def test_options_of_the_other_direction_are_refused(arguments: list[str], message: str) -> None:
    done = CliRunner().invoke(cli, ["convert", "-", *arguments], input="")
    assert done.exit_code == 2
    assert message in done.stderr
