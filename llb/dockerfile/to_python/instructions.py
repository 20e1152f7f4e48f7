"""Convert instructions to calls of a build file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from llb import Platform, Reference
from llb.buildkit_names import DEFAULT_PATH_ENV
from llb.dockerfile.errors import catalogue as errors
from llb.dockerfile.instructions import nodes as instructions
from llb.dockerfile.instructions.nodes import SCRATCH
from llb.dockerfile.sources.requests import ImageRequest
from llb.dockerfile.stages.source_date_epoch import NAME as SOURCE_DATE_EPOCH
from llb.dockerfile.to_llb.config import NOT_IN_ENV
from llb.dockerfile.to_llb.expose_ports import parse_port
from llb.dockerfile.to_python.code_layout import (
    Call,
    Expr,
    Interpolation,
    Pairs,
    Raw,
    Word,
    call,
    flat,
    literal,
    string_list,
)
from llb.dockerfile.to_python.copy import copy
from llb.dockerfile.to_python.expansion import Value
from llb.dockerfile.to_python.function_body import AUTOMATIC, Body
from llb.dockerfile.to_python.not_expressible import NotExpressible
from llb.dockerfile.to_python.run import run
from llb.errors import InvalidValueError
from llb.gocompat.path import absolute
from llb.gocompat.signal import is_signal
from llb.platforms import to_platform

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llb.dockerfile.to_python.function_body import EndState
    from llb.dockerfile.to_python.stages import Stage

_ABSOLUTE = re.compile(r"(?:[A-Za-z]:)?[\\/]")
_SECOND = 1_000_000_000


def write_base(body: Body, end_states: Mapping[int, EndState]) -> None:
    """Write the tree that a stage begins with. Raises NotExpressible."""
    from_instruction = body.stage.from_instruction
    base = body.global_expansion.word(from_instruction.base)
    if base.constant is None:
        _begin_with_argument(body, base)
        return
    if not base.constant:
        raise NotExpressible("FROM with an empty name")
    base_stage = body.model.find(base.constant, body.stage)
    if base_stage is not None:
        _inherit(body, base_stage, end_states)
    elif base.constant == SCRATCH:
        body.begin(call("build.scratch"))
        body.variables["PATH"] = Value(literal(DEFAULT_PATH_ENV))
        body.is_closed, body.cwd = True, "/"
    else:
        body.begin(_image(body, base, base.constant))


def write_instruction(body: Body, instruction: instructions.Instruction) -> None:
    """Convert an instruction. Raises NotExpressible."""
    body.line = instruction.origin.lines[0]
    handler = _HANDLERS.get(type(instruction))
    if handler is None:
        raise NotExpressible(f"{instruction.origin.name} is not a Docker instruction")
    handler(body, instruction)


def _inherit(body: Body, base: Stage, end_states: Mapping[int, EndState]) -> None:
    base_state = end_states.get(base.number)
    if base_state is None:
        # It is built from the Dockerfile, so only the tree provides its variables.
        body.begin(call("instructions.from_stage", call(base.function)))
        body.is_plain = False
        return
    if base_state.has_triggers:
        raise NotExpressible(f"stage {base.target} has ONBUILD instructions")
    tree = call(base.function)
    body.begin(tree if base_state.is_plain else call("instructions.from_stage", tree))
    body.is_closed, body.cwd, body.is_plain = (
        base_state.is_closed,
        base_state.cwd,
        base_state.is_plain,
    )
    body.variables = {
        name: None if value is None else Value(literal(value))
        for name, value in base_state.variables.items()
    }


def _image(body: Body, base: Word, default_image: str) -> Call:
    """Write a base image. Raises NotExpressible if the default image has ONBUILD."""
    from_instruction = body.stage.from_instruction
    if body.resolver is not None and default_image != SCRATCH:
        try:
            ref = str(Reference.parse(default_image).tagged())
        except InvalidValueError as error:
            raise NotExpressible(error.message) from error
        request = ImageRequest(ref, Platform.host(), default_image, from_instruction.origin.span)
        if body.resolver(request).triggers:
            raise NotExpressible(f"image {default_image} has ONBUILD instructions")
    return call("build.image", base, platform=_platform(body, from_instruction.platform))


def _begin_with_argument(body: Body, base: Word) -> None:
    """Write a base that build args choose: an image, or one of the earlier stages."""
    default_base = body.model.default_base(body.stage)
    earlier_stages = {
        earlier.name: earlier for earlier in body.model.stages[: body.stage.number] if earlier.name
    }
    pattern = "".join(re.escape(part) if isinstance(part, str) else ".*" for part in base.parts)
    is_likely = len(base.parts) > 1 or default_base in (*earlier_stages, SCRATCH)
    trees = {
        name: stage.function
        for name, stage in earlier_stages.items()
        if re.fullmatch(pattern, name) and is_likely
    }
    if default_base == SCRATCH:
        trees[SCRATCH] = "build.scratch"
    if not trees:
        body.begin(_image(body, base, default_base))
        return
    platform = _platform(body, body.stage.from_instruction.platform)
    platform_arg = "" if platform is None else f", platform={flat(platform)}"
    body.assign("chosen", base)
    body.assign("stages", Pairs(tuple((literal(name), Raw(code)) for name, code in trees.items())))
    tree = "instructions.from_stage(stages[chosen]())"
    code = f"{tree} if chosen in stages else build.image(chosen{platform_arg})"
    body.assign("tree", Raw(code))
    body.is_plain = False


def _platform(body: Body, platform: str | None) -> Expr | None:
    if platform is None:
        return None
    word = body.global_expansion.word(platform)
    if word.parts == (Interpolation(AUTOMATIC["BUILDPLATFORM"]),):
        return Raw("build.build_platform")
    if word.parts == (Interpolation(AUTOMATIC["TARGETPLATFORM"]),):
        return Raw("build.platform")
    if word.constant is not None:
        try:
            to_platform(word.constant)
        except InvalidValueError as error:
            raise NotExpressible(f"platform {word.constant} depends on the daemon") from error
    return word


def _arg(body: Body, instruction: instructions.Arg) -> None:
    values: dict[str, Expr] = {}
    for name, default in instruction.args:
        value = _argument(body, name, default)
        if value is None:
            continue
        is_open = value.optional is not None and (name in body.variables or not body.is_closed)
        if name not in NOT_IN_ENV:
            values[name] = Raw(value.optional) if value.optional is not None else value.word
            body.declare(name, value, is_open=is_open)
    if values:
        body.add(call("pipe", Raw("instructions.args"), **values))


def _argument(body: Body, name: str, default: str | None) -> Value | None:
    """Write the value of a stage's argument; None if it has no variable."""
    if name in NOT_IN_ENV:
        return None
    if name == SOURCE_DATE_EPOCH:
        raise NotExpressible(f"ARG {name}, which Docker converts to a number")
    if default is not None:
        return body.parameter(name, body.word(default))
    model = body.model
    if name in model.arguments or name in AUTOMATIC:
        return body.global_value(name)
    if name == "TARGETSTAGE":
        last = model.stages[-1]
        if last.name is not None:
            return Value(Word.of(Interpolation("build.target")))
        code = f"'default' if build.target == '{last.target}' else build.target"
        return Value(Word.of(Interpolation(code)))
    if name in body.parameters:
        raise NotExpressible(f"ARG {name} is declared again")
    return body.parameter(name, None)


def _env(body: Body, instruction: instructions.Env) -> None:
    pairs = [(_variable_name(body, key), body.word(value)) for key, value in instruction.pairs]
    if any("\0" in part for _, word in pairs for part in word.parts if isinstance(part, str)):
        raise NotExpressible("a NUL character in a variable")
    body.add_all([call("env", literal(key), word) for key, word in pairs])
    for key, word in pairs:
        body.set(key, word)


def _variable_name(body: Body, key: str) -> str:
    name = body.word(key).constant
    if not name or "=" in name or "\0" in name:
        raise NotExpressible(f"invalid variable name {key}")
    return name


def _label(body: Body, instruction: instructions.Label) -> None:
    for key, value in instruction.pairs:
        words = body.word(key), body.word(value)
        if words[0].constant == "":
            raise NotExpressible("a label without a key")
        body.add(call("label", *words))


def _workdir(body: Body, instruction: instructions.Workdir) -> None:
    word = body.word(instruction.path)
    body.add(call("pipe", Raw("instructions.workdir"), word))
    path = word.constant
    if path is None or (body.cwd is None and not path.startswith("/")):
        body.cwd = None
    elif path:
        assert path.startswith("/") or body.cwd is not None
        body.cwd = path if path.startswith("/") else absolute(body.cwd or "/", path)


def _user(body: Body, instruction: instructions.User) -> None:
    word = body.word(instruction.name)
    if word.constant == "":
        raise NotExpressible("USER with an empty name")
    body.add(call("user", word))


def _expose(body: Body, instruction: instructions.Expose) -> None:
    for port in instruction.ports:
        for word in body.expansion.words(port):
            if word.constant is None:
                body.add(call("pipe", Raw("instructions.expose"), word))
                continue
            for parsed in _ports(instruction, word.constant):
                number, _, protocol = parsed.partition("/")
                if number == "0":
                    raise NotExpressible("port 0")
                body.add(call("expose", Raw(number) if protocol == "tcp" else literal(parsed)))


def _ports(instruction: instructions.Expose, word: str) -> tuple[str, ...]:
    try:
        return parse_port(word, instruction.origin.span)
    except errors.DockerfileError as error:
        raise NotExpressible(error.message) from error


def _volume(body: Body, instruction: instructions.Volume) -> None:
    for path in instruction.paths:
        word = body.word(path)
        first_part = word.parts[0] if word.parts else ""
        if isinstance(first_part, str) and _ABSOLUTE.match(first_part) is None:
            raise NotExpressible(f"volume {word.constant or path} is not an absolute path")
        body.add(call("volume", word))


def _stop_signal(body: Body, instruction: instructions.StopSignal) -> None:
    word = body.word(instruction.signal)
    if word.constant is not None and not is_signal(word.constant):
        raise NotExpressible(f"unknown signal {word.constant}")
    body.add(call("stop_signal", word))


def _shell(body: Body, instruction: instructions.Shell) -> None:
    if not instruction.args:
        raise NotExpressible("SHELL without a command")
    body.add(call("shell", string_list(instruction.args)))


def _healthcheck(body: Body, instruction: instructions.Healthcheck) -> None:
    match instruction.test:
        case ("NONE",):
            command: Expr = Raw("None")
        case ("CMD-SHELL", str(line)) if line.strip():
            command = literal(line)
        case ("CMD", *args) if args:
            command = string_list(args)
        case _:
            raise NotExpressible("invalid HEALTHCHECK command")
    durations = {
        name: _seconds(getattr(instruction, name))
        for name in ("interval", "timeout", "start_period", "start_interval")
    }
    retries = Raw(str(instruction.retries)) if instruction.retries else None
    body.add(call("healthcheck", command, **durations, retries=retries))


def _seconds(nanoseconds: int) -> Expr | None:
    if not nanoseconds:
        return None
    whole, remainder = divmod(nanoseconds, _SECOND)
    seconds = whole if not remainder else nanoseconds / _SECOND
    if round(seconds * _SECOND) != nanoseconds:
        raise NotExpressible("a duration that cannot be written exactly in seconds")
    return Raw(repr(seconds))


def _onbuild(body: Body, instruction: instructions.Onbuild) -> None:
    body.has_triggers = True
    body.add(call("onbuild", literal(instruction.expression)))


def _maintainer(body: Body, instruction: instructions.Maintainer) -> None:
    body.add(call("author", literal(instruction.name)))


def _cmd(body: Body, instruction: instructions.Cmd) -> None:
    body.add(call("cmd", _command(instruction)))
    body.is_plain = False


def _entrypoint(body: Body, instruction: instructions.Entrypoint) -> None:
    body.add(call("entrypoint", _command(instruction)))


def _command(instruction: instructions.Cmd | instructions.Entrypoint) -> Expr:
    if not instruction.shell:
        return string_list(instruction.args) if instruction.args else Raw("None")
    line = " ".join(instruction.args)
    if not line.strip():
        raise NotExpressible("an empty command")
    return literal(line)


_HANDLERS: Mapping[type, Callable[[Body, Any], None]] = {
    instructions.Arg: _arg,
    instructions.Cmd: _cmd,
    instructions.Copy: copy,
    instructions.Entrypoint: _entrypoint,
    instructions.Env: _env,
    instructions.Expose: _expose,
    instructions.Healthcheck: _healthcheck,
    instructions.Label: _label,
    instructions.Maintainer: _maintainer,
    instructions.Onbuild: _onbuild,
    instructions.Run: run,
    instructions.Shell: _shell,
    instructions.StopSignal: _stop_signal,
    instructions.User: _user,
    instructions.Volume: _volume,
    instructions.Workdir: _workdir,
}
