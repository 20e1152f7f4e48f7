"""Evaluate the blocks of bake files in the order in which they need each other.

Variables, functions and attributes of blocks are evaluated when they are first used. A target may
use single attributes of another one. What is needed by its own value is a cycle, and an error.
"""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, Any

from attrs import define, field, frozen

from llb.bake.definitions.attributes import decode, group_value, target_value
from llb.bake.definitions.target import FIELDS, GROUP_ATTRIBUTES, MATRIX_ATTRIBUTES
from llb.bake.definitions.user_functions import UserFunction
from llb.bake.definitions.variables import (
    Variable,
    VariableDefinition,
    described,
    find_override,
    overridden,
    without_value,
)
from llb.bake.evaluation.expressions import evaluate
from llb.bake.evaluation.scope import Scope
from llb.bake.functions import FUNCTIONS
from llb.bake.hcl.nodes import calls, references
from llb.bake.values.conversion import convert, to_text
from llb.bake.values.problems import Unsuitable
from llb.bake.values.types import BOOL, is_mapping
from llb.bake.values.value import NULL, Value, can_iterate, object_of, string
from llb.errors import UnknownKeyWarning, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from llb.bake.evaluation.functions import Function
    from llb.bake.hcl.nodes import Attribute, Block, Body, Expression, Reference
    from llb.bake.hcl.places import Place

_NAME = re.compile(r"[a-zA-Z0-9_-]+")
_ALLOWED = "letters, digits, '_' and '-' are allowed"
BLOCK_TYPES = ("target", "group")
_OTHER_TYPES = ("variable", "function")
# buildx reserves these names, too, so that attributes of them are ignored.
_RESERVED = frozenset(BLOCK_TYPES)


@frozen
class Instance:
    """A block of one name: each combination of a matrix is one. ``fields`` are its attributes."""

    type: str
    name: str
    label: str
    fields: Mapping[str, Any]
    place: Place = field(eq=False, repr=False)


@define(eq=False)
class _Pending:
    """A block, its scopes, and for each of these what has been evaluated or has been begun."""

    block: Block
    scopes: list[Scope]
    names: list[str]
    decoded: list[dict[str, Any]] = field(factory=list)
    begun: list[set[str]] = field(factory=list)


@define(eq=False)
class Resolution:
    """The evaluation of bodies, which are those of several files in their order.

    ``builtins`` are the values of variables that no file can define; ``look_up`` finds values for
    variables in the environment.
    """

    builtins: Mapping[str, str]
    look_up: Callable[[str], str | None]
    _variables: dict[str, VariableDefinition] = field(factory=dict)
    _globals: dict[str, Attribute] = field(factory=dict)
    _user_functions: dict[str, UserFunction] = field(factory=dict)
    _values: dict[str, Value] = field(factory=dict)
    _functions: dict[str, Function] = field(factory=lambda: dict(FUNCTIONS))
    _begun: set[str] = field(factory=set)
    _blocks: dict[str, dict[str, list[_Pending]]] = field(factory=dict)
    _scope: Scope = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._scope = Scope(self._values, self._functions)
        self._values.update({name: string(text) for name, text in self.builtins.items()})

    def resolve(self, bodies: Sequence[Body]) -> tuple[list[Instance], list[Variable]]:
        """Evaluate everything. Raises BakeFileError."""
        pending = self._collect(bodies)
        variables = [self._described(definition) for definition in self._variables.values()]
        for definition in self._variables.values():
            self._validate(definition)
        for function in self._user_functions.values():
            self._resolve_function(function.name, function.place)
        self._name_blocks(pending)
        for each in pending:
            self._resolve_block(each, None)
        for attribute in self._globals.values():
            self._resolve_value(self._scope, attribute.name, attribute.place)
        return [instance for each in pending for instance in _instances(each)], variables

    def _collect(self, bodies: Iterable[Body]) -> list[_Pending]:
        """Sort the parts of all bodies by what they define; later variables replace earlier ones."""
        pending: list[_Pending] = []
        for body in bodies:
            for block in body.blocks:
                if block.type in BLOCK_TYPES:
                    _check_label(block)
                    pending.append(_Pending(block, [], []))
                elif block.type in _OTHER_TYPES:
                    _check_label(block)
                    self._define(block)
                else:
                    _warn_of_block(block)
            self._globals |= {
                name: attribute
                for name, attribute in body.attributes.items()
                if name not in _RESERVED and name not in self.builtins
            }
        return pending

    def _define(self, block: Block) -> None:
        name = block.labels[0]
        if block.type == "function":
            if name not in _RESERVED:
                self._user_functions[name] = UserFunction.from_block(block)
        else:
            definition = VariableDefinition.from_block(block, lambda e: evaluate(e, Scope({})))
            if name not in _RESERVED and name not in self.builtins:
                self._variables[name] = definition

    def _described(self, definition: VariableDefinition) -> Variable:
        value = self._resolve_value(self._scope, definition.name, definition.place)
        return described(definition, value)

    def _validate(self, definition: VariableDefinition) -> None:
        for validation in definition.validations:
            condition = validation.condition
            value = evaluate(condition, self._scope)
            if value.is_null:
                raise condition.place.error("a condition must be true or false, not null")
            try:
                holds = convert(value, BOOL).is_true
            except Unsuitable as error:
                raise condition.place.error(f"a condition must be true or false: {error}") from None
            if not holds:
                reason = self._reason(validation.message)
                raise condition.place.error(f"invalid value of '{definition.name}': {reason}")

    def _reason(self, message: Expression | None) -> str:
        value = NULL if message is None else evaluate(message, self._scope)
        return "its condition is not satisfied" if value.is_null else to_text(value)

    def _resolve_value(self, scope: Scope, name: str, place: Place) -> Value:
        """Evaluate a variable or a global attribute. Raises BakeFileError."""
        if name in self._values:
            return self._values[name]
        if name in self._begun:
            raise place.error(f"variable cycle: the value of '{name}' depends on itself")
        self._begun.add(name)
        attribute = self._globals.get(name)
        definition = self._variables.get(name)
        try:
            if attribute is not None:
                value = self._global(scope, attribute, definition)
            else:
                assert definition is not None, name
                value = self._variable(definition)
        except Unsuitable as error:
            where = place if definition is None else definition.place
            raise where.error(str(error)) from None
        self._values[name] = value
        return value

    def _global(
        self, scope: Scope, attribute: Attribute, definition: VariableDefinition | None
    ) -> Value:
        """Evaluate a global attribute, which replaces the default of a variable of its name."""
        value = self._evaluate(attribute.value, scope)
        override = self._override(attribute.name, typed=False) if definition else None
        if override is None:
            return value
        untyped = VariableDefinition(attribute.name, attribute.place)
        return overridden(untyped, value, override)

    def _variable(self, definition: VariableDefinition) -> Value:
        default: Value | None = None
        if definition.default is not None:
            default = self._evaluate(definition.default.value, self._scope)
            if definition.type is not None:
                default = self._converted(definition, default)
        override = self._override(definition.name, typed=definition.type is not None)
        if override is not None:
            return overridden(definition, default, override)
        return without_value(definition) if default is None else default

    def _converted(self, definition: VariableDefinition, default: Value) -> Value:
        assert definition.type is not None
        assert definition.default is not None
        try:
            return convert(default, definition.type)
        except Unsuitable as error:
            raise definition.default.value.place.error(
                f"invalid default of variable '{definition.name}',"
                f" whose type is {definition.type.constraint}: {error}"
            ) from None

    def _override(self, name: str, *, typed: bool) -> Any:
        def taken(other: str) -> bool:
            return other in self._variables or other in self.builtins

        return find_override(name, self.look_up, taken, typed=typed)

    def _evaluate(self, expression: Expression, scope: Scope) -> Value:
        """Evaluate an expression after all that it needs."""
        self._load(expression, scope)
        return evaluate(expression, scope)

    def _load(
        self,
        expression: Expression,
        scope: Scope,
        local: frozenset[str] = frozenset(),
    ) -> None:
        """Evaluate what an expression needs; names that do not exist are left to its evaluation."""
        for call in calls(expression):
            if call.name in self._user_functions:
                self._resolve_function(call.name, call.name_place)
        for reference in references(expression, local):
            if reference.name in BLOCK_TYPES and self._blocks:
                self._load_block(reference)
            elif scope.variable(reference.name) is None and self._is_defined(reference.name):
                self._resolve_value(scope, reference.name, reference.place)

    def _is_defined(self, name: str) -> bool:
        return name in self._globals or name in self._variables

    def _load_block(self, reference: Reference) -> None:
        name, *path = reference.path or (None,)
        if name is None:
            raise reference.place.error(
                f"'{reference.name}' needs the name of a block, as in {reference.name}.name.tags"
            )
        wanted = {path[0]} if path and path[0] is not None else None
        for pending in self._blocks.get(reference.name, {}).get(name, ()):
            self._resolve_block(pending, wanted, reference.place)

    def _resolve_function(self, name: str, place: Place) -> None:
        if name in self._functions:
            return
        key = f"{name}()"
        if key in self._begun:
            raise place.error(f"function cycle: '{name}' calls itself")
        self._begun.add(key)
        function = self._user_functions[name]
        self._load(function.result, self._scope, frozenset(function.names))
        self._functions[name] = function.to_function(self._scope)

    def _name_blocks(self, pending: Sequence[_Pending]) -> None:
        """Find the name of each instance of each block."""
        found: dict[str, dict[str, list[_Pending]]] = {kind: {} for kind in BLOCK_TYPES}
        self._values |= {kind: object_of({}) for kind in BLOCK_TYPES}
        for each in pending:
            each.scopes = self._matrix(each.block)
            each.names = [self._name(each.block, scope) for scope in each.scopes]
            each.decoded = [{} for _ in each.scopes]
            each.begun = [set() for _ in each.scopes]
            for at, name in enumerate(each.names):
                if name in each.names[:at]:
                    place = each.block.label_places[0]
                    hint = "give each combination of the matrix a name of its own with 'name'"
                    raise place.error(f"the matrix creates two targets named '{name}'", hint)
                found[each.block.type].setdefault(name, []).append(each)
        self._blocks.update(found)

    def _matrix(self, block: Block) -> list[Scope]:
        """List the scopes of a block: one, or one for each combination of its matrix."""
        attribute = block.body.attributes.get("matrix")
        if attribute is None:
            return [self._scope]
        if block.type != "target":
            raise attribute.name_place.error("matrix is not supported for groups")
        matrix = self._evaluate(attribute.value, self._scope)
        place = attribute.value.place
        if not is_mapping(matrix.type) or matrix.is_null:
            raise place.error("matrix must be a map")
        combinations: list[dict[str, Value]] = [{}]
        for name, choices in matrix.members.items():
            if not can_iterate(choices):
                raise place.error(f"matrix values must be lists, but '{name}' is not")
            combinations = [
                {**combination, name: choice}
                for choice in choices.iterated()
                for combination in combinations
            ]
        if not matrix.members:
            return [self._scope]
        return [self._scope.child(combination) for combination in combinations]

    def _name(self, block: Block, scope: Scope) -> str:
        label = block.labels[0]
        if not _NAME.fullmatch(label):
            raise block.label_places[0].error(f"invalid name '{label}': only {_ALLOWED}")
        attribute = block.body.attributes.get("name")
        if attribute is None:
            return label
        if block.type != "target":
            raise attribute.name_place.error("name is not supported for groups")
        if "matrix" not in block.body.attributes:
            raise attribute.name_place.error("name requires matrix")
        value = self._evaluate(attribute.value, scope)
        try:
            name = "" if value.is_null else to_text(value)
        except Unsuitable as error:
            raise attribute.value.place.error(f"invalid name: {error}") from None
        if not _NAME.fullmatch(name):
            raise attribute.value.place.error(
                f"invalid name '{name}': only {_ALLOWED}",
                "sanitize() replaces other characters",
            )
        return name

    def _resolve_block(
        self, pending: _Pending, wanted: set[str] | None, place: Place | None = None
    ) -> None:
        """Evaluate the attributes of a block, or only those that are wanted."""
        for at, scope in enumerate(pending.scopes):
            self._resolve_instance(pending, at, scope, wanted, place)

    def _resolve_instance(
        self,
        pending: _Pending,
        at: int,
        scope: Scope,
        wanted: set[str] | None,
        place: Place | None,
    ) -> None:
        block, decoded, begun = pending.block, pending.decoded[at], pending.begun[at]
        known = FIELDS if block.type == "target" else GROUP_ATTRIBUTES
        attributes = [
            attribute
            for name, attribute in block.body.attributes.items()
            if name in known and name not in decoded and (wanted is None or name in wanted)
        ]
        if wanted is not None:
            for attribute in attributes:
                if attribute.name in begun:
                    path = f"{block.type}.{pending.names[at]}.{attribute.name}"
                    where = attribute.place if place is None else place
                    raise where.error(f"reference cycle: the value of {path} depends on itself")
                begun.add(attribute.name)
        for attribute in attributes:
            self._load(attribute.value, scope)
        for attribute in attributes:
            if attribute.name not in decoded:
                decoded[attribute.name] = self._decoded(block, attribute, scope)
        if wanted is None:
            _warn_of_attributes(block, known)
        self._publish(block.type, pending.names[at], decoded)

    def _decoded(self, block: Block, attribute: Attribute, scope: Scope) -> Any:
        value = evaluate(attribute.value, scope)
        try:
            return decode(attribute.name, value)
        except Unsuitable as error:
            raise attribute.value.place.error(
                f"invalid '{attribute.name}' of {block.type} '{block.labels[0]}': {error}"
            ) from None

    def _publish(self, kind: str, name: str, decoded: Mapping[str, Any]) -> None:
        """Make what is known of a block visible to other blocks."""
        value = target_value(name, decoded) if kind == "target" else group_value(name, decoded)
        self._values[kind] = object_of({**self._values[kind].members, name: value})


def _instances(pending: _Pending) -> list[Instance]:
    block = pending.block
    pairs = zip(pending.names, pending.decoded, strict=True)
    return [
        Instance(block.type, name, block.labels[0], decoded, block.place) for name, decoded in pairs
    ]


def _check_label(block: Block) -> None:
    if len(block.labels) != 1:
        place = block.label_places[1] if block.labels else block.place
        raise place.error(f"a {block.type} has one label, its name")


def _warn_of_block(block: Block) -> None:
    near = did_you_mean(block.type, (*BLOCK_TYPES, *_OTHER_TYPES))
    hint = "" if near is None else f" ({near})"
    message = f"{block.place}: unknown block '{block.type}' is ignored{hint}"
    warnings.warn(UnknownKeyWarning(message), stacklevel=2)


def _warn_of_attributes(block: Block, known: Iterable[str]) -> None:
    names = (*known, *MATRIX_ATTRIBUTES)
    for attribute in block.body.attributes.values():
        if attribute.name not in names:
            near = did_you_mean(attribute.name, names)
            hint = "" if near is None else f" ({near})"
            message = (
                f"{attribute.name_place}: unknown attribute '{attribute.name}' of {block.type}"
                f" '{block.labels[0]}' is ignored{hint}"
            )
            warnings.warn(UnknownKeyWarning(message), stacklevel=2)
