"""List the targets or the variables of a plan, as ``--list`` does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen

from llb.errors import InvalidValueError, did_you_mean
from llb.gocompat.csv import split_csv
from llb.gocompat.json import dumps

if TYPE_CHECKING:
    from llb.bake.definitions.plan import Plan

_KINDS = ("targets", "variables")
_FORMATS = ("table", "json")
_NULL = "<null>"
_TAB = 8


@frozen
class Listing:
    """What is listed, and how."""

    kind: str
    format: str = "table"

    @classmethod
    def parse(cls, text: str) -> Listing:
        """Parse ``targets``, or ``type=variables,format=json``. Raises InvalidValueError."""
        try:
            fields = split_csv(text)
        except ValueError as error:
            raise InvalidValueError(f"invalid list {text!r}: {error}") from None
        if fields == (text,) and not text.startswith("type="):
            values = {"type": text}
        else:
            pairs = [field.partition("=") for field in fields]
            values = {key.strip().lower(): value for key, _, value in pairs}
        kind, layout = values.pop("type", ""), values.pop("format", "table")
        for key in values:
            raise InvalidValueError(f"invalid list {text!r}: unexpected key '{key}'")
        if kind not in _KINDS:
            hint = did_you_mean(kind, _KINDS)
            raise InvalidValueError(
                f"invalid list type '{kind}': expected targets or variables", hint=hint
            )
        if layout not in _FORMATS:
            raise InvalidValueError(f"invalid list format '{layout}': expected table or json")
        return cls(kind, layout)

    def show(self, plan: Plan) -> str:
        """Format the list, with a newline at the end."""
        rows = _targets(plan) if self.kind == "targets" else _variables(plan)
        if self.format == "json":
            return dumps(rows or None, indent=2) + "\n"
        if self.kind == "targets":
            table: list[tuple[str, ...]] = [("TARGET", "DESCRIPTION")]
            table += [(row["name"], row.get("description", "")) for row in rows]
        else:
            table = [("VARIABLE", "TYPE", "VALUE", "DESCRIPTION")]
            table += [
                (
                    row["name"],
                    row.get("type", ""),
                    row.get("value", _NULL),
                    row.get("description", ""),
                )
                for row in rows
            ]
        return _aligned(table)


def _targets(plan: Plan) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [
        {"name": target.name, "description": target.description} for target in plan.targets
    ]
    for group in plan.groups:
        names = ", ".join(sorted(group.targets, key=str.encode))
        description = f"{group.description} ({names})" if group.description and names else names
        rows.append(
            {"name": group.name, "description": description or group.description, "group": True}
        )
    shown = [row for row in rows if not row["name"].startswith("_")]
    return [
        {key: value for key, value in row.items() if value}
        for row in sorted(shown, key=lambda row: row["name"].encode())
    ]


def _variables(plan: Plan) -> list[dict[str, Any]]:
    rows = []
    for variable in sorted(plan.variables, key=lambda variable: variable.name.encode()):
        row = {
            "name": variable.name,
            "description": variable.description,
            "type": variable.type,
        }
        row = {key: value for key, value in row.items() if value}
        if variable.value is not None:
            row["value"] = variable.value
        rows.append(row)
    return rows


def _aligned(table: list[tuple[str, ...]]) -> str:
    """Align columns with tabs, as Go's tabwriter does with cells of at least 8."""
    lines = []
    widths = [
        (max(len(row[column]) for row in table) + 1 + _TAB - 1) // _TAB * _TAB
        for column in range(len(table[0]) - 1)
    ]
    for row in table:
        line = ""
        for cell, width in zip(row, widths, strict=False):
            line += cell + "\t" * -(-(width - len(cell)) // _TAB)
        lines.append(line + row[-1])
    return "\n".join((*lines, ""))
