"""Convert a tree back to a Dockerfile that creates the same operations, or report why not.

Each step becomes the instruction that Docker converts to such an operation. The Dockerfile is then
converted as Docker does and compared with the tree, so a returned Dockerfile creates that tree.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from attrs import define, evolve, field, frozen

from llb import Platform, Reference, caps, resolve_images
from llb.arguments.checked import checked
from llb.buildkit_names import DEFAULT_PATH_ENV, DOCKER_IMAGE_SCHEME, LOCAL_SCHEME
from llb.dockerfile.errors import catalogue as errors
from llb.dockerfile.offline import convert
from llb.dockerfile.sources.image import WINDOWS, scratch_config
from llb.dockerfile.sources.requests import ImageRequest
from llb.dockerfile.to_dockerfile.config import config_lines
from llb.dockerfile.to_dockerfile.instructions import (
    convert_copies,
    convert_process,
    variable,
    workdir_path,
)
from llb.dockerfile.to_dockerfile.quoting import NotExpressible, word
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
# Docker sets it for containers of old daemons.
_IGNORED_FIELDS = ("ArgsEscaped",)


@frozen
class Missing:
    """A step that a Dockerfile cannot express: its source line, empty if unknown, and why."""

    place: str
    reason: str

    def __str__(self) -> str:
        """Format both for an error message."""
        return f"{self.place or 'a step'}: {self.reason}"


class UnsayableError(InputError):
    """A tree that a Dockerfile cannot express; ``missing`` lists the steps at fault."""

    def __init__(self, missing: Iterable[Missing]) -> None:
        self.missing = tuple(missing)
        reasons = "; ".join(map(str, self.missing))
        super().__init__(f"a Dockerfile cannot express this: {reasons}")


@checked
def to_dockerfile(
    tree: State, *, resolver: Resolver, platform: Platform | str | None = None
) -> str:
    r"""Write a Dockerfile that creates the operations and the image of a tree.

    ``resolver`` resolves the configs of images, as for :func:`llb.dockerfile.convert`, including
    the base images of the tree that are not resolved yet, and
    ``platform`` is the target platform, by default the host's.

    Raises UnsayableError with each step that a Dockerfile cannot express.

    >>> from llb.dockerfile import ImageTable
    >>> from llb.buildfile import instructions
    >>> built = instructions.scratch().pipe(instructions.write, {"a": "1\n"}, "/").cmd(["/b"])
    >>> print(to_dockerfile(built, resolver=ImageTable({})))
    FROM scratch
    COPY <<"a" /
    1
    a
    CMD ["/b"]
    <BLANKLINE>
    """
    target_platform = Platform.host() if platform is None else to_platform(platform)
    resolver = _with_lookup_by_name(resolver)
    tree = resolve_images(tree, _Images(resolver), platform=target_platform)
    writer = _Writer(tree, resolver, target_platform)
    source = writer.text()
    if has_octets(source):
        writer.missing.append(Missing("", "bytes that are not UTF-8"))
    if writer.missing:
        raise UnsayableError(writer.missing)
    _check(source, tree, resolver, target_platform)
    return source


@frozen
class _Images:
    """The images of a resolver of conversions, for the base images of a tree."""

    resolver: Resolver

    def resolve_image_config(
        self,
        ref: str,
        *,
        platform: Platform | None = None,
        resolve_mode: str = "default",  # noqa: ARG002 - a table has no modes
    ) -> ResolvedImage:
        """Resolve the digest and config of an image."""
        assert platform is not None
        span = errors.Source("Dockerfile", b"", "").span(1)
        return self.resolver(ImageRequest(ref, platform, ref, span))


def _with_lookup_by_name(resolver: Resolver) -> Resolver:
    """Wrap a resolver to look up an image by its name if it is requested by name and digest."""

    def resolve(request: ImageRequest) -> ResolvedImage:
        ref = Reference.parse(request.ref)
        if ref.digest is not None:
            name = str(evolve(ref, digest=None).tagged())
            with suppress(errors.DockerfileError):
                image = resolver(evolve(request, ref=name))
                if image.digest == ref.digest:
                    return image
        return resolver(request)

    return resolve


def _check(source: str, tree: State, resolver: Resolver, platform: Platform) -> None:
    """Check that a Dockerfile creates the operations and the image of a tree.

    Raises UnsayableError.
    """
    expected = tree.marshal(platform=platform, caps=caps.known())
    context_options = _context_options(expected)
    try:
        conversion = convert(source, resolver=resolver, build_platform=platform, **context_options)
    except errors.DockerfileError as error:
        raise UnsayableError([Missing("", error.message)]) from error
    ours, theirs = _hash_operations(conversion.definition), _hash_operations(expected)
    if set(ours.values()) != set(theirs.values()):
        raise UnsayableError(
            Missing(
                _first_line(expected, digest),
                "the closest instruction creates a different operation",
            )
            for digest, meaning in theirs.items()
            if meaning not in ours.values()
        )
    if _container_config(conversion.image_config) != _container_config(
        tree.image_config(platform=platform)
    ):
        raise UnsayableError([Missing("", "the image config would differ")])


def _hash_operations(definition: Definition) -> dict[str, str]:
    """Hash each operation with its inputs, but without the options of the build context."""
    meanings: dict[str, str] = {}
    for vertex in definition.vertices():
        is_context = vertex.kind == "source" and vertex.op.get("identifier") == _CONTEXT
        content = b"" if is_context else vertex.content
        inputs = tuple((meanings[digest], number) for digest, number in vertex.inputs)
        meanings[vertex.digest] = sha256_of(repr((content, inputs)).encode())
    return meanings


def _container_config(config: bytes) -> dict[str, Any]:
    """Parse the part of an image config that containers see, with sorted variables."""
    container_config: dict[str, Any] = json.loads(config)["config"]
    kept = {key: value for key, value in container_config.items() if key not in _IGNORED_FIELDS}
    return {"WorkingDir": "/", **kept, "Env": sorted(container_config.get("Env", ()))}


def _context_options(expected: Definition) -> dict[str, Any]:
    """Find the conversion options that reproduce the build context of a definition."""
    for vertex in expected.vertices():
        if vertex.kind == "source" and vertex.op.get("identifier") == _CONTEXT:
            attrs = vertex.op.get("attrs", {})
            return {
                "ignore": json.loads(attrs.get("local.excludepatterns", "[]")),
                "session_id": attrs.get("local.session"),
                "local_unique_id": attrs.get("local.unique", ""),
            }
    return {}


def _first_line(definition: Definition, digest: str) -> str:
    op_locations = definition.locations.get(digest, ())
    lines = [
        f"{location.file.filename}:{location.ranges[0].line}"
        for location in op_locations
        if location.ranges
    ]
    return lines[0] if lines else ""


@define
class _Stage:
    """A stage while it is written: its lines, and the state at its end."""

    name: str
    lines: list[str]
    env: dict[str, str]
    image_env: dict[str, str]
    cwd: str
    user: str
    config: ImageConfig


@define(eq=False)
class _Writer:
    """Write the stages of a tree, each before the stages that use it."""

    tree: State
    resolver: Resolver
    platform: Platform
    missing: list[Missing] = field(factory=list)
    _count: int = 0
    _written: list[_Stage] = field(factory=list)
    _stages: dict[tuple[int, int], _Stage] = field(factory=dict)
    _in_image: set[str] = field(factory=set)

    def text(self) -> str:
        """Write the whole Dockerfile."""
        image_env = self.tree.settings.process.env.image_items()
        self._in_image = {key for key, _ in image_env}
        output = self.tree.output
        last_stage = self._write_stage(output)
        process = self.tree.settings.process
        try:
            self._set_process_state(last_stage, process, self.tree.variables)
            last_stage.lines += config_lines(self.tree.config, last_stage.config)
        except NotExpressible as error:
            self.missing.append(Missing("", error.reason))
        named_stages = [
            [f"{stage.lines[0]} AS {stage.name}", *stage.lines[1:]] for stage in self._written
        ]
        return (
            "\n\n".join("\n".join(lines) for lines in [*named_stages[:-1], last_stage.lines]) + "\n"
        )

    def _write_stage(self, output: Output | None) -> _Stage:
        """Write the stage that ends with a tree."""
        chain: list[ops.Op] = []
        tree = output
        while tree is not None and _identity(tree) not in self._stages and _is_step(tree):
            chain.append(tree.op)
            tree = _input_tree(tree.op)
        stage = self._begin_stage(tree)
        for number in range(len(chain) - 1, -1, -1):
            op = chain[number]
            try:
                self._write_step(stage, op, chain[:number][::-1])
            except NotExpressible as error:
                self.missing.append(Missing(_source_line(op), error.reason))
        if output is not None:
            self._stages[_identity(output)] = stage
        self._written.append(stage)
        return stage

    def _begin_stage(self, tree: Output | None) -> _Stage:
        name = f"stage-{self._count}"
        self._count += 1
        if tree is None:
            image = scratch_config(self.platform)
            return self._from_image("FROM scratch", image, name)
        if _identity(tree) in self._stages:
            base_stage = self._stages[_identity(tree)]
            env = {**base_stage.env}
            for key, value in base_stage.image_env.items():
                env.pop(key, None)
                env[key] = value
            return _Stage(
                name,
                [f"FROM {base_stage.name}"],
                env,
                {**base_stage.image_env},
                base_stage.cwd,
                base_stage.user,
                base_stage.config,
            )
        source = ops.source_of(tree.op)
        if source is None or not source.identifier.startswith(DOCKER_IMAGE_SCHEME) or source.attrs:
            self.missing.append(Missing(_source_line(tree.op), _describe_base(source)))
            return self._from_image("FROM scratch", scratch_config(self.platform), name)
        return self._begin_from_image(source, name)

    def _begin_from_image(self, op: ops.SourceOp, name: str) -> _Stage:
        ref = Reference.parse(op.identifier.removeprefix(DOCKER_IMAGE_SCHEME))
        platform = op.constraints.platform or self.platform
        flag = "" if platform == self.platform else f"--platform={platform} "
        span = errors.Source("Dockerfile", b"", "").span(1)
        request = ImageRequest(str(ref), platform, str(ref), span)
        image = self.resolver(request)
        if image.triggers:
            self.missing.append(
                Missing(
                    _source_line(op), "an image with ONBUILD instructions, which FROM would run"
                )
            )
        return self._from_image(f"FROM {flag}{ref.familiar}", image.image, name)

    def _from_image(self, line: str, image: ImageConfig, name: str) -> _Stage:
        env = image.variables
        if "PATH" not in env and self.platform.os != WINDOWS:
            env["PATH"] = DEFAULT_PATH_ENV
        cwd = image.workdir or "/"
        cwd = cwd if cwd.startswith("/") else absolute("/", cwd)
        return _Stage(name, [line], env, {**env}, cwd, image.user, image)

    def _write_step(self, stage: _Stage, op: ops.Op, after: list[ops.Op]) -> None:
        match op:
            case ops.ExecOp():
                self._set_process_state(stage, op.process, op.process.env.items())
                stage.lines.append(convert_process(op, self._from_name))
            case ops.FileOp() if (path := workdir_path(op)) is not None:
                self._workdir(stage, op, path, after)
            case ops.FileOp():
                stage.lines.append(convert_copies(op, self._from_name, link=False))
            case ops.MergeOp((_, ops.Output(ops.FileOp(None) as alone))):
                stage.lines.append(convert_copies(alone, self._from_name, link=True))
            case _:
                # Also report the steps of the inputs.
                for input_tree in op.inputs[1:]:
                    self._write_stage(input_tree)
                kind = type(op).__name__.removesuffix("Op").lower()
                raise NotExpressible(f"{kind} has no Dockerfile instruction")

    def _set_process_state(
        self, stage: _Stage, process: ops.Process, env: Iterable[tuple[str, str]]
    ) -> None:
        """Set the variables, user and working directory that a process expects."""
        for key, value in _assignments(stage.env, tuple(env)):
            in_image = key in self._in_image
            stage.lines.append(variable(key, value, of_image=in_image))
            stage.env.pop(key, None)
            stage.env[key] = value
            if in_image:
                stage.image_env[key] = value
        user = process.user
        if user != stage.user:
            if not user:
                raise NotExpressible("a process without a user, on a base that sets one")
            stage.lines.append(f"USER {word(user)}")
            stage.user = user
        if process.cwd != stage.cwd:
            if process.cwd != "/":
                raise NotExpressible(
                    f"working directory {process.cwd}, which WORKDIR would create (instructions.workdir)"
                )
            stage.lines.append("WORKDIR /")
            stage.cwd = "/"

    def _workdir(self, stage: _Stage, op: ops.FileOp, path: str, after: list[ops.Op]) -> None:
        (action,) = op.actions
        assert isinstance(action, ops.MkdirAction)
        owner, current_owner = to_chown(action.owner), to_chown(parse_chown(stage.user))
        if owner != current_owner:
            if not owner:
                raise NotExpressible("a directory without an owner, while a user is set")
            stage.lines.append(f"USER {word(owner)}")
            stage.user = owner
        # The next process shows how the path was spelled.
        cwds = [op.process.cwd for op in after if isinstance(op, ops.ExecOp)]
        cwds.append(self.tree.cwd)
        stage.cwd = cwds[0] if clean(cwds[0]) == path else path
        stage.lines.append(f"WORKDIR {word(stage.cwd)}")

    def _from_name(self, output: Output | None) -> str:
        """Find the ``--from`` name of a tree; empty for the build context."""
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
            has_same_platform = source.constraints.platform in (None, self.platform)
            if has_same_platform and _identity(output) not in self._stages:
                return Reference.parse(source.identifier.removeprefix(DOCKER_IMAGE_SCHEME)).familiar
        if _identity(output) not in self._stages:
            self._write_stage(output)
        return self._stages[_identity(output)].name


def _is_step(output: Output) -> bool:
    """Check whether an operation produced a tree from another, rather than being a base."""
    if isinstance(output.op, ops.ExecOp):
        return output.index == 0
    return ops.source_of(output.op) is None and not isinstance(output.op, ops.EncodedOp)


def _input_tree(op: ops.Op) -> Output | None:
    """Find the tree that a step begins with."""
    match op:
        case ops.ExecOp(root=root):
            return root
        case ops.FileOp(base):
            return base
        case _:
            return next(iter(op.inputs), None)


def _describe_base(source: ops.SourceOp | None) -> str:
    if source is not None:
        name = source.identifier.partition("://")[0]
        return f"a base that is not an image: {name}" if name != "docker-image" else "image options"
    return "a base from another definition"


def _assignments(
    present: dict[str, str], required: tuple[tuple[str, str], ...]
) -> Iterator[tuple[str, str]]:
    """Yield the fewest assignments that turn ``present`` into ``required``.

    Raises NotExpressible.
    """
    names = {key for key, _ in required}
    for key in present:
        if key not in names:
            raise NotExpressible(f"a process without variable {key} of its base")
    for count in range(len(required), -1, -1):
        reassigned = {key for key, _ in required[count:]}
        if tuple(pair for pair in present.items() if pair[0] not in reassigned) == required[:count]:
            yield from required[count:]
            return


def _identity(output: Output) -> tuple[int, int]:
    return id(output.op), output.index


def _source_line(op: ops.Op) -> str:
    """Find the source line that created an operation, in Python or another file."""
    lines = [
        f"{location.file.filename}:{location.ranges[0].line}"
        for location in op.constraints.locations
    ]
    lines += [f"{name}:{line}" for name, line in op.call_site or ()]
    return lines[0] if lines else ""
