"""Checks of the source text: casing, stage names, comments and continuation lines."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from llb.dockerfile import check_rules
from llb.dockerfile.errors.catalogue import DockerfileError
from llb.dockerfile.instructions.parse import interpret_node
from llb.gocompat.fmt import quote

if TYPE_CHECKING:
    from llb.dockerfile.lint.report import Report
    from llb.dockerfile.parser.parser import Node, Parsed

_RESERVED = ("context", "scratch")


def check_lines(parsed: Parsed, report: Report) -> None:
    """Check for instructions that continue after an empty line."""
    for line in parsed.gaps:
        report.add(check_rules.NO_EMPTY_CONTINUATION, (line, line))


def check_nodes(parsed: Parsed, report: Report, *, failed: bool) -> bool:
    """Check the nodes one by one, and return whether all of them could be checked.

    If interpretation of the file ``failed``, the checks stop at the invalid instruction. They also
    stop at an instruction before the first FROM that is not an ARG.
    """
    has_stage = False
    for node in parsed.nodes:
        name = node.name.lower()
        has_stage = has_stage or name == "from"
        if name == "maintainer":
            report.add(check_rules.MAINTAINER_DEPRECATED, node.lines, node.comments)
        if name == "from":
            _check_from(node, report)
        if (failed and _is_invalid(parsed, node)) or not (has_stage or name == "arg"):
            return False
        if node.comments and name in ("arg", "from"):
            _check_description(node, report)
    return has_stage


def check_names(parsed: Parsed, report: Report) -> None:
    """Check stage names for duplicates and reserved names."""
    seen = set()
    for node in parsed.nodes:
        if len(node.args) != 3 or node.name.lower() != "from":
            continue
        name = node.args[2].lower()
        if name in _RESERVED:
            report.add(check_rules.RESERVED_STAGE_NAME, node.lines, quoted=quote(name))
        if name in seen:
            report.add(check_rules.DUPLICATE_STAGE_NAME, node.lines, quoted=quote(name))
        seen.add(name)


def check_casing(parsed: Parsed, report: Report) -> None:
    """Check that all instructions have the case of the majority, upper or lower."""
    nodes = _after_globals(parsed)
    counts = Counter([node.name for node in nodes])
    lower = {name for name in counts if name.islower()}
    upper = {name for name in counts if name.isupper()}
    is_lower = sum(counts[name] for name in lower) > sum(counts[name] for name in upper)
    casing, consistent = ("lowercase", lower) if is_lower else ("uppercase", upper)
    for node in nodes if consistent != counts.keys() else ():
        name = node.name
        if name not in consistent:
            report.add(
                check_rules.CONSISTENT_INSTRUCTION_CASING, node.lines, name=name, casing=casing
            )


def _after_globals(parsed: Parsed) -> list[Node]:
    first = next(
        (index for index, node in enumerate(parsed.nodes) if node.name.lower() == "from"),
        len(parsed.nodes),
    )
    return list(parsed.nodes[first:])


def _is_invalid(parsed: Parsed, node: Node) -> bool:
    try:
        interpret_node(node, parsed.source, parsed.grammar)
    except DockerfileError:
        return True
    return False


def _check_from(node: Node, report: Report) -> None:
    if len(node.args) == 3 and node.args[2] != node.args[2].lower():
        report.add(check_rules.STAGE_NAME_CASING, node.lines, node.comments, stage=node.args[2])
    if len(node.args) >= 3 and (node.name.islower() or node.name.isupper()):
        keyword = node.args[1]
        if keyword != (keyword.lower() if node.name.islower() else keyword.upper()):
            position = node.lines, node.comments
            report.add(check_rules.FROM_AS_CASING, *position, keyword=keyword, name=node.name)


def _check_description(node: Node, report: Report) -> None:
    """Check that the last comment above begins with the name of the stage or argument."""
    if node.name.lower() == "arg":
        names = [word.partition("=")[0] for word in node.args]
    else:
        names = [word.lower() for word in node.args[2:3]]
    if not names or node.comments[-1].split(" ")[0] in names:
        return
    report.add(
        check_rules.INVALID_DEFINITION_DESCRIPTION,
        node.lines,
        node.comments,
        name=node.name.upper(),
        example=names[0] if len(names) == 1 else "<arg_key>",
    )
