"""Hostile Dockerfiles are converted, or refused with one error, in bounded time and memory.

BuildKit's own conversion does not end within a minute for some of them, or takes gigabytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llb.dockerfile import ImageTable, ResolvedImage, convert
from llb.errors import LLBError
from tests.attacks.limits import MIB, limited

if TYPE_CHECKING:
    from collections.abc import Callable

DIGEST = f"sha256:{'0' * 64}"
FROM = "FROM a\n"
LINE = 65_000
# Python refuses to convert numbers of so many digits.
DIGITS = "9" * 5000


def doubled(line: str, count: int = 40) -> str:
    """Double the value of a variable with each of many lines."""
    return f"{FROM}ARG x=aaaaaaaaaa\n" + line * count + "RUN echo $x\n"


def chain(count: int, line: str) -> str:
    return f"{FROM.strip()} AS s0\n" + "".join(
        line.format(number, number - 1) for number in range(1, count)
    )


def numbered(line: str, count: int) -> str:
    return FROM + "".join(line.format(number) for number in range(count))


ACCEPTED: dict[str, Callable[[], str]] = {
    "steps": lambda: FROM + "RUN x\n" * 3000,
    "variables": lambda: numbered("ENV a{}=b\n", 3000),
    "variables that grow": lambda: numbered("ENV PATH=$PATH:/a{}\n", 1500),
    "arguments": lambda: numbered("ARG a{}=b\n", 3000),
    "arguments and steps": lambda: numbered("ARG a{}\n", 500) + "RUN x\n" * 500,
    "labels": lambda: numbered("LABEL a{}=b\n", 3000),
    "labels on a line": lambda: FROM + "LABEL " + " ".join(f"a{n}=b" for n in range(5000)) + "\n",
    "triggers": lambda: FROM + "ONBUILD RUN x\n" * 3000,
    "stages": lambda: chain(1000, "FROM a AS s{}\nCOPY --from=s{} /x /y\n"),
    "stages of stages": lambda: chain(1000, "FROM s{1} AS s{0}\n"),
    "stages that nobody needs": lambda: "FROM b AS s\n" * 2000 + FROM,
    "sources of a copy": lambda: FROM + "COPY " + "a " * 10_000 + "/b/\n",
    "directories below each other": lambda: FROM + "WORKDIR aaaaaaaaaa\n" * 1000,
    "a directory of thousands of parts": lambda: FROM + "WORKDIR " + "a/" * 30_000 + "\n",
    "ports": lambda: FROM + "EXPOSE 1-65535\n",
    "all ports again and again": lambda: FROM + "EXPOSE 1-65535 1-65535/udp\n" * 2,
    "volumes": lambda: FROM + "VOLUME " + " ".join(f"/v{n}" for n in range(5000)) + "\n",
    "shells": lambda: FROM + 'SHELL ["a"]\nRUN x\n' * 1000,
    "heredocs": lambda: (
        f"{FROM}RUN {' '.join(f'<<E{n}' for n in range(1000))}\n"
        + "".join(f"E{n}\n" for n in range(1000))
    ),
    "files in heredocs": lambda: numbered(f"COPY <<E /f{{}}\n{'x' * 1000}\nE\n", 1000),
    "a heredoc of a megabyte": lambda: f"{FROM}RUN <<E\n{'x' * 1000 + chr(10)}" * 1 + "E\n",
    "a continued line": lambda: FROM + "RUN a " + "\\\n b " * 20_000 + "\n",
    "gaps in a continued line": lambda: FROM + "RUN a \\\n" + "\n" * 20_000 + "b\n",
    "comments in a continued line": lambda: FROM + "RUN a \\\n" + "# c\n" * 20_000 + "b\n",
    "comments": lambda: FROM + "# c\n" * 50_000,
    "defaults in defaults": lambda: FROM + "ENV a=" + "${a:-" * 5000 + "x" + "}" * 5000 + "\n",
    "quotes": lambda: FROM + "ENV a=" + "'\"'" * 10_000 + "\n",
    "backslashes": lambda: FROM + "RUN " + "\\\\" * (LINE // 2) + "\n",
    "dollars": lambda: FROM + "ENV a=" + "$" * LINE + "\n",
    "a pattern that backtracks, replaced": lambda: (
        f"{FROM}ARG v={'a' * 5000}\nENV b=${{v//a*a*a*a*b/x}}\n"
    ),
    "a pattern that backtracks, as prefix": lambda: (
        f"{FROM}ARG v={'a' * 5000}\nENV b=${{v##*a*a*a*a*b}}\n"
    ),
    "a pattern that backtracks, as suffix": lambda: (
        f"{FROM}ARG v={'a' * 5000}\nENV b=${{v%%b*a*a*a*a*}}\n"
    ),
    "questions": lambda: f"{FROM}ARG v={'a' * 5000}\nENV b=${{v#{'?' * 4000}b}}\n",
    "an exclusion that repeats": lambda: f"{FROM}COPY --exclude={'?{0,999}' * 20}b a b\n",
    "a NUL": lambda: FROM + "RUN \0\n",
    "control characters": lambda: FROM + 'RUN echo "\x1b]0;x\x07"\nLABEL a="\x1b[2J"\n',
    "marks of the byte order": lambda: FROM + "RUN " + "\ufeff" * 1000 + "\n",
    "a user of thousands of digits": lambda: f"{FROM}USER {DIGITS}\n",
    "an owner of thousands of digits": lambda: f"{FROM}COPY --chown={DIGITS}:{DIGITS} a b\n",
    "checks": lambda: f"# check=skip={','.join(f'A{n}' for n in range(5000))}\n{FROM}",
}
REFUSED: dict[str, Callable[[], str]] = {
    "a variable that doubles": lambda: doubled("ARG x=$x$x\n"),
    "a variable that doubles in quotes": lambda: doubled('ENV x="$x$x"\n'),
    "a variable that doubles by default": lambda: doubled("ARG x=${y:-$x$x}\n"),
    "a variable that squares": lambda: doubled("ARG x=${x//a/$x}\n"),
    "a variable that grows by a pattern": lambda: doubled("ARG x=${x/%/$x$x$x}\n") + "ENV ${x\n",
    "a chain of triggers": lambda: FROM + "ONBUILD " * 5000 + "RUN x\n",
    "a line of a megabyte": lambda: FROM + "RUN " + "x" * MIB + "\n",
    "spaces of a megabyte": lambda: " " * MIB + FROM,
    "nested JSON": lambda: FROM + "SHELL " + "[" * LINE + "\n",
    "a heredoc without an end": lambda: FROM + "RUN <<E\n" + "x\n" * 50_000,
    "thousands of heredocs without an end": lambda: FROM + "RUN " + "<<E " * 5000 + "\n",
    "defaults without an end": lambda: FROM + "ENV a=" + "${a:-" * 10_000 + "\n",
    "a variable without an end": lambda: FROM + "ENV a=${" + "a" * 50_000 + "\n",
    "quotes without an end": lambda: FROM + "ENV a='" + "x" * 50_000 + "\n",
    "mounts": lambda: FROM + "RUN " + "--mount=type=cache,target=/a " * 2000 + "--x=1 x\n",
    "flags": lambda: FROM + "COPY " + "--chown=a " * 5000 + "a b\n",
    "a flag of thousands of letters": lambda: f"{FROM}COPY --{'x' * 50_000}=1 a b\n",
    "an instruction of thousands of letters": lambda: FROM + "X" * 50_000 + " a\n",
    "a mode of thousands of digits": lambda: f"{FROM}COPY --chmod={'7' * 5000} a b\n",
    "a port of thousands of digits": lambda: f"{FROM}EXPOSE {DIGITS}\n",
    "a signal of thousands of digits": lambda: f"{FROM}STOPSIGNAL {DIGITS}\n",
    "a time of thousands of digits": lambda: f"{FROM}HEALTHCHECK --interval={DIGITS}s CMD x\n",
    "tries of thousands of digits": lambda: f"{FROM}HEALTHCHECK --retries={DIGITS} CMD x\n",
    "an epoch of thousands of digits": lambda: f"ARG SOURCE_DATE_EPOCH={DIGITS}\n{FROM}COPY a b\n",
    "a size of thousands of digits": lambda: (
        f"{FROM}RUN --mount=type=tmpfs,target=/a,size={DIGITS} x\n"
    ),
    "a mount's user of thousands of digits": lambda: (
        f"{FROM}RUN --mount=type=cache,target=/a,uid={DIGITS} x\n"
    ),
    "a stage of thousands of digits": lambda: f"{FROM}COPY --from={DIGITS} --x a b\n",
    "a stage of itself": lambda: "FROM s AS s\nCOPY --from=s a b\nFROM s\nCOPY --from=1 a b\n",
    "stages in a circle": lambda: (
        "FROM a AS x\nCOPY --from=y a b\nFROM a AS y\nCOPY --from=x a b\nFROM x\n"
    ),
    "an image of thousands of parts": lambda: "FROM " + "a/" * 30_000 + "b\n",
    "a stage of thousands of letters": lambda: f"FROM a AS {'x' * 50_000} y\n",
    "a platform of thousands of parts": lambda: f"FROM --platform={'a/' * 10_000} a\n",
    "carriage returns": lambda: "FROM a\rRUN b\r" * 1000,
    "nothing but comments": lambda: "# c\n" * 50_000,
    "bytes that are not UTF-8": lambda: FROM + "RUN \udcff\udcfe\n",
    "zeros": lambda: "\0" * MIB,
}


def convert_text(text: str, config: bytes = b"{}") -> bytes:
    images = ImageTable({"*": ResolvedImage(DIGEST, config)})
    data = text.encode("utf-8", "surrogateescape")
    return convert(data, resolver=images).definition.to_bytes()


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_hostile_dockerfile_is_converted_within_limits(name: str) -> None:
    text = ACCEPTED[name]()
    with limited(memory=256 * MIB):
        convert_text(text)


@pytest.mark.parametrize("name", REFUSED)
def test_a_hostile_dockerfile_is_refused_within_limits(name: str) -> None:
    text = REFUSED[name]()
    with limited(memory=256 * MIB), pytest.raises(LLBError):
        convert_text(text)


CONFIGS = {
    "nested deeply": b'{"config":' * 100_000,
    "no JSON": b"\xff" * 1000,
    "triggers that cannot be parsed": b'{"config": {"OnBuild": ["%s"]}}' % (b"ONBUILD " * 1000),
    "triggers of another form": b'{"config": {"OnBuild": {"a": 1}}}',
    "triggers without an end": b'{"config": {"OnBuild": ["COPY --from=x a b", "RUN <<E"]}}',
}


@pytest.mark.parametrize("name", CONFIGS)
def test_a_hostile_image_config_is_refused_within_limits(name: str) -> None:
    with limited(), pytest.raises(LLBError):
        convert_text(FROM + "RUN x\n", CONFIGS[name])


def test_thousands_of_triggers_of_an_image_run_within_limits() -> None:
    config = b'{"config": {"OnBuild": [%s]}}' % b",".join([b'"RUN x"'] * 2000)
    with limited(memory=256 * MIB):
        convert_text(FROM, config)


def test_a_trigger_that_copies_from_its_own_image_ends() -> None:
    config = b'{"config": {"OnBuild": ["COPY --from=a /x /y"]}}'
    with limited():
        convert_text(FROM, config)
