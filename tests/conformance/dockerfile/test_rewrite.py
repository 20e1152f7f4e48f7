"""Build files converted from Dockerfiles create the same operations, byte for byte."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llb.dockerfile import parse_ignore
from tests.conformance.dockerfile import test_dockerfile as cases
from tests.conformance.dockerfile.rewritten import compare, go_back, main, other_args
from tests.property.dockerfiles import dockerfiles

GOLDEN = Path(__file__).parents[2] / "golden" / "rewrite"
# Options that the client sets, not the file.
_OTHER_OPTIONS = {"build_platforms", "no_cache", "options"}
NAMES = [
    name
    for name in cases.NAMES
    if "error" not in cases.RECORDED[name]
    and not _OTHER_OPTIONS & cases.OPTIONS.get(name, {}).keys()
]
# docs/convert.md explains why.
DIFFER = {"empty-image", "env-blank", "mount-secret-windows"}
FAIL = {"windows-paths", "windows-scratch", "windows-workdir"}
REFUSED = {"epoch-global", "epoch-global-emptied", "octets", "octets-nul"}
LEAST_EQUAL = 165


def outcome(name: str) -> str:
    """Convert a case to Python and return the kind of outcome."""
    options: dict[str, Any] = dict(cases.OPTIONS.get(name, {}))
    if "ignore" in options:
        options["ignore"] = parse_ignore(options["ignore"].encode())
        options["session_id"] = "session"
    data = (cases.CASES / f"{name}.Dockerfile").read_bytes()
    result = compare(data, options, cases.resolver)
    assert result is not None
    return result.kind


@pytest.fixture(scope="module")
def outcomes() -> dict[str, str]:
    return {name: outcome(name) for name in NAMES}


def test_a_converted_case_creates_the_same_operations_and_image(outcomes: dict[str, str]) -> None:
    differ = {name for name, kind in outcomes.items() if "differs" in kind}
    assert differ == DIFFER


def test_a_case_that_python_cannot_express_is_refused_or_stays_a_dockerfile(
    outcomes: dict[str, str],
) -> None:
    assert {name for name, kind in outcomes.items() if kind == "refused"} == REFUSED
    assert {name for name, kind in outcomes.items() if kind == "fails"} == FAIL
    other_kinds = {kind for name, kind in outcomes.items() if name not in DIFFER | FAIL | REFUSED}
    assert other_kinds == {"equal", "fallback"}


def test_most_cases_convert_without_a_fallback(outcomes: dict[str, str]) -> None:
    assert sum(kind == "equal" for kind in outcomes.values()) >= LEAST_EQUAL


@settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(text=dockerfiles(), args=st.sampled_from([{}, {"A": "v9"}, {"A": "a b", "B": "c"}]))
def test_a_random_dockerfile_creates_the_same_operations(text: str, args: dict[str, str]) -> None:
    result = compare(text.encode(), {"build_args": args})
    if result is not None and result.kind == "fails":
        # Docker accepts any volume name; docs/convert.md requires an absolute path.
        assert "invalid volume" in result.detail
        return
    assert result is None or result.kind in ("equal", "fallback", "refused"), result.detail


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.Dockerfile")), ids=lambda path: path.stem)
def test_the_golden_files_create_the_same_operations(path: Path) -> None:
    data = path.read_bytes()
    args = {"VERSION": "4.5.6", "GO_VERSION": "1.23", "CHANNEL": "edge", "NAME": "y"}
    for options in ({}, {"build_args": args}, {"platform": "linux/arm64"}):
        result = compare(data, options)
        assert result is not None
        assert result.kind == ("fallback" if path.stem == "fallback" else "equal"), result.detail


@pytest.mark.parametrize("value", ["", "a b", "/x/../y", '"', "$A", "*", "\\"])
def test_values_of_build_args_are_used_verbatim(value: str) -> None:
    source = (
        "ARG C=c\nFROM alpine\nARG A\nARG B=${A:-$C}\nARG D=\"$A\"-'$A'\n"
        "ENV E=${A+set}${A:+full} F=$B$D\nLABEL l=$A-$E\nWORKDIR /w/$F\nRUN x\n"
        "COPY a$A b/\nUSER u$D\n"
    )
    result = compare(source.encode(), {"build_args": {"A": value}})
    assert result is not None
    assert result.kind in ("equal", "fallback"), result.detail


def test_every_second_argument_gets_another_value() -> None:
    data = b"ARG A=1 B\nFROM x\nARG TARGETARCH A C\n"
    assert other_args(data) == {"A": "v9"}


def test_a_folder_is_summarized(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.Dockerfile").write_text("FROM alpine\nARG A=1\nRUN echo $A\n")
    (tmp_path / "b.Dockerfile").write_text("FROM alpine\nVOLUME relative\n")
    (tmp_path / "c.Dockerfile").write_text("FROM alpine\nBAD\n")
    monkeypatch.setattr("sys.argv", ["rewritten", str(tmp_path)])
    assert main() == 0
    assert capsys.readouterr().out == (
        "=== fallback: b.Dockerfile\n"
        "line 2: volume relative is not an absolute path \n\n"
        "      1  equal\n"
        "      2  equal, and back\n"
        "      1  equal, with other build args\n"
        "      1  fallback\n"
        "      1  refused by Docker\n"
    )


LEAST_BACK = 160


def test_trees_of_the_cases_convert_back_to_equal_dockerfiles() -> None:
    kinds = []
    for name in NAMES:
        if not cases.OPTIONS.get(name):
            data = (cases.CASES / f"{name}.Dockerfile").read_bytes()
            result = go_back(data, cases.resolver)
            if result is not None:
                kinds.append(result.kind)
                assert result.kind in ("equal", "unsayable"), f"{name}\n{result.detail}"
    assert kinds.count("equal") >= LEAST_BACK


@settings(max_examples=100, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(text=dockerfiles())
def test_a_random_tree_converts_back_or_is_refused(text: str) -> None:
    result = go_back(text.encode())
    assert result is None or result.kind in ("equal", "unsayable"), result.detail
