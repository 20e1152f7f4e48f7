"""Parse templates."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from llb.errors import InvalidValueError, did_you_mean
from llb.gocompat.template.nodes import (
    Action,
    Block,
    Chain,
    Function,
    Jump,
    Literal,
    Pipeline,
    Text,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from llb.gocompat.template.nodes import Node, Operand

_BLOCKS = ("if", "range", "with")
_JUMPS = ("break", "continue")
_UNSUPPORTED = ("define", "template", "block")
_ACTION = re.compile(r"\{\{(-\s)?(/\*.*?\*/)?", re.DOTALL)
_END = re.compile(r"(\s-)?\}\}")
_TOKEN = re.compile(
    r"""
      (?P<space>\s+)
    | (?P<string>"(?:[^"\\\n]|\\.)*"|`[^`]*`)
    | (?P<number>[+-]?(?:0[xX][0-9a-fA-F]+|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)(?![\w.]))
    | (?P<field>(?:\.[^\W\d]\w*))
    | (?P<dot>\.)
    | (?P<variable>\$\w*)
    | (?P<name>[^\W\d]\w*)
    | (?P<sign>:=|[|(),=])
    """,
    re.VERBOSE,
)
_DEEPEST = 100


def parse(text: str, functions: Collection[str]) -> tuple[Node, ...]:
    """Parse a template that uses these functions.

    Raises InvalidValueError for anything that Go refuses, and for what this module does not know.
    """
    parser = _Parser(text, functions)
    nodes, end = parser.nodes()
    if end is not None:
        raise parser.error(f"unexpected {{{{{end}}}}}")
    return nodes


class _Parser:
    """Reads a template from its start to its end."""

    def __init__(self, text: str, functions: Collection[str]) -> None:
        self._text = text
        self._functions = functions
        self._position = 0
        self._depth = 0
        self._variables = ["$"]
        self._ranges = 0
        self._tokens: list[tuple[str, str]] = []
        self._trims = False

    def error(self, reason: str) -> InvalidValueError:
        """Build the error at this position."""
        line = self._text.count("\n", 0, self._position) + 1
        where = f" in line {line}" if "\n" in self._text else ""
        return InvalidValueError(f"invalid template {self._text!r}{where}: {reason}")

    def nodes(self) -> tuple[tuple[Node, ...], str | None]:
        """Read nodes up to ``else`` or ``end``, which is returned, or to the end of the text."""
        nodes: list[Node] = []
        while self._position < len(self._text):
            text = self._literal_text()
            if text:
                nodes.append(Text(text))
            if self._position == len(self._text) and not self._tokens:
                break
            if not self._tokens:
                # A comment.
                continue
            keyword = self._tokens[0][1] if self._tokens[0][0] == "name" else ""
            if keyword in ("else", "end"):
                self._tokens.pop(0)
                return tuple(nodes), keyword
            nodes.append(self._statement(keyword))
        return tuple(nodes), None

    def _literal_text(self) -> str:
        """Read text up to an action, and the tokens of the action."""
        start = self._position
        match = _ACTION.search(self._text, start)
        self._position = len(self._text) if match is None else match.end()
        text = self._text[start : self._position if match is None else match.start()]
        text = text.lstrip(" \t\r\n") if self._trims else text
        self._tokens, self._trims = [], False
        if match is None:
            return text
        if match[1]:
            text = text.rstrip(" \t\r\n")
        while (end := _END.match(self._text, self._position)) is None:
            token = _TOKEN.match(self._text, self._position)
            if token is None:
                shown = self._text[self._position : self._position + 1]
                raise self.error(f"unexpected {shown!r}" if shown else "an action is not closed")
            self._tokens.append((token.lastgroup or "", token[0]))
            self._position = token.end()
        if match[2] and [kind for kind, _ in self._tokens if kind != "space"]:
            raise self.error("a comment ends before its action")
        if not match[2] and not [kind for kind, _ in self._tokens if kind != "space"]:
            raise self.error("an action is empty")
        self._tokens = [] if match[2] else self._trimmed(self._tokens)
        self._trims = bool(end[1])
        self._position = end.end()
        return text

    def _trimmed(self, tokens: list[tuple[str, str]]) -> list[tuple[str, str]]:
        while tokens[0][0] == "space":
            tokens.pop(0)
        while tokens[-1][0] == "space":
            tokens.pop()
        return tokens

    def _statement(self, keyword: str) -> Node:
        if keyword in _UNSUPPORTED:
            raise self.error(f"{keyword} is not supported")
        if keyword in _JUMPS:
            if not self._ranges:
                raise self.error(f"{keyword} outside of range")
            self._expect_end(1)
            return Jump(keyword)
        if keyword not in _BLOCKS:
            pipeline = self._pipeline()
            self._expect_end()
            return Action(pipeline)
        self._tokens.pop(0)
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self.error("it is nested too deeply")
        known = len(self._variables)
        block = self._block(keyword)
        del self._variables[known:]
        self._depth -= 1
        return block

    def _block(self, keyword: str) -> Block:
        pipeline = self._pipeline(may_have_two=keyword == "range")
        self._expect_end()
        self._ranges += keyword == "range"
        body, end = self.nodes()
        self._ranges -= keyword == "range"
        otherwise: tuple[Node, ...] = ()
        if end == "else":
            self._skip_space()
            following = self._tokens[0][1] if self._tokens else ""
            if following and following == keyword and keyword != "range":
                return Block(keyword, pipeline, body, (self._statement(following),))
            self._expect_end()
            otherwise, end = self.nodes()
        if end != "end":
            raise self.error(f"{keyword} has no end")
        return Block(keyword, pipeline, body, otherwise)

    def _pipeline(self, *, may_have_two: bool = False) -> Pipeline:
        variables, declares = self._declaration(may_have_two=may_have_two)
        commands = [self._command()]
        while self._accept("|"):
            commands.append(self._command())
        for command in commands[1:]:
            if isinstance(command[0], Literal):
                raise self.error("a literal cannot receive the value of a pipeline")
        if declares:
            self._variables += variables
        return Pipeline(tuple(commands), variables, declares)

    def _declaration(self, *, may_have_two: bool) -> tuple[tuple[str, ...], bool]:
        """Read ``$x :=``, ``$x =`` or, in a range, ``$x, $y :=``."""
        shown = [token for token in self._tokens if token[0] != "space"]
        kinds = [text if kind == "sign" else kind for kind, text in shown]
        for count, signs in ((1, ["variable"]), (2, ["variable", ",", "variable"])):
            sign = kinds[len(signs) : len(signs) + 1]
            if kinds[: len(signs)] == signs and sign in ([":="], ["="]):
                if count == 2 and not may_have_two:
                    raise self.error("only range has two variables")
                names = tuple(text for kind, text in shown[: len(signs)] if kind == "variable")
                unknown = [name for name in names if name not in self._variables]
                if sign == ["="] and unknown:
                    raise self.error(f"undefined variable {unknown[0]}")
                for _ in range(len(signs) + 1):
                    self._skip_space()
                    self._tokens.pop(0)
                return names, sign == [":="]
        return (), True

    def _command(self) -> tuple[Operand, ...]:
        operands: list[Operand] = []
        while True:
            self._skip_space()
            if not self._tokens or self._tokens[0][1] in ("|", ")"):
                break
            operands.append(self._operand())
            if self._tokens and self._tokens[0][0] != "space" and self._tokens[0][1] not in "|)":
                raise self.error(f"unexpected {self._tokens[0][1]!r}")
        if not operands:
            raise self.error("a value is missing")
        if len(operands) > 1 and isinstance(operands[0], Literal):
            raise self.error("a literal has no arguments")
        return tuple(operands)

    def _operand(self) -> Operand:
        kind, text = self._tokens.pop(0)
        match kind:
            case "string":
                return Literal(self._string(text))
            case "number":
                return Literal(_number(text))
            case "dot":
                return Chain(())
            case "field":
                return Chain((text[1:], *self._fields()))
            case "variable":
                if text not in self._variables:
                    raise self.error(f"undefined variable {text}")
                return Chain(self._fields(), variable=text)
            case "name":
                return self._name(text)
            case _ if text == "(":
                return self._parenthesis()
        raise self.error(f"unexpected {text!r}")

    def _name(self, text: str) -> Operand:
        constants = {"true": True, "false": False, "nil": None}
        if text in constants:
            return Literal(constants[text])
        if text not in self._functions:
            error = self.error(f"there is no function {text}")
            error.hint = did_you_mean(text, self._functions)
            raise error
        return Function(text)

    def _parenthesis(self) -> Chain:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self.error("it is nested too deeply")
        pipeline = self._pipeline()
        if not self._accept(")"):
            raise self.error("a parenthesis is not closed")
        self._depth -= 1
        return Chain(self._fields(), pipeline=pipeline)

    def _fields(self) -> tuple[str, ...]:
        fields = []
        while self._tokens and self._tokens[0][0] == "field":
            fields.append(self._tokens.pop(0)[1][1:])
        return tuple(fields)

    def _string(self, text: str) -> str:
        if text.startswith("`"):
            return text[1:-1]
        try:
            return str(json.loads(text.replace("\t", "\\t").replace("\\'", "'")))
        except ValueError as error:
            raise self.error(f"invalid string {text}") from error

    def _accept(self, sign: str) -> bool:
        self._skip_space()
        if self._tokens and self._tokens[0] == ("sign", sign):
            self._tokens.pop(0)
            return True
        return False

    def _skip_space(self) -> None:
        while self._tokens and self._tokens[0][0] == "space":
            self._tokens.pop(0)

    def _expect_end(self, skipped: int = 0) -> None:
        del self._tokens[:skipped]
        self._skip_space()
        if self._tokens:
            raise self.error(f"unexpected {self._tokens[0][1]!r}")


def _number(text: str) -> int | float:
    digits = text.lower()
    if "x" in digits:
        return int(digits, 16)
    is_float = any(character in digits for character in ".e")
    return float(digits) if is_float else int(digits)
