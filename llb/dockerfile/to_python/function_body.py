"""The body of a stage's function while it is being written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import define, field

from llb.dockerfile.to_python.code_layout import (
    Call,
    Chain,
    Expr,
    Hole,
    Link,
    Raw,
    Word,
    call,
    flat,
    needs_tree,
    statement,
)
from llb.dockerfile.to_python.expansion import Expansion, Value
from llb.dockerfile.to_python.refusal import Refusal
from llb.dockerfile.to_python.stages import is_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llb.dockerfile.image_table import Resolver
    from llb.dockerfile.to_python.stages import Model, Stage

_INDENT = 4
_TREE = Raw("tree")
# What every Dockerfile knows of the build, as code.
AUTOMATIC = {
    f"{prefix}{name}": code.format(platform)
    for prefix, platform in (("TARGET", "build.platform"), ("BUILD", "build.build_platform"))
    for name, code in (
        ("PLATFORM", "str({})"),
        ("OS", "{}.os"),
        ("OSVERSION", "{}.os_version or ''"),
        ("ARCH", "{}.architecture"),
        ("VARIANT", "{}.variant or ''"),
    )
}


@define
class Ending:
    """What a stage leaves to those that begin with it.

    ``variables`` are those whose values are known; of all others, the tree knows at run time,
    unless ``is_closed``. It ``is_plain`` where those find it as it is left:
    without variables and a CMD of its own.
    """

    variables: dict[str, str | None]
    is_closed: bool
    cwd: str | None
    is_plain: bool
    has_triggers: bool


@define(eq=False)
class Body:
    """What is written of a stage so far.

    ``resolver`` knows images, where it is there.
    ``parameters`` are the build args with the code of their defaults. ``variables`` are the
    values at this place, None for those that the tree knows. ``cwd`` is the directory, None where
    the base says it. ``shared`` are the names of trees that are taken from several times, by
    their code.
    """

    model: Model
    stage: Stage
    resolver: Resolver | None = None
    parameters: dict[str, str] = field(factory=dict)
    variables: dict[str, Value | None] = field(factory=dict)
    is_closed: bool = False
    cwd: str | None = None
    is_plain: bool = True
    has_triggers: bool = False
    line: int = 0
    shared: dict[str, str] = field(factory=dict)
    _own: set[str] = field(factory=set)
    _arguments: set[str] = field(factory=set)
    _globals: dict[str, Value] = field(factory=dict)
    _lines: list[str] = field(factory=list)
    _head: Expr = _TREE
    _links: list[Link] = field(factory=list)
    _comments: list[str] = field(factory=list)

    # --- what is written ----------------------------------------------------

    def begin(self, head: Expr) -> None:
        """Begin with a tree."""
        self._head = head

    def comment(self, comments: tuple[str, ...]) -> None:
        """Write comments above what comes next."""
        self._comments += comments

    def add(self, made: Call) -> None:
        """Add a step, which may need the tree so far."""
        self.add_all([made])

    def add_all(self, made: Sequence[Call]) -> None:
        """Add steps that all see the tree before the first of them."""
        if any(map(needs_tree, made)):
            self.flush()
        for each in made:
            self._add(each)

    def _add(self, made: Call) -> None:
        self._links.append(Link(made, tuple(self._comments)))
        self._comments = []

    def assign(self, name: str, value: Expr, *, condition: str = "") -> None:
        """Write an assignment, which comes after all steps so far."""
        if self._links or not isinstance(self._head, Raw):
            self.flush()
        pad = " " * _INDENT
        self._lines += [f"{pad}{each}" for each in self._comments]
        self._comments = []
        if condition:
            self._lines.append(f"{pad}if {condition}:")
        self._lines.append(statement(f"{name} = ", value, _INDENT * (2 if condition else 1)))

    def flush(self) -> None:
        """Let ``tree`` be what was made so far."""
        if self._links or self._head is not _TREE:
            self._lines.append(statement("tree = ", self._chain(), _INDENT))
        self._head, self._links = _TREE, []

    def lines(self) -> list[str]:
        """Return all lines, which end with a return."""
        ending = [f"{' ' * _INDENT}{each}" for each in self._comments]
        return [*self._lines, statement("return ", self._chain(), _INDENT), *ending]

    def ending(self) -> Ending:
        """Return what the stage leaves to others."""
        known = {
            name: None if value is None or value.maybe else value.word.constant
            for name, value in self.variables.items()
        }
        # Of a variable and an argument of one name, the variable comes back.
        known |= dict.fromkeys(self._arguments & self._own)
        return Ending(
            known,
            self.is_closed,
            self.cwd,
            is_plain=self.is_plain,
            has_triggers=self.has_triggers,
        )

    def _chain(self) -> Expr:
        return Chain(self._head, tuple(self._links)) if self._links else self._head

    # --- what words mean ----------------------------------------------------

    @property
    def here(self) -> Expansion:
        """How words of the stage are read at this place."""
        return Expansion(self.model.parsed.escape, self.lookup)

    @property
    def above(self) -> Expansion:
        """How words of FROM are read."""
        return Expansion(self.model.parsed.escape, self.global_value)

    def word(self, text: str) -> Word:
        """Return a word of the stage with its variables replaced. Raises Refusal."""
        return self.here.word(text)

    def lookup(self, name: str) -> Value | None:
        """Return the value of a variable at this place, None for one that is not set."""
        if name in self.variables:
            return self.variables[name] or of_tree(name)
        return None if self.is_closed else of_tree(name)

    def global_value(self, name: str) -> Value | None:
        """Return the value of an argument from before the first stage."""
        if name not in self._globals:
            value = self._global(name)
            if value is None:
                return None
            self._globals[name] = value
        return self._globals[name]

    def _global(self, name: str) -> Value | None:
        defaults = self.model.arguments.get(name, ())
        if name not in self.model.arguments or (not defaults and name in AUTOMATIC):
            return automatic(name)
        if not defaults:
            return self.parameter(name, None)
        first, *others = defaults
        word = self.above.word(first)
        for each in others:
            word = self._renewed(name, Value(word), each)
        return self.parameter(name, word)

    def _renewed(self, name: str, before: Value, default: str) -> Word:
        """Return another default of an argument, which may be made of the one before."""

        def lookup(key: str) -> Value | None:
            return before if key == name else self.global_value(key)

        return Expansion(self.model.parsed.escape, lookup).word(default)

    def parameter(self, name: str, default: Word | None) -> Value:
        """Return the value of a build arg, which becomes a parameter. Raises Refusal."""
        if not is_name(name):
            raise Refusal(f"the build arg {name} cannot be the name of a parameter", self.line)
        known = self.parameters.get(name)
        constant = None if default is None else default.constant
        code = "None" if constant is None else flat(Word.of(constant)) or repr(constant)
        if known is None:
            self.parameters[name] = code
            if default is not None and constant is None:
                self.assign_default(name, default)
        elif known != code or (default is not None and constant is None):
            self.reassign(name, default)
        if default is None:
            return Value(Word.of(Hole(f"{name} or ''")), maybe=name)
        return Value(Word.of(Hole(name)))

    def assign_default(self, name: str, default: Word) -> None:
        """Give a parameter a default that depends on others."""
        self.assign(name, default, condition=f"{name} is None")

    def reassign(self, name: str, default: Word | None) -> None:
        """Give a parameter another default from here on. Raises Refusal."""
        used = (value for value in self.variables.values() if value is not None)
        holes = (part.code for value in used for part in value.word.parts if isinstance(part, Hole))
        if default is None or any(name in code for code in holes):
            raise Refusal(f"the argument {name} has several values", self.line)
        self.assign(name, call("build.args.get", Word.of(name), default))

    def set(self, name: str, word: Word) -> None:
        """Note that a variable is set."""
        # What depends on the tree so far is the tree's own from here on.
        self._own.add(name)
        self.is_plain = False
        self.variables.pop(name, None)
        self.variables[name] = None if needs_tree(word) else Value(word)

    def declare(self, name: str, value: Value, *, is_open: bool) -> None:
        """Note that an argument is declared; one that ``is_open`` may leave what was there."""
        self._arguments.add(name)
        self.is_plain = False
        self.variables.pop(name, None)
        self.variables[name] = None if is_open else value


def of_tree(name: str) -> Value:
    """Return the value that a variable of the tree has at run time."""
    if '"' in name or "'" in name or "\\" in name:
        raise Refusal(f"the variable {name}")
    return Value(Word.of(Hole(f"tree.getenv('{name}')")))


def automatic(name: str) -> Value | None:
    """Return what every Dockerfile knows of the build, None for other names."""
    code = AUTOMATIC.get(name)
    return None if code is None else Value(Word.of(Hole(code)))
