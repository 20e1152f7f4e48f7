"""``--set``: keys, values that append or clear, and errors. Results are compared with buildx."""

from __future__ import annotations

import pytest

from llb.bake.definitions.overrides import complete
from llb.bake.definitions.plan import Plan
from llb.bake.definitions.target import Target
from llb.errors import BakeFileError

PLAN = Plan([Target("app", tags=["a"], labels={"x": "y"}), Target("db")])


def changed(*overrides: str, target: str = "app") -> Target:
    plan = Plan(PLAN.targets, overrides=overrides)
    return plan.select([target]).targets[target]


def failure(*overrides: str) -> str:
    with pytest.raises(BakeFileError) as caught:
        changed(*overrides)
    return str(caught.value)


def test_values_replace_append_or_clear() -> None:
    assert changed("app.tags=b", "app.tags=c").tags == ("b", "c")
    assert changed("app.tags+=b").tags == ("a", "b")
    assert changed("*.tags=").tags == ()
    assert changed("a*.labels.z=1").labels == {"x": "y", "z": "1"}


def test_a_build_argument_without_value_has_that_of_the_environment() -> None:
    environ = {"TOKEN": "t=1"}
    texts = ["app.args.TOKEN", "app.args.NONE", "app.args.A="]
    assert complete(texts, environ.get) == ["app.args.TOKEN=t=1", "app.args.A="]


def test_a_declared_secret_gets_another_source() -> None:
    secrets = changed("app.secrets=id=s,env=S", "app.secret.s=src=file").secrets
    assert secrets is not None
    assert [str(secret) for secret in secrets] == ["id=s,src=file"]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("app=1", "invalid override key app, expected target.name"),
        ("app.tgs=1", "unknown key: tgs (did you mean tag?)"),
        ("app.tags", "invalid override app.tags, expected target.name=value"),
        ("app.tags.x=1", "invalid key app.tags.x, tag does not support subkeys"),
        ("app.label=1", "invalid key app.label, label requires name"),
        ("app.resource.memory+=1", "invalid key app.resource.memory+, resource does not support"),
        ("ap.tags=1", "could not find any target matching 'ap' (did you mean app?)"),
        ("app.pull=maybe", "invalid value for pull of app: invalid value maybe for boolean key"),
        ("app.output=type=", "invalid value for output of app: type is required for output"),
        ("app.secret.x=src=f", "invalid value for secret of app: secret 'x' must be declared"),
        ("app.resource.cpu-shares=x", "invalid value for resource of app: invalid value x for"),
    ],
)
def test_an_invalid_override_is_named(override: str, message: str) -> None:
    assert failure(override).startswith(message)
