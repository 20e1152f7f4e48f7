"""From a tree back to a Dockerfile that makes the same operations, and what none of them says.

Each step is told as the instruction that Docker makes such an operation of. What was written is
converted as Docker does, and compared: a Dockerfile that is returned makes the tree.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from attrs import define, evolve, field, frozen

from llb import Platform, Reference, caps
from llb.buildkit_names import DEFAULT_PATH_ENV, DOCKER_IMAGE_SCHEME, LOCAL_SCHEME
from llb.dockerfile.errors import catalogue as errors
from llb.dockerfile.offline import convert
from llb.dockerfile.sources.image import WINDOWS, scratch_config
from llb.dockerfile.sources.requests import ImageRequest
from llb.dockerfile.to_dockerfile.config import config_lines
from llb.dockerfile.to_dockerfile.instructions import copied, directory, run, variable
from llb.dockerfile.to_dockerfile.quoting import Unsayable, word
from llb.dockerfile_rules.permissions import parse_chown, to_chown
from llb.errors import InputError
from llb.gocompat.path import absolute, clean
from llb.gocompat.utf8 import has_octets
from llb.ops import nodes as ops
from llb.platforms import to_platform
from llb.protobuf import sha256_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llb import Definition, ImageConfig, ResolvedImage, State
    from llb.dockerfile.image_table import Resolver
    from llb.ops.nodes import Output

__all__ = ["Missing", "UnsayableError", "to_dockerfile"]

_CONTEXT = f"{LOCAL_SCHEME}context"
# Docker writes it for containers of old daemons.
_UNSEEN = ("ArgsEscaped",)


@frozen
class Missing:
    """A step that no Dockerfile has: its place in Python, empty where it is unknown, and why."""

    place: str
    reason: str

    def __str__(self) -> str:
        """Return both, as an error tells it."""
        return f"{self.place or 'a step'}: {self.reason}"


class UnsayableError(InputError):
    """A tree that no Dockerfile makes; ``missing`` are its steps that none has."""

    def __init__(self, missing: Iterable[Missing]) -> None:
        self.missing = tuple(missing)
        said = "; ".join(map(str, self.missing))
        super().__init__(f"no Dockerfile makes this: {said}")


def to_dockerfile(
    tree: State, *, resolver: Resolver, platform: Platform | str | None = None
) -> str:
    r"""Return the text of a Dockerfile that makes the operations and the image of a tree.

    ``resolver`` returns the configs of images, as for :func:`llb.dockerfile.convert`, and
    ``platform`` is what is built for, by default the host's.

    Raises UnsayableError, with each step that no Dockerfile makes.

    >>> from llb.dockerfile import ImageTable
    >>> from llb.buildfile import docker
    >>> built = docker.scratch().pipe(docker.write, {"a": "1\n"}, "/").cmd(["/b"])
    >>> print(to_dockerfile(built, resolver=ImageTable({})))
    FROM scratch
    COPY <<"a" /
    1
    a
    CMD ["/b"]
    <BLANKLINE>
    """
    wanted = Platform.host() if platform is None else to_platform(platform)
    resolver = _by_name(resolver)
    writer = _Writer(tree, resolver, wanted)
    text = writer.text()
    if has_octets(text):
        writer.missing.append(Missing("", "bytes that are no UTF-8"))
    if writer.missing:
        raise UnsayableError(writer.missing)
    _check(text, tree, resolver, wanted)
    return text


def _by_name(resolver: Resolver) -> Resolver:
    """Return what also finds an image by its name where it is asked for by that and its digest."""

    def resolve(request: ImageRequest) -> ResolvedImage:
        ref = Reference.parse(request.ref)
        if ref.digest is not None:
            name = str(evolve(ref, digest=None).tagged())
            with suppress(errors.DockerfileError):
                found = resolver(evolve(request, ref=name))
                if found.digest == ref.digest:
                    return found
        return resolver(request)

    return resolve


def _check(text: str, tree: State, resolver: Resolver, platform: Platform) -> None:
    """Raise UnsayableError where a Dockerfile makes other operations, or another image."""
    expected = tree.marshal(platform=platform, caps=caps.known())
    given = _context(expected)
    try:
        done = convert(text, resolver=resolver, build_platform=platform, **given)
    except errors.DockerfileError as error:
        raise UnsayableError([Missing("", error.message)]) from error
    ours, theirs = _meanings(done.definition), _meanings(expected)
    if set(ours.values()) != set(theirs.values()):
        raise UnsayableError(
            Missing(_line(expected, digest), "an instruction would make another operation")
            for digest, meaning in theirs.items()
            if meaning not in ours.values()
        )
    if _known(done.image_config) != _known(tree.image_config(platform=platform)):
        raise UnsayableError([Missing("", "the config of the image would be another")])


def _meanings(definition: Definition) -> dict[str, str]:
    """Return what each operation does to what, whatever is said of the build context."""
    found: dict[str, str] = {}
    for each in definition.vertices():
        is_context = each.kind == "source" and each.op.get("identifier") == _CONTEXT
        content = b"" if is_context else each.content
        inputs = tuple((found[digest], number) for digest, number in each.inputs)
        found[each.digest] = sha256_of(repr((content, inputs)).encode())
    return found


def _known(config: bytes) -> dict[str, Any]:
    """Return what containers see of an image config, its variables in any order."""
    found: dict[str, Any] = json.loads(config)["config"]
    inner = {key: each for key, each in found.items() if key not in _UNSEEN}
    return {"WorkingDir": "/", **inner, "Env": sorted(found.get("Env", ()))}


def _context(expected: Definition) -> dict[str, Any]:
    """Return the arguments that make the build context what it is."""
    for each in expected.vertices():
        if each.kind == "source" and each.op.get("identifier") == _CONTEXT:
            attrs = each.op.get("attrs", {})
            return {
                "ignore": json.loads(attrs.get("local.excludepatterns", "[]")),
                "session_id": attrs.get("local.session"),
                "local_unique_id": attrs.get("local.unique", ""),
            }
    return {}


def _line(definition: Definition, digest: str) -> str:
    found = definition.locations.get(digest, ())
    places = [f"{each.file.filename}:{each.ranges[0].line}" for each in found if each.ranges]
    return places[0] if places else ""


@define
class _Stage:
    """A stage while it is written: its lines, and what holds at its end."""

    name: str
    lines: list[str]
    env: dict[str, str]
    image_env: dict[str, str]
    cwd: str
    user: str
    config: ImageConfig


@define(eq=False)
class _Writer:
    """Writes the stages of a tree, those first that others take from."""

    tree: State
    resolver: Resolver
    platform: Platform
    missing: list[Missing] = field(factory=list)
    _count: int = 0
    _written: list[_Stage] = field(factory=list)
    _stages: dict[tuple[int, int], _Stage] = field(factory=dict)
    _in_image: set[str] = field(factory=set)

    def text(self) -> str:
        """Return the whole Dockerfile."""
        image_env = self.tree.settings.process.env.image_items()
        self._in_image = {key for key, _ in image_env}
        output = self.tree.output
        last = self._stage(output)
        process = self.tree.settings.process
        try:
            self._settle(last, process, self.tree.variables)
            last.lines += config_lines(self.tree.config, last.config)
        except Unsayable as unsayable:
            self.missing.append(Missing("", unsayable.reason))
        named = [[f"{each.lines[0]} AS {each.name}", *each.lines[1:]] for each in self._written]
        return "\n\n".join("\n".join(lines) for lines in [*named[:-1], last.lines]) + "\n"

    def _stage(self, output: Output | None) -> _Stage:
        """Return the stage that ends with a tree."""
        chain: list[ops.Op] = []
        at = output
        while at is not None and _key(at) not in self._stages and _is_step(at):
            chain.append(at.op)
            at = _below(at.op)
        stage = self._begin(at)
        for number in range(len(chain) - 1, -1, -1):
            op = chain[number]
            try:
                self._write(stage, op, chain[:number][::-1])
            except Unsayable as unsayable:
                self.missing.append(Missing(_place(op), unsayable.reason))
        if output is not None:
            self._stages[_key(output)] = stage
        self._written.append(stage)
        return stage

    def _begin(self, at: Output | None) -> _Stage:
        name = f"stage-{self._count}"
        self._count += 1
        if at is None:
            image = scratch_config(self.platform)
            return self._based("FROM scratch", image, name)
        if _key(at) in self._stages:
            below = self._stages[_key(at)]
            env = {**below.env}
            for key, each in below.image_env.items():
                env.pop(key, None)
                env[key] = each
            return _Stage(
                name,
                [f"FROM {below.name}"],
                env,
                {**below.image_env},
                below.cwd,
                below.user,
                below.config,
            )
        source = ops.source_of(at.op)
        if source is None or not source.identifier.startswith(DOCKER_IMAGE_SCHEME) or source.attrs:
            self.missing.append(Missing(_place(at.op), _not_base(source)))
            return self._based("FROM scratch", scratch_config(self.platform), name)
        return self._image(source, name)

    def _image(self, op: ops.SourceOp, name: str) -> _Stage:
        ref = Reference.parse(op.identifier.removeprefix(DOCKER_IMAGE_SCHEME))
        platform = op.constraints.platform or self.platform
        flag = "" if platform == self.platform else f"--platform={platform} "
        span = errors.Source("Dockerfile", b"", "").span(1)
        asked = ImageRequest(str(ref), platform, str(ref), span)
        found = self.resolver(asked)
        if found.triggers:
            self.missing.append(Missing(_place(op), "an image whose ONBUILD is not run"))
        return self._based(f"FROM {flag}{ref.familiar}", found.image, name)

    def _based(self, line: str, image: ImageConfig, name: str) -> _Stage:
        env = image.variables
        if "PATH" not in env and self.platform.os != WINDOWS:
            env["PATH"] = DEFAULT_PATH_ENV
        cwd = image.workdir or "/"
        cwd = cwd if cwd.startswith("/") else absolute("/", cwd)
        return _Stage(name, [line], env, {**env}, cwd, image.user, image)

    def _write(self, stage: _Stage, op: ops.Op, after: list[ops.Op]) -> None:
        match op:
            case ops.ExecOp():
                self._settle(stage, op.process, op.process.env.items())
                stage.lines.append(run(op, self._named))
            case ops.FileOp() if (path := directory(op)) is not None:
                self._workdir(stage, op, path, after)
            case ops.FileOp():
                stage.lines.append(copied(op, self._named, link=False))
            case ops.MergeOp((_, ops.Output(ops.FileOp(None) as alone))):
                stage.lines.append(copied(alone, self._named, link=True))
            case _:
                # The steps below are told as well.
                for each in op.inputs[1:]:
                    self._stage(each)
                kind = type(op).__name__.removesuffix("Op").lower()
                raise Unsayable(f"{kind}, for which there is no instruction")

    def _settle(self, stage: _Stage, process: ops.Process, env: Iterable[tuple[str, str]]) -> None:
        """Write what a process finds: its variables, its user and its directory."""
        for key, each in _assigned(stage.env, tuple(env)):
            of_image = key in self._in_image
            stage.lines.append(variable(key, each, of_image=of_image))
            stage.env.pop(key, None)
            stage.env[key] = each
            if of_image:
                stage.image_env[key] = each
        user = process.user
        if user != stage.user:
            if not user:
                raise Unsayable("a process of no user, upon one of another")
            stage.lines.append(f"USER {word(user)}")
            stage.user = user
        if process.cwd != stage.cwd:
            if process.cwd != "/":
                raise Unsayable(
                    f"the directory {process.cwd}, which WORKDIR would make (docker.workdir)"
                )
            stage.lines.append("WORKDIR /")
            stage.cwd = "/"

    def _workdir(self, stage: _Stage, op: ops.FileOp, path: str, after: list[ops.Op]) -> None:
        (action,) = op.actions
        assert isinstance(action, ops.MkdirAction)
        wanted, now = to_chown(action.owner), to_chown(parse_chown(stage.user))
        if wanted != now:
            if not wanted:
                raise Unsayable("a directory that is not the user's")
            stage.lines.append(f"USER {word(wanted)}")
            stage.user = wanted
        # A process tells how the directory was written.
        cwds = [each.process.cwd for each in after if isinstance(each, ops.ExecOp)]
        cwds.append(self.tree.cwd)
        stage.cwd = cwds[0] if clean(cwds[0]) == path else path
        stage.lines.append(f"WORKDIR {word(stage.cwd)}")

    def _named(self, output: Output | None) -> str:
        """Return the name of a tree that a step takes from, empty for the build context."""
        if output is None:
            return "scratch"
        source = ops.source_of(output.op)
        if source is not None and source.identifier == _CONTEXT:
            return ""
        if (
            source is not None
            and source.identifier.startswith(DOCKER_IMAGE_SCHEME)
            and not source.attrs
        ):
            same = source.constraints.platform in (None, self.platform)
            if same and _key(output) not in self._stages:
                return Reference.parse(source.identifier.removeprefix(DOCKER_IMAGE_SCHEME)).familiar
        if _key(output) not in self._stages:
            self._stage(output)
        return self._stages[_key(output)].name


def _is_step(output: Output) -> bool:
    """Return whether a tree is what a step made of another, and not a base."""
    if isinstance(output.op, ops.ExecOp):
        return output.index == 0
    return ops.source_of(output.op) is None and not isinstance(output.op, ops.EncodedOp)


def _below(op: ops.Op) -> Output | None:
    """Return the tree that a step begins with."""
    match op:
        case ops.ExecOp(root=root):
            return root
        case ops.FileOp(base):
            return base
        case _:
            return next(iter(op.inputs), None)


def _not_base(source: ops.SourceOp | None) -> str:
    if source is not None:
        name = source.identifier.partition("://")[0]
        return (
            f"a base that is no image: {name}" if name != "docker-image" else "an image's options"
        )
    return "a tree of another definition"


def _assigned(
    present: dict[str, str], wanted: tuple[tuple[str, str], ...]
) -> Iterator[tuple[str, str]]:
    """Yield the fewest assignments that make variables of others. Raises Unsayable."""
    names = {key for key, _ in wanted}
    for key in present:
        if key not in names:
            raise Unsayable(f"a process without the variable {key} of its base")
    for kept in range(len(wanted), -1, -1):
        later = {key for key, _ in wanted[kept:]}
        if tuple(pair for pair in present.items() if pair[0] not in later) == wanted[:kept]:
            yield from wanted[kept:]
            return


def _key(output: Output) -> tuple[int, int]:
    return id(output.op), output.index


def _place(op: ops.Op) -> str:
    """Return the line of Python, or of another file, that made an operation."""
    places = [f"{each.file.filename}:{each.ranges[0].line}" for each in op.constraints.locations]
    places += [f"{name}:{line}" for name, line in op.call_site or ()]
    return places[0] if places else ""
