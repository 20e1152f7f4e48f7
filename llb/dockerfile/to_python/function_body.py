"""Write the body of a stage's function."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import define, field

from llb.dockerfile.to_python.code_layout import (
    Call,
    Chain,
    Expr,
    Interpolation,
    Link,
    Raw,
    Word,
    call,
    flat,
    needs_tree,
    statement,
)
from llb.dockerfile.to_python.expansion import Expansion, Value
from llb.dockerfile.to_python.not_expressible import NotExpressible
from llb.dockerfile.to_python.stages import is_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llb.dockerfile.image_table import Resolver
    from llb.dockerfile.to_python.stages import Model, Stage

_INDENT = 4
_TREE = Raw("tree")
# The automatic platform arguments, as code.
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
class EndState:
    """The state at the end of a stage, which the stages based on it inherit.

    ``variables`` are those with known values; the tree provides all others at run time, unless
    ``is_closed``. A stage that ``is_plain`` sets no variables and no CMD, so stages can begin with
    its tree directly.
    """

    variables: dict[str, str | None]
    is_closed: bool
    cwd: str | None
    is_plain: bool
    has_triggers: bool


@define(eq=False)
class Body:
    """The body of a stage's function, as far as it is written.

    ``resolver`` resolves images, if available.
    ``parameters`` are the build args with the code of their defaults. ``variables`` are the current
    values, None for those that the tree provides. ``cwd`` is the working directory, None if it
    depends on the base. ``shared`` maps the code of trees that are used several times to the
    variables that hold them.
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

    # --- writing lines ------------------------------------------------------

    def begin(self, head: Expr) -> None:
        """Begin with a tree."""
        self._head = head

    def comment(self, comments: tuple[str, ...]) -> None:
        """Write comments above the next step."""
        self._comments += comments

    def add(self, step: Call) -> None:
        """Add a step, which may read the tree built so far."""
        self.add_all([step])

    def add_all(self, steps: Sequence[Call]) -> None:
        """Add steps that all read the tree as it is before the first of them."""
        if any(map(needs_tree, steps)):
            self.flush()
        for step in steps:
            self._add(step)

    def _add(self, step: Call) -> None:
        self._links.append(Link(step, tuple(self._comments)))
        self._comments = []

    def assign(self, name: str, value: Expr, *, condition: str = "") -> None:
        """Write an assignment after all steps so far."""
        if self._links or not isinstance(self._head, Raw):
            self.flush()
        pad = " " * _INDENT
        self._lines += [f"{pad}{comment}" for comment in self._comments]
        self._comments = []
        if condition:
            self._lines.append(f"{pad}if {condition}:")
        self._lines.append(statement(f"{name} = ", value, _INDENT * (2 if condition else 1)))

    def flush(self) -> None:
        """Assign the steps so far to ``tree``."""
        if self._links or self._head is not _TREE:
            self._lines.append(statement("tree = ", self._chain(), _INDENT))
        self._head, self._links = _TREE, []

    def lines(self) -> list[str]:
        """List all lines, with the return statement at the end."""
        trailing_comments = [f"{' ' * _INDENT}{comment}" for comment in self._comments]
        return [*self._lines, statement("return ", self._chain(), _INDENT), *trailing_comments]

    def end_state(self) -> EndState:
        """Summarize the state that stages based on this one inherit."""
        constants = {
            name: None if value is None or value.optional else value.word.constant
            for name, value in self.variables.items()
        }
        # If a variable and an argument share a name, the variable is inherited.
        constants |= dict.fromkeys(self._arguments & self._own)
        return EndState(
            constants,
            self.is_closed,
            self.cwd,
            is_plain=self.is_plain,
            has_triggers=self.has_triggers,
        )

    def _chain(self) -> Expr:
        return Chain(self._head, tuple(self._links)) if self._links else self._head

    # --- expanding words ----------------------------------------------------

    @property
    def expansion(self) -> Expansion:
        """The expansion of words in the stage, at the current position."""
        return Expansion(self.model.parsed.escape, self.lookup)

    @property
    def global_expansion(self) -> Expansion:
        """The expansion of words in FROM."""
        return Expansion(self.model.parsed.escape, self.global_value)

    def word(self, source: str) -> Word:
        """Expand the variables of a word in the stage. Raises NotExpressible."""
        return self.expansion.word(source)

    def lookup(self, name: str) -> Value | None:
        """Look up a variable at the current position; None if it is not set."""
        if name in self.variables:
            return self.variables[name] or of_tree(name)
        return None if self.is_closed else of_tree(name)

    def global_value(self, name: str) -> Value | None:
        """Look up an argument that is declared before the first stage."""
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
        first_default, *other_defaults = defaults
        word = self.global_expansion.word(first_default)
        for default in other_defaults:
            word = self._expand_again(name, Value(word), default)
        return self.parameter(name, word)

    def _expand_again(self, name: str, previous: Value, default: str) -> Word:
        """Expand another default of an argument, which may refer to the one before."""

        def lookup(key: str) -> Value | None:
            return previous if key == name else self.global_value(key)

        return Expansion(self.model.parsed.escape, lookup).word(default)

    def parameter(self, name: str, default: Word | None) -> Value:
        """Turn a build arg into a parameter and return its value. Raises NotExpressible."""
        if not is_name(name):
            raise NotExpressible(f"build arg {name} is not a valid parameter name", self.line)
        known_default = self.parameters.get(name)
        constant = None if default is None else default.constant
        code = "None" if constant is None else flat(Word.of(constant)) or repr(constant)
        if known_default is None:
            self.parameters[name] = code
            if default is not None and constant is None:
                self.assign_default(name, default)
        elif known_default != code or (default is not None and constant is None):
            self.reassign(name, default)
        if default is None:
            return Value(Word.of(Interpolation(f"{name} or ''")), optional=name)
        return Value(Word.of(Interpolation(name)))

    def assign_default(self, name: str, default: Word) -> None:
        """Assign a default that depends on other parameters."""
        self.assign(name, default, condition=f"{name} is None")

    def reassign(self, name: str, default: Word | None) -> None:
        """Assign another default to a parameter from here on. Raises NotExpressible."""
        values = (value for value in self.variables.values() if value is not None)
        interpolations = (
            part.code
            for value in values
            for part in value.word.parts
            if isinstance(part, Interpolation)
        )
        if default is None or any(name in code for code in interpolations):
            raise NotExpressible(f"ARG {name} has several values", self.line)
        self.assign(name, call("build.args.get", Word.of(name), default))

    def set(self, name: str, word: Word) -> None:
        """Record that a variable is set."""
        # From here on, the tree provides a value that depends on the tree.
        self._own.add(name)
        self.is_plain = False
        self.variables.pop(name, None)
        self.variables[name] = None if needs_tree(word) else Value(word)

    def declare(self, name: str, value: Value, *, is_open: bool) -> None:
        """Record that an argument is declared; with ``is_open``, an earlier value may remain."""
        self._arguments.add(name)
        self.is_plain = False
        self.variables.pop(name, None)
        self.variables[name] = None if is_open else value


def of_tree(name: str) -> Value:
    """Write the lookup of a variable in the tree at run time."""
    if '"' in name or "'" in name or "\\" in name:
        raise NotExpressible(f"unsupported variable name {name}")
    return Value(Word.of(Interpolation(f"tree.getenv('{name}')")))


def automatic(name: str) -> Value | None:
    """Write the value of an automatic platform argument; None for other names."""
    code = AUTOMATIC.get(name)
    return None if code is None else Value(Word.of(Interpolation(code)))
