"""Hypothesis strategies for Dockerfiles: valid ones, and some with errors."""

from __future__ import annotations

from hypothesis import strategies as st

NAMES = ("base", "build", "Final", "x-1")
VARIABLES = ("A", "B", "TARGETARCH", "NONE", "PATH", "_x")
_SPECIAL = ("\\", "'", '"', "$", "#", "<<", "é", "\u00a0", "  ", "=", "{", "}", "/", "*", "?")

letters = st.text("abcXYZ019._-/", min_size=1, max_size=6)
names = st.sampled_from(NAMES)
variables = st.sampled_from(VARIABLES)
modifiers = st.sampled_from(
    ("", ":-", "-", ":+", "+", "?", ":?", "#", "##", "%", "%%", "/", "//", ":#", "!")
)


@st.composite
def substitutions(draw: st.DrawFn) -> str:
    """Draw ``$name`` or ``${name…}``."""
    name, modifier = draw(variables), draw(modifiers)
    if not modifier:
        return draw(st.sampled_from((f"${name}", f"${{{name}}}")))
    word = draw(st.one_of(letters, st.just(""), st.just("*a?"), st.just("${B:-c}")))
    tail = f"/{draw(letters)}" if modifier in ("/", "//") else ""
    return f"${{{name}{modifier}{word}{tail}{draw(st.sampled_from(('}', '}', '}', '')))}"


@st.composite
def words(draw: st.DrawFn) -> str:
    """Draw a word with variables, quotes and escapes in it."""
    part = st.one_of(letters, letters, substitutions(), st.sampled_from(_SPECIAL))
    word = "".join(draw(st.lists(part, min_size=1, max_size=4)))
    return draw(st.sampled_from(("{}", "{}", "{}", '"{}"', "'{}'"))).format(word)


@st.composite
def arguments(draw: st.DrawFn) -> str:
    """Draw a command, as words or as JSON."""
    plain = " ".join(draw(st.lists(words(), max_size=3)))
    items = ", ".join(f'"{item}"' for item in draw(st.lists(letters, max_size=3)))
    return draw(st.sampled_from((plain, plain, f"[{items}]")))


def _flagged(
    name: str, flags: tuple[str, ...], tails: st.SearchStrategy[str]
) -> st.SearchStrategy[str]:
    some_flags = st.lists(st.sampled_from(flags), max_size=2).map(" ".join)
    return st.builds(
        lambda flag, tail: " ".join(part for part in (name, flag, tail) if part), some_flags, tails
    )


_pairs = st.lists(
    st.builds("{}={}".format, st.one_of(variables, letters), words()), min_size=1, max_size=3
)
_pairs_or_old = st.one_of(_pairs.map(" ".join), st.builds("{} {}".format, variables, words()))
_paths = st.lists(words(), min_size=1, max_size=3).map(" ".join)
_RUN = (
    "--mount=type=cache,target=/c",
    "--mount=type=bind,from=base,target=x",
    "--mount=type=secret,id=s,required",
    "--mount=type=tmpfs,target=/t,size=1m",
    "--mount=typ=bind",
    "--network=none",
    "--network=some",
    "--security=insecure",
)
_COPY = (
    "--from=base",
    "--from=0",
    "--from=alpine",
    "--chown=1:2",
    "--chmod=755",
    "--chmod=u+x",
    "--link",
    "--exclude=*.o",
    "--parents",
    "--chmod=9",
)
_HEALTH = ("--interval=1s", "--retries=3", "--timeout=1", "--interval=1us")

_INSTRUCTIONS = st.one_of(
    _flagged("RUN", _RUN, arguments()),
    _flagged("RUN", _RUN, arguments()),
    _flagged("COPY", _COPY, _paths),
    _flagged("ADD", _COPY, _paths),
    _pairs_or_old.map("ENV {}".format),
    _pairs_or_old.map("LABEL {}".format),
    _pairs.map(" ".join).map("ARG {}".format),
    variables.map("ARG {}".format),
    words().map("WORKDIR {}".format),
    words().map("USER {}".format),
    arguments().map("CMD {}".format),
    arguments().map("ENTRYPOINT {}".format),
    arguments().map("SHELL {}".format),
    arguments().map("VOLUME {}".format),
    st.sampled_from(("80", "80/udp 443", "1-3", "99999", "$A", "8080:80")).map("EXPOSE {}".format),
    st.sampled_from(("9", "SIGTERM", "KILL", "-1", "$A")).map("STOPSIGNAL {}".format),
    _flagged("HEALTHCHECK", _HEALTH, st.one_of(st.just("NONE"), arguments().map("CMD {}".format))),
    arguments().map("ONBUILD RUN {}".format),
    words().map("MAINTAINER {}".format),
    st.sampled_from(
        ("RUN <<EOF\necho $A\n\nEOF", "COPY <<-'A' <<B /d/\n\tx $A\n\tA\ny ${A}\nB", "RUN <<X")
    ),
    st.sampled_from(
        ("", "# a comment", "#", "COPPY a b", "RUN a \\\n\n  b", "run a \\\n# c\n b", "RUN a \\")
    ),
)


@st.composite
def _stages(draw: st.DrawFn) -> list[str]:
    base = draw(
        st.sampled_from(("alpine", "scratch", "base", "build", "a$A", "${NONE:-alpine}", "Alpine"))
    )
    name = draw(st.one_of(st.none(), names))
    flag = draw(
        st.sampled_from(("", "", "", "--platform=linux/arm64 ", "--platform=$BUILDPLATFORM "))
    )
    begin = f"FROM {flag}{base}" + ("" if name is None else f" AS {name}")
    return [begin, *draw(st.lists(_INSTRUCTIONS, max_size=6))]


@st.composite
def dockerfiles(draw: st.DrawFn) -> str:
    """Draw the text of a Dockerfile."""
    top = draw(
        st.lists(
            st.sampled_from(("# syntax=x", "# escape=`", "ARG A=1", "ARG B=$A", "", "# c")),
            max_size=3,
        )
    )
    # Most files have a stage that others can refer to.
    first = draw(st.sampled_from((["FROM alpine AS base"], ["FROM alpine AS base"], [])))
    stages = draw(st.lists(_stages(), min_size=1, max_size=3))
    lines = [*top, *first, *(line for stage in stages for line in stage)]
    return draw(st.sampled_from(("\n", "\n", "\r\n"))).join(lines) + draw(
        st.sampled_from(("", "\n"))
    )
