"""Build definitions from raw messages: every kind of operation, and invalid ones."""

from __future__ import annotations

from llb._pb import ops_pb2 as pb
from llb.definition.definition import Definition
from llb.ops.metadata import OpMetadata
from llb.ops.nodes import LinuxResources, ProgressGroup
from llb.protobuf import digest_of
from llb.source_map import Location, Range, SourceFile

BUILD = SourceFile("build.py", b"line\n" * 9, "Python")


def at(line: int, end: int | None = None) -> tuple[Location, ...]:
    return (Location(BUILD, (Range(line, end or line),)),)


def input_of(encoded: bytes, index: int = 0) -> pb.Input:
    return pb.Input(digest=digest_of(encoded), index=index)


def result_of(encoded: bytes, index: int = 0) -> bytes:
    return pb.Op(inputs=[input_of(encoded, index)]).SerializeToString()


def message_of(*ops: bytes) -> bytes:
    """Serialize a definition of these operations without checks."""
    message = pb.Definition()
    getattr(message, "def").extend(ops)
    return message.SerializeToString()


def every_kind() -> Definition:
    """Build a definition with each kind of operation and of metadata."""
    image = pb.Op(
        source=pb.SourceOp(identifier="docker-image://alpine", attrs={"image.layerlimit": "2"}),
        platform=pb.Platform(OS="linux", Architecture="arm", Variant="v7"),
        constraints=pb.WorkerConstraints(filter=["gpu==yes"]),
    ).SerializeToString()
    run = pb.Op(
        inputs=[input_of(image)],
        exec=pb.ExecOp(
            meta=pb.Meta(args=["/bin/sh", "-c", 'echo "a" <b>\n& `c`'], env=["A=1"], cwd="/"),
            mounts=[
                pb.Mount(dest="/"),
                pb.Mount(dest="/out", input=-1, output=1),
                pb.Mount(
                    dest="/c",
                    input=-1,
                    output=-1,
                    mountType=pb.CACHE,
                    cacheOpt=pb.CacheOpt(ID="c", sharing=pb.LOCKED),
                ),
            ],
            network=pb.HOST,
            security=pb.INSECURE,
            secretenv=[pb.SecretEnv(ID="token", name="TOKEN", optional=True)],
        ),
    ).SerializeToString()
    file = pb.Op(
        inputs=[input_of(run), input_of(run, 1)],
        file=pb.FileOp(
            actions=[
                pb.FileAction(
                    input=0,
                    secondaryInput=1,
                    output=-1,
                    copy=pb.FileActionCopy(
                        src="/a",
                        dest="/b",
                        include_patterns=["*.py"],
                        mode=-1,
                        owner=pb.ChownOpt(user=pb.UserOpt(byID=5), group=pb.UserOpt(byID=0)),
                    ),
                ),
                pb.FileAction(
                    input=2,
                    secondaryInput=-1,
                    output=-1,
                    mkfile=pb.FileActionMkFile(path="/f", data=b"\x00\xff", mode=0o644),
                ),
                pb.FileAction(
                    input=3,
                    secondaryInput=-1,
                    output=-1,
                    mkdir=pb.FileActionMkDir(
                        path="/d",
                        owner=pb.ChownOpt(
                            user=pb.UserOpt(byName=pb.NamedUserOpt(name="me", input=0))
                        ),
                    ),
                ),
                pb.FileAction(input=4, secondaryInput=-1, output=0, rm=pb.FileActionRm(path="/x")),
            ]
        ),
    ).SerializeToString()
    merge = pb.Op(
        inputs=[input_of(image), input_of(file)],
        merge=pb.MergeOp(inputs=[pb.MergeInput(input=0), pb.MergeInput(input=1)]),
    ).SerializeToString()
    diff = pb.Op(
        inputs=[input_of(merge)],
        diff=pb.DiffOp(lower=pb.LowerDiffInput(input=-1), upper=pb.UpperDiffInput(input=0)),
    ).SerializeToString()
    build = pb.Op(
        inputs=[input_of(diff)],
        build=pb.BuildOp(
            builder=-1,
            inputs={"buildkit.llb.definition": pb.BuildInput(input=0)},
            attrs={"llbbuild.filename": "x"},
        ),
    ).SerializeToString()
    passed = pb.Op(
        inputs=[input_of(build), input_of(image)],
        passthrough=pb.PassthroughOp(id="needs", outputs=[0, 1]),
    ).SerializeToString()
    ops = (image, run, file, merge, diff, build, passed, result_of(passed, 1))
    metadata = {
        digest_of(run): OpMetadata(
            ignore_cache=True,
            description={"llb.customname": "compile \x1b[31m", "com.example": "two\nlines"},
            export_cache=False,
            caps=frozenset({"exec.meta.base", "exec.mount.bind"}),
            progress_group=ProgressGroup("id", "group", weak=True),
            resources=LinuxResources(memory=1024, cpuset_cpus="0-1"),
        ),
        digest_of(merge): OpMetadata(export_cache=True, caps=frozenset({"mergeop"})),
    }
    locations = {digest_of(image): at(1), digest_of(run): at(2, 3), digest_of(file): at(5)}
    return Definition(ops, metadata, locations, (BUILD,))
