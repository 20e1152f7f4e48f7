"""Run templates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from attrs import frozen

from llb.errors import InvalidValueError, did_you_mean
from llb.gocompat.template.functions import FUNCTIONS
from llb.gocompat.template.nodes import (
    Action,
    Block,
    Chain,
    Function,
    Jump,
    Literal,
    Text,
)
from llb.gocompat.template.parse import parse
from llb.gocompat.template.values import NO_VALUE, NoValue, Struct, TypedMap, is_true, to_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llb.gocompat.template.functions import TemplateFunction
    from llb.gocompat.template.nodes import Node, Operand, Pipeline


@frozen
class Template:
    """A parsed template with its functions."""

    nodes: tuple[Node, ...]
    functions: Mapping[str, TemplateFunction]

    @classmethod
    def parse(cls, text: str, functions: Mapping[str, TemplateFunction]) -> Template:
        """Parse a template, which may use more functions than those of Go.

        Raises InvalidValueError.

        >>> Template.parse("{{len .}}{{if .}}!{{end}}", {}).render(["a", "b"])
        '2!'
        """
        known = {**FUNCTIONS, **functions}
        return cls(parse(text, known), known)

    @property
    def only_field(self) -> str | None:
        """The field whose printing is all that the template does, apart from space around it."""
        visible = [node for node in self.nodes if not _is_space(node)]
        match visible:
            case [Action(pipeline)] if not pipeline.variables:
                match pipeline.commands:
                    case ((Chain((name,), None, None),),):
                        return name
        return None

    def render(self, data: Any) -> str:
        """Print the template for some data. Raises InvalidValueError."""
        return _Run(self.functions, data).render(self.nodes, data)


class _Jumped(Exception):  # noqa: N818 - it is no error
    """``break`` or ``continue``, with what was printed before."""

    def __init__(self, keyword: str, text: str) -> None:
        super().__init__(keyword)
        self.keyword = keyword
        self.text = text


class _Run:
    """One rendering, with its variables; the innermost are last."""

    def __init__(self, functions: Mapping[str, TemplateFunction], data: Any) -> None:
        self._functions = functions
        self._variables: list[tuple[str, Any]] = [("$", data)]

    def render(self, nodes: Iterable[Node], dot: Any) -> str:
        text = ""
        for node in nodes:
            match node:
                case Text():
                    text += node.text
                case Jump():
                    raise _Jumped(node.keyword, text)
                case Action(pipeline):
                    value = self._assigned(pipeline, dot)
                    text += "" if pipeline.variables else to_text(value)
                case Block():
                    try:
                        text += self._block(node, dot)
                    except _Jumped as jump:
                        raise _Jumped(jump.keyword, text + jump.text) from None
        return text

    def _block(self, block: Block, dot: Any) -> str:
        known = len(self._variables)
        try:
            if block.keyword == "range":
                return self._range(block, dot)
            value = self._assigned(block.pipeline, dot)
            if not is_true(value):
                return self.render(block.otherwise, dot)
            return self.render(block.body, value if block.keyword == "with" else dot)
        finally:
            del self._variables[known:]

    def _range(self, block: Block, dot: Any) -> str:
        pipeline = block.pipeline
        items = _items(self._value(pipeline, dot))
        text = ""
        for key, item in items:
            known = len(self._variables)
            names = pipeline.variables
            values = (key, item) if len(names) == 2 else (item,)
            for name, value in zip(names, values, strict=False):
                self._set(name, value, declares=pipeline.declares)
            try:
                text += self.render(block.body, item)
            except _Jumped as jump:
                text += jump.text
                if jump.keyword == "break":
                    break
            finally:
                del self._variables[known:]
        return text if items else self.render(block.otherwise, dot)

    def _assigned(self, pipeline: Pipeline, dot: Any) -> Any:
        value = self._value(pipeline, dot)
        for name in pipeline.variables:
            self._set(name, value, declares=pipeline.declares)
        return value

    def _set(self, name: str, value: Any, *, declares: bool) -> None:
        if declares:
            self._variables.append((name, value))
            return
        for position in reversed(range(len(self._variables))):
            if self._variables[position][0] == name:
                self._variables[position] = (name, value)
                return

    def _value(self, pipeline: Pipeline, dot: Any) -> Any:
        last: tuple[Any, ...] = ()
        for command in pipeline.commands:
            last = (self._command(command, dot, last),)
        return last[0]

    def _command(self, command: tuple[Operand, ...], dot: Any, last: tuple[Any, ...]) -> Any:
        first, *rest = command
        if first == Literal(None):
            raise InvalidValueError("invalid template: nil is not a command")
        if not isinstance(first, Function):
            if rest or last:
                raise InvalidValueError(
                    "invalid template: a value that is no function has arguments"
                )
            return self._operand(first, dot)
        arguments = [self._operand(operand, dot) for operand in rest]
        return self._call(first.name, [*arguments, *last])

    def _operand(self, operand: Operand, dot: Any) -> Any:
        match operand:
            case Literal(value):
                return value
            case Function(name):
                return self._call(name, [])
            case Chain(fields, variable, pipeline):
                value = dot
                if pipeline is not None:
                    value = self._value(pipeline, dot)
                elif variable is not None:
                    value = next(v for name, v in reversed(self._variables) if name == variable)
                for name in fields:
                    value = _field(value, name)
                return value

    def _call(self, name: str, arguments: list[Any]) -> Any:
        try:
            return self._functions[name](*arguments)
        except (TypeError, IndexError) as error:
            raise InvalidValueError(
                f"invalid template: wrong number of arguments of {name}"
            ) from error


def _is_space(node: Node) -> bool:
    return isinstance(node, Text) and not node.text.strip()


def _field(value: Any, name: str) -> Any:
    match value:
        case Struct(fields):
            if name not in fields:
                raise InvalidValueError(
                    f"invalid template: there is no field {name}",
                    hint=did_you_mean(name, fields) or f"known are {', '.join(fields)}",
                )
            field = fields[name]
            return field() if callable(field) else field
        case TypedMap():
            return value.get(name, value.zero)
        case Mapping():
            return value.get(name, NO_VALUE)
        case NoValue():
            return NO_VALUE
        case None:
            raise InvalidValueError(f"invalid template: there is no value with the field {name}")
        case _:
            raise InvalidValueError(f"invalid template: a value without fields has no {name}")


def _items(value: Any) -> list[tuple[Any, Any]]:
    """List the keys and values over which ``range`` goes."""
    match value:
        case None | NoValue():
            return []
        case Mapping():
            return sorted(value.items())
        case bool():
            pass
        case int():
            return [(number, number) for number in range(value)]
        case list() | tuple():
            return list(enumerate(value))
    raise InvalidValueError("invalid template: range needs a map, a list or a number")
