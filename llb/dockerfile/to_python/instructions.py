"""Instructions as calls: what each comes to in a build file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from llb import Platform, Reference
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
    Hole,
    Pairs,
    Raw,
    Word,
    call,
    flat,
    text,
    texts,
)
from llb.dockerfile.to_python.copy import copy
from llb.dockerfile.to_python.expansion import Value
from llb.dockerfile.to_python.function_body import AUTOMATIC, Body
from llb.dockerfile.to_python.refusal import Refusal
from llb.dockerfile.to_python.run import run
from llb.errors import InvalidValueError
from llb.gocompat.path import absolute
from llb.gocompat.signal import is_signal
from llb.ops.defaults import DEFAULT_PATH
from llb.platforms import to_platform

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llb.dockerfile.to_python.function_body import Ending
    from llb.dockerfile.to_python.stages import Stage

_ABSOLUTE = re.compile(r"(?:[A-Za-z]:)?[\\/]")
_SECOND = 1_000_000_000


def begin(body: Body, endings: Mapping[int, Ending]) -> None:
    """Write what a stage begins with. Raises Refusal."""
    begun = body.stage.begin
    base = body.above.word(begun.base)
    if base.constant is None:
        _begin_openly(body, base)
        return
    if not base.constant:
        raise Refusal("FROM names nothing")
    found = body.model.find(base.constant, body.stage)
    if found is not None:
        _inherit(body, found, endings)
    elif base.constant == SCRATCH:
        body.begin(call("build.scratch"))
        body.variables["PATH"] = Value(text(DEFAULT_PATH))
        body.is_closed, body.cwd = True, "/"
    else:
        body.begin(_image(body, base, base.constant))


def write(body: Body, instruction: instructions.Instruction) -> None:
    """Write an instruction. Raises Refusal."""
    body.line = instruction.origin.lines[0]
    handler = _HANDLERS.get(type(instruction))
    if handler is None:
        raise Refusal(f"{instruction.origin.name} is none of Docker's instructions")
    handler(body, instruction)


def _inherit(body: Body, base: Stage, endings: Mapping[int, Ending]) -> None:
    ending = endings.get(base.number)
    if ending is None:
        # It is built from the Dockerfile, and what it has the tree knows.
        body.begin(call("docker.upon", call(base.function)))
        body.is_plain = False
        return
    if ending.has_triggers:
        raise Refusal(f"the stage {base.target} leaves ONBUILD to it")
    tree = call(base.function)
    body.begin(tree if ending.is_plain else call("docker.upon", tree))
    body.is_closed, body.cwd, body.is_plain = ending.is_closed, ending.cwd, ending.is_plain
    body.variables = {
        name: None if value is None else Value(text(value))
        for name, value in ending.variables.items()
    }


def _image(body: Body, base: Word, usual: str) -> Call:
    """Return an image, which is usually the one of a name. Raises Refusal for its ONBUILD."""
    begun = body.stage.begin
    if body.resolver is not None and usual != SCRATCH:
        try:
            ref = str(Reference.parse(usual).tagged())
        except InvalidValueError as error:
            raise Refusal(error.message) from error
        request = ImageRequest(ref, Platform.host(), usual, begun.origin.span)
        if body.resolver(request).triggers:
            raise Refusal(f"the image {usual} leaves ONBUILD to it")
    return call("build.image", base, platform=_platform(body, begun.platform))


def _begin_openly(body: Body, base: Word) -> None:
    """Write a beginning that arguments choose: an image, or one of the stages before."""
    usual = body.model.usual_base(body.stage)
    before = {each.name: each for each in body.model.stages[: body.stage.number] if each.name}
    pattern = "".join(re.escape(part) if isinstance(part, str) else ".*" for part in base.parts)
    is_likely = len(base.parts) > 1 or usual in (*before, SCRATCH)
    trees = {
        name: stage.function
        for name, stage in before.items()
        if re.fullmatch(pattern, name) and is_likely
    }
    if usual == SCRATCH:
        trees[SCRATCH] = "build.scratch"
    if not trees:
        body.begin(_image(body, base, usual))
        return
    platform = _platform(body, body.stage.begin.platform)
    named = "" if platform is None else f", platform={flat(platform)}"
    body.assign("chosen", base)
    body.assign("stages", Pairs(tuple((text(name), Raw(code)) for name, code in trees.items())))
    tree = "docker.upon(stages[chosen]())"
    code = f"{tree} if chosen in stages else build.image(chosen{named})"
    body.assign("tree", Raw(code))
    body.is_plain = False


def _platform(body: Body, given: str | None) -> Expr | None:
    if given is None:
        return None
    word = body.above.word(given)
    if word.parts == (Hole(AUTOMATIC["BUILDPLATFORM"]),):
        return Raw("build.build_platform")
    if word.parts == (Hole(AUTOMATIC["TARGETPLATFORM"]),):
        return Raw("build.platform")
    if word.constant is not None:
        try:
            to_platform(word.constant)
        except InvalidValueError as error:
            raise Refusal(f"the platform {word.constant} depends on the daemon") from error
    return word


def _arg(body: Body, instruction: instructions.Arg) -> None:
    given: dict[str, Expr] = {}
    for name, default in instruction.args:
        value = _argument(body, name, default)
        if value is None:
            continue
        is_open = value.maybe is not None and (name in body.variables or not body.is_closed)
        if name not in NOT_IN_ENV:
            given[name] = Raw(value.maybe) if value.maybe is not None else value.word
            body.declare(name, value, is_open=is_open)
    if given:
        body.add(call("pipe", Raw("docker.args"), **given))


def _argument(body: Body, name: str, default: str | None) -> Value | None:
    """Return the value of an argument of a stage, None for one that has none."""
    if name in NOT_IN_ENV:
        return None
    if name == SOURCE_DATE_EPOCH:
        raise Refusal(f"{name}, of which Docker makes a number")
    if default is not None:
        return body.parameter(name, body.word(default))
    model = body.model
    if name in model.arguments or name in AUTOMATIC:
        return body.global_value(name)
    if name == "TARGETSTAGE":
        last = model.stages[-1]
        if last.name is not None:
            return Value(Word.of(Hole("build.target")))
        code = f"'default' if build.target == '{last.target}' else build.target"
        return Value(Word.of(Hole(code)))
    if name in body.parameters:
        raise Refusal(f"the argument {name} is declared again")
    return body.parameter(name, None)


def _env(body: Body, instruction: instructions.Env) -> None:
    pairs = [(_name(body, key), body.word(value)) for key, value in instruction.pairs]
    if any("\0" in part for _, word in pairs for part in word.parts if isinstance(part, str)):
        raise Refusal("a variable with a NUL")
    body.add_all([call("env", text(key), word) for key, word in pairs])
    for key, word in pairs:
        body.set(key, word)


def _name(body: Body, key: str) -> str:
    name = body.word(key).constant
    if not name or "=" in name or "\0" in name:
        raise Refusal(f"the name of a variable: {key}")
    return name


def _label(body: Body, instruction: instructions.Label) -> None:
    for key, value in instruction.pairs:
        words = body.word(key), body.word(value)
        if words[0].constant == "":
            raise Refusal("a label without a name")
        body.add(call("label", *words))


def _workdir(body: Body, instruction: instructions.Workdir) -> None:
    word = body.word(instruction.path)
    body.add(call("pipe", Raw("docker.workdir"), word))
    path = word.constant
    if path is None or (body.cwd is None and not path.startswith("/")):
        body.cwd = None
    elif path:
        assert path.startswith("/") or body.cwd is not None
        body.cwd = path if path.startswith("/") else absolute(body.cwd or "/", path)


def _user(body: Body, instruction: instructions.User) -> None:
    word = body.word(instruction.name)
    if word.constant == "":
        raise Refusal("USER names nobody")
    body.add(call("user", word))


def _expose(body: Body, instruction: instructions.Expose) -> None:
    for port in instruction.ports:
        for word in body.here.words(port):
            if word.constant is None:
                body.add(call("pipe", Raw("docker.expose"), word))
                continue
            for each in _ports(instruction, word.constant):
                number, _, protocol = each.partition("/")
                if number == "0":
                    raise Refusal("the port 0")
                body.add(call("expose", Raw(number) if protocol == "tcp" else text(each)))


def _ports(instruction: instructions.Expose, word: str) -> tuple[str, ...]:
    try:
        return parse_port(word, instruction.origin.span)
    except errors.DockerfileError as error:
        raise Refusal(error.message) from error


def _volume(body: Body, instruction: instructions.Volume) -> None:
    for path in instruction.paths:
        word = body.word(path)
        begin = word.parts[0] if word.parts else ""
        if isinstance(begin, str) and _ABSOLUTE.match(begin) is None:
            raise Refusal(f"the volume {word.constant or path}, which is no absolute path")
        body.add(call("volume", word))


def _stop_signal(body: Body, instruction: instructions.StopSignal) -> None:
    word = body.word(instruction.signal)
    if word.constant is not None and not is_signal(word.constant):
        raise Refusal(f"the signal {word.constant}")
    body.add(call("stop_signal", word))


def _shell(body: Body, instruction: instructions.Shell) -> None:
    if not instruction.args:
        raise Refusal("SHELL names nothing")
    body.add(call("shell", texts(instruction.args)))


def _healthcheck(body: Body, instruction: instructions.Healthcheck) -> None:
    match instruction.test:
        case ("NONE",):
            command: Expr = Raw("None")
        case ("CMD-SHELL", str(line)) if line.strip():
            command = text(line)
        case ("CMD", *args) if args:
            command = texts(args)
        case _:
            raise Refusal("the command of HEALTHCHECK")
    times = {
        name: _seconds(getattr(instruction, name))
        for name in ("interval", "timeout", "start_period", "start_interval")
    }
    retries = Raw(str(instruction.retries)) if instruction.retries else None
    body.add(call("healthcheck", command, **times, retries=retries))


def _seconds(nanoseconds: int) -> Expr | None:
    if not nanoseconds:
        return None
    whole, rest = divmod(nanoseconds, _SECOND)
    seconds = whole if not rest else nanoseconds / _SECOND
    if round(seconds * _SECOND) != nanoseconds:
        raise Refusal("a time that is no number of seconds")
    return Raw(repr(seconds))


def _onbuild(body: Body, instruction: instructions.Onbuild) -> None:
    body.has_triggers = True
    body.add(call("onbuild", text(instruction.expression)))


def _maintainer(body: Body, instruction: instructions.Maintainer) -> None:
    body.add(call("author", text(instruction.name)))


def _cmd(body: Body, instruction: instructions.Cmd) -> None:
    body.add(call("cmd", _command(instruction)))
    body.is_plain = False


def _entrypoint(body: Body, instruction: instructions.Entrypoint) -> None:
    body.add(call("entrypoint", _command(instruction)))


def _command(instruction: instructions.Cmd | instructions.Entrypoint) -> Expr:
    if not instruction.shell:
        return texts(instruction.args) if instruction.args else Raw("None")
    line = " ".join(instruction.args)
    if not line.strip():
        raise Refusal("a command of nothing")
    return text(line)


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
