"""The nodes of parsed HCL. Every node has its place in the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from llb.bake.hcl.places import Place
    from llb.bake.values.value import Value


@frozen(kw_only=True)
class Expression:
    """An expression: something with a value."""

    place: Place = field(eq=False, repr=False)

    def parts(self) -> Sequence[Expression]:
        """List the expressions that this one is made of."""
        return ()


@frozen
class Literal(Expression):
    """A number, a keyword such as ``true``, or the text of a template between interpolations."""

    value: Value


@frozen
class Template(Expression):
    """Text with interpolated expressions, which becomes a string."""

    pieces: tuple[Expression, ...]

    def parts(self) -> Sequence[Expression]:
        """List the pieces."""
        return self.pieces


@frozen
class Joined(Expression):
    """The strings of a ``%{ for }`` in a template, joined."""

    loop: Expression

    def parts(self) -> Sequence[Expression]:
        """List the loop."""
        return (self.loop,)


@frozen
class Wrapped(Expression):
    """A template of one interpolation alone, whose value is not converted; or parentheses."""

    inner: Expression

    def parts(self) -> Sequence[Expression]:
        """List the expression inside."""
        return (self.inner,)


@frozen
class JsonText(Expression):
    """A string of a JSON file: a template, or the text of an expression where one is required."""

    text: str
    template: Expression

    def parts(self) -> Sequence[Expression]:
        """List the template."""
        return (self.template,)


@frozen
class Name(Expression):
    """The name of a variable, or a keyword."""

    name: str


@frozen
class GetAttribute(Expression):
    """``source.name``."""

    source: Expression
    name: str

    def parts(self) -> Sequence[Expression]:
        """List the source."""
        return (self.source,)


@frozen
class Index(Expression):
    """``source[key]``; ``bracket`` is the place of the key with its brackets."""

    source: Expression
    key: Expression
    bracket: Place = field(eq=False, repr=False)

    def parts(self) -> Sequence[Expression]:
        """List the source and the key."""
        return self.source, self.key


@frozen
class Splat(Expression):
    """``source[*].name``: ``each`` is evaluated for every element, which is its ``SplatItem``."""

    source: Expression
    each: Expression

    def parts(self) -> Sequence[Expression]:
        """List the source and what is done with each element."""
        return self.source, self.each


@frozen
class SplatItem(Expression):
    """The current element of a splat."""


@frozen
class Call(Expression):
    """A call of a function; ``expands`` its last argument into several with ``...``."""

    name: str
    arguments: tuple[Expression, ...]
    expands: bool
    name_place: Place = field(eq=False, repr=False)

    def parts(self) -> Sequence[Expression]:
        """List the arguments."""
        return self.arguments


@frozen
class Unary(Expression):
    """``-x`` or ``!x``."""

    operator: str
    operand: Expression

    def parts(self) -> Sequence[Expression]:
        """List the operand."""
        return (self.operand,)


@frozen
class Binary(Expression):
    """An operator between two operands."""

    operator: str
    left: Expression
    right: Expression

    def parts(self) -> Sequence[Expression]:
        """List the operands."""
        return self.left, self.right


@frozen
class Conditional(Expression):
    """``condition ? positive : negative``, or a ``%{ if }`` in a template."""

    condition: Expression
    positive: Expression
    negative: Expression

    def parts(self) -> Sequence[Expression]:
        """List the condition and the results."""
        return self.condition, self.positive, self.negative


@frozen
class TupleOf(Expression):
    """``[a, b]``."""

    elements: tuple[Expression, ...]

    def parts(self) -> Sequence[Expression]:
        """List the elements."""
        return self.elements


@frozen
class ObjectKey(Expression):
    """A key of an object; a name means itself, unless it is in parentheses."""

    inner: Expression
    forced: bool = False

    @property
    def literal(self) -> str | None:
        """The name that the key is, or None if it is an expression."""
        return None if self.forced else keyword(self.inner)

    def parts(self) -> Sequence[Expression]:
        """List the expression, unless it is a mere name."""
        return () if self.literal is not None else (self.inner,)


@frozen
class ObjectOf(Expression):
    """``{ key = value }``."""

    items: tuple[tuple[ObjectKey, Expression], ...]

    def parts(self) -> Sequence[Expression]:
        """List keys and values."""
        return [part for item in self.items for part in item]


@frozen
class For(Expression):
    """``[for key, value in source : result if condition]``, or the same for an object."""

    key_name: str | None
    value_name: str
    source: Expression
    key: Expression | None
    value: Expression
    condition: Expression | None
    groups: bool

    @property
    def names(self) -> frozenset[str]:
        """The names that are defined inside the loop."""
        return frozenset({self.value_name} | ({self.key_name} if self.key_name else set()))

    def parts(self) -> Sequence[Expression]:
        """List the parts, those inside the loop last."""
        inside = (self.key, self.value, self.condition)
        return self.source, *(part for part in inside if part is not None)


@frozen
class Attribute:
    """``name = value`` in a body."""

    name: str
    value: Expression
    place: Place = field(eq=False, repr=False)
    name_place: Place = field(eq=False, repr=False)


@frozen
class Block:
    """A block with its labels; ``place`` is the head, from the type to the last label."""

    type: str
    labels: tuple[str, ...]
    body: Body
    place: Place = field(eq=False, repr=False)
    label_places: tuple[Place, ...] = field(eq=False, repr=False)


@frozen
class Body:
    """Attributes by name, and blocks in order."""

    attributes: Mapping[str, Attribute]
    blocks: tuple[Block, ...]
    place: Place = field(eq=False, repr=False)


@frozen
class Reference:
    """A use of a variable: its name, and the names of the attributes that follow it."""

    name: str
    path: tuple[str | None, ...]
    place: Place = field(eq=False, repr=False)


def keyword(expression: Expression) -> str | None:
    """Return the name that an expression consists of, or None."""
    match expression:
        case Name(name=name):
            return name
        case Literal():
            text = expression.place.text
            return text if text in {"true", "false", "null"} else None
        case ObjectKey():
            return expression.literal
        case JsonText(text=text):
            return text if text.replace("-", "_").isidentifier() else None
        case _:
            return None


def calls(expression: Expression) -> Iterator[Call]:
    """Find the calls in an expression."""
    if isinstance(expression, Call):
        yield expression
    for part in expression.parts():
        yield from calls(part)


def references(expression: Expression, local: frozenset[str] = frozenset()) -> Iterator[Reference]:
    """Find the uses of variables in an expression, without those that it defines itself."""
    match expression:
        case Name() | GetAttribute() | Index():
            root, path = _traversal(expression)
            if isinstance(root, Name):
                if root.name not in local:
                    yield Reference(root.name, path, expression.place)
            else:
                yield from references(root, local)
            yield from _key_references(expression, local)
        case For():
            yield from references(expression.source, local)
            for part in expression.parts()[1:]:
                yield from references(part, local | expression.names)
        case _:
            for part in expression.parts():
                yield from references(part, local)


def _traversal(expression: Expression) -> tuple[Expression, tuple[str | None, ...]]:
    """Split into what a chain of attributes and indices begins with, and their names."""
    path: list[str | None] = []
    while isinstance(expression, GetAttribute | Index):
        if isinstance(expression, GetAttribute):
            path.append(expression.name)
        else:
            # An index that is computed ends the path of names.
            path.append(None)
        expression = expression.source
    return expression, tuple(reversed(path))


def _key_references(expression: Expression, local: frozenset[str]) -> Iterator[Reference]:
    while isinstance(expression, GetAttribute | Index):
        if isinstance(expression, Index):
            yield from references(expression.key, local)
        expression = expression.source
