"""The host of a build file on the daemon: contexts, images, files, other frontends."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from llb import Scratch, files
from llb.errors import RemoteError
from llb.gateway import Result
from llb.testing.failures import Failed
from llb.testing.fake_buildkit.records import Warned
from llb.testing.graphs import Step, assert_runs, steps
from tests.unit.frontend.builds import APP, BODY, error_of, run

if TYPE_CHECKING:
    from llb.gateway import Gateway, Request
    from llb.testing.gateway import Outcome


def body(*lines: str) -> str:
    """Build a build file whose target has these lines."""
    return APP + "".join(f"    {line}\n" for line in lines)


def sources(outcome: Outcome) -> dict[str, dict[str, Any]]:
    """Collect the attributes of the sources, by their identifiers."""
    source_ops = (step.vertex.op for step in steps(outcome.definition) if step.kind == "source")
    return {op["identifier"]: dict(op.get("attrs", {})) for op in source_ops}


def patterns(outcome: Outcome, name: str = "context") -> dict[str, list[str]]:
    """Get the patterns of a local directory."""
    attrs = sources(outcome)[f"local://{name}"]
    keys = ("includepattern", "excludepatterns", "followpaths")
    return {key: json.loads(attrs[f"local.{key}"]) for key in keys if f"local.{key}" in attrs}


def content(outcome: Outcome) -> str:
    """Get the content of the only file that a build writes."""
    (step,) = steps(outcome.definition)
    data: bytes = step.vertex.op["actions"][0]["mkfile"]["data"]
    return data.decode()


# The build context.


def test_only_the_used_part_of_the_context_is_sent() -> None:
    outcome = run(
        body(
            "tree = Scratch().copy(build.context(), '/', src='src/a')",
            "return tree.copy(build.context(), '/', src='src/b')",
        ),
        neighbours={".dockerignore": "*.log\n"},
    )
    assert patterns(outcome) == {
        "followpaths": ["src/a", "src/b"],
        "excludepatterns": ["*.log"],
    }


def test_a_context_that_is_used_as_a_whole_is_sent_as_a_whole() -> None:
    assert patterns(run(body("return build.context()"))) == {}


def test_patterns_limit_the_context() -> None:
    outcome = run(
        body("return build.context(include=['src'], exclude=['*.o'], follow_paths=['link'])"),
        neighbours={".dockerignore": "*.log\n"},
    )
    assert patterns(outcome) == {
        "includepattern": ["src"],
        "excludepatterns": ["*.log", "*.o"],
        "followpaths": ["link"],
    }


CONTEXT = files({"a": "1", "b": "2"})


def test_a_context_that_the_client_built_is_used_unchanged() -> None:
    outcome = run(body("return build.context()"), inputs={"context": CONTEXT})
    assert outcome.definition.head == CONTEXT.marshal().head


def test_patterns_limit_a_context_that_the_client_built() -> None:
    outcome = run(
        body("return build.context(include=['a'], exclude=['b'], follow_paths=['c'])"),
        inputs={"context": CONTEXT},
    )
    action = steps(outcome.definition)[-1].vertex.op["actions"][0]["copy"]
    assert action["include_patterns"] == ("a", "c")
    assert action["exclude_patterns"] == ("b",)


# Named contexts, inputs and images.


def test_a_local_directory_is_a_named_context() -> None:
    outcome = run(
        body("return Scratch().copy(build.named('lib'), '/')"),
        {"context:lib": "local:lib"},
        local_dirs={"lib": {"x": "1", ".dockerignore": "*.o\n"}},
    )
    assert patterns(outcome, "lib") == {"excludepatterns": ["*.o"]}


def test_a_missing_named_context_is_refused() -> None:
    missing = error_of(run(body("return build.named('lib')")))
    assert missing.message == (
        "the build has no context lib (hint: add it: --build-context lib=DIR)"
    )
    near = error_of(run(body("return build.named('lbi')"), {"context:lib": "local:lib"}))
    assert near.message == "the build has no context lbi (hint: did you mean lib?)"
    assert str(near.span) == f"build.py:{BODY}"


def test_a_named_context_replaces_an_image() -> None:
    outcome = run(
        body("return build.image('example.com/base').run('make')"),
        {"context:example.com/base": "docker-image://debian"},
    )
    assert list(sources(outcome)) == ["docker-image://docker.io/library/debian:latest"]


def test_an_image_is_resolved_once_for_each_platform() -> None:
    outcome = run(
        body("return build.image('alpine').copy(build.image('alpine'), '/x', src='/etc')")
    )
    resolved = [call for call in outcome.calls if call.startswith("ResolveSourceMeta")]
    assert resolved == ["ResolveSourceMeta docker-image://docker.io/library/alpine:latest"]


def test_onbuild_instructions_of_an_image_cause_a_warning() -> None:
    outcome = run(body("return build.image('example.com/onbuild')"))
    assert [(warning.message, warning.location) for warning in outcome.warnings] == [
        (
            "the ONBUILD instructions of example.com/onbuild are not run: COPY package.json ./ …",
            outcome.warnings[0].location,
        )
    ]
    location = outcome.warnings[0].location
    assert location is not None
    assert (location.file.filename, location.ranges[0].line) == ("build.py", BODY)


def test_a_missing_image_is_an_error_at_its_line() -> None:
    error = error_of(run(body("return build.image('example.com/none')")))
    assert error.message == "example.com/none:latest: not found"
    assert str(error.span) == f"build.py:{BODY}"


def test_an_input_has_its_image_config() -> None:
    config = base64.b64encode(b'{"config": {"Env": ["A=1"]}}').decode()
    outcome = run(
        body("return build.input('base').run('make')"),
        {"input-metadata:base": json.dumps({"containerimage.config": config})},
        inputs={"base": Scratch().mkfile("/x", "1")},
    )
    assert assert_runs(outcome.definition, "make").env == {"A": "1"}


def test_an_input_without_a_config_is_a_tree() -> None:
    outcome = run(body("return build.input('base')"), inputs={"base": CONTEXT})
    assert outcome.definition.head == CONTEXT.marshal().head


def test_a_missing_input_is_refused() -> None:
    error = error_of(run(body("return build.input('base')")))
    assert error.message == "the build has no input base"


# The client's settings for all processes.


def process(options: dict[str, str]) -> Step:
    outcome = run(body("return build.image('alpine').run('make')"), options)
    return assert_runs(outcome.definition, "make")


@pytest.mark.parametrize(
    ("options", "meta"),
    [
        ({"add-hosts": "db=10.1.2.3"}, {"extraHosts": ({"Host": "db", "IP": "10.1.2.3"},)}),
        ({"ulimit": "nofile=10:20"}, {"ulimit": ({"Name": "nofile", "Soft": 10, "Hard": 20},)}),
        ({"hostname": "builder"}, {"hostname": "builder"}),
        ({"cgroup-parent": "/slice"}, {"cgroupParent": "/slice"}),
        (
            {"build-arg:HTTP_PROXY": "http://proxy"},
            {"proxy_env": {"http_proxy": "http://proxy"}},
        ),
    ],
)
def test_options_of_the_client_apply_to_every_process(
    options: dict[str, str], meta: dict[str, Any]
) -> None:
    actual = process(options).vertex.op["meta"]
    assert {key: actual.get(key) for key in meta} == meta


def test_the_client_chooses_the_network_of_every_process() -> None:
    assert process({"force-network-mode": "none"}).vertex.op["network"] == "NONE"


def test_the_client_chooses_the_size_of_shared_memory() -> None:
    (mount,) = (
        process_mount
        for process_mount in process({"shm-size": "1024"}).vertex.op["mounts"]
        if process_mount["dest"] == "/dev/shm"
    )
    assert mount["TmpfsOpt"] == {"size": 1024}


def test_options_of_the_client_apply_to_processes_on_the_empty_tree() -> None:
    outcome = run(body("return build.scratch().run(['/make'])"), {"hostname": "builder"})
    assert assert_runs(outcome.definition, "/make").vertex.op["meta"]["hostname"] == "builder"


# Files.


def test_reading_a_file_of_the_context_sends_only_that_file() -> None:
    outcome = run(
        body("return Scratch().mkfile('/a', build.read_text('ci/VERSION').strip())"),
        neighbours={"ci/VERSION": "1.2\n"},
    )
    assert content(outcome) == "1.2"
    (definition,) = (
        solve.definition
        for solve in outcome.solves
        if f"ReadFile {solve.ref} ci/VERSION" in outcome.calls
    )
    assert definition is not None
    (source,) = definition.vertices()[:1]
    assert source.op["attrs"]["local.followpaths"] == '["ci/VERSION"]'


def test_a_file_of_a_built_tree_is_read() -> None:
    outcome = run(
        body(
            "made = Image('alpine').run('make')",
            "return Scratch().mkfile('/a', build.read_bytes('/out', made) * 2)",
        ),
        outputs={"run make": {"out": b"\x00\x01"}},
    )
    (step,) = steps(outcome.definition)
    assert step.vertex.op["actions"][0]["mkfile"]["data"] == b"\x00\x01\x00\x01"


def test_a_tree_is_built_once_for_all_reads() -> None:
    outcome = run(
        body(
            "tree = Scratch().mkfile('/a', '1').mkfile('/b', '2')",
            "return Scratch().mkfile('/c', build.read_text('/a', tree) + build.read_text('/b', tree))",
        )
    )
    assert content(outcome) == "12"
    reads = [call.split()[1] for call in outcome.calls if call.endswith((" /a", " /b"))]
    assert len(reads) == 2
    assert len(set(reads)) == 1


def test_reading_the_context_before_it_is_used_sends_all_of_it() -> None:
    outcome = run(
        body(
            "context = build.context()",
            "names = ' '.join(each.path for each in build.list_dir())",
            "return Scratch().mkfile('/names', names).copy(context, '/', src='a')",
        ),
        neighbours={"a": "1"},
    )
    assert patterns(outcome) == {}


def test_a_directory_is_listed_with_and_without_a_pattern() -> None:
    outcome = run(
        body(
            "every = [each.path for each in build.list_dir('src')]",
            "some = [each.path for each in build.list_dir('src', pattern='*.c')]",
            "return Scratch().mkfile('/a', f'{every} {some}')",
        ),
        neighbours={"src/a.c": "", "src/b.h": ""},
    )
    assert content(outcome) == "['a.c', 'b.h'] ['a.c']"


@pytest.mark.parametrize("call", ["read_text('none')", "list_dir('none')"])
def test_a_missing_path_is_an_error_at_its_line(call: str) -> None:
    error = error_of(run(body("", f"return build.{call}")))
    assert error.message == "no such file or directory: none (hint: paths are relative to the tree)"
    assert str(error.span) == f"build.py:{BODY + 1}"


def test_a_file_that_is_not_utf8_is_refused() -> None:
    error = error_of(run(body("return build.read_text('a')"), neighbours={"a": b"\xff"}))
    assert error.message == "a is not UTF-8: invalid start byte at byte 0"


def test_a_tree_that_cannot_be_built_is_the_error_of_its_step() -> None:
    error = error_of(
        run(
            body("return build.read_text('/a', Image('alpine').run('make'))"),
            outputs={"run make": Failed(exit_code=3)},
        )
    )
    assert error.exit_code == 3


# Dockerfiles and other frontends.

DOCKERFILE = """\
FROM alpine AS base
ARG WHAT=nothing
ENV SAID=$WHAT
RUN echo "$WHAT"
FROM base AS more
COPY --from=extra /extra /
"""


def test_a_dockerfile_is_converted_with_its_config() -> None:
    outcome = run(
        body(
            "extra = Scratch().mkfile('/extra', 'extra')",
            "tree = build.dockerfile('docker/App', target='more', build_args={'WHAT': 'hi'},",
            "    contexts={'extra': extra})",
            "return tree.run('make')",
        ),
        neighbours={"docker/App": DOCKERFILE},
    )
    assert assert_runs(outcome.definition, "make").env["SAID"] == "hi"
    labels = [step.label for step in steps(outcome.definition)]
    assert "mkfile /extra" in labels
    assert outcome.image_config["config"]["Env"][-1] == "SAID=hi"


def test_a_dockerfile_may_be_a_string() -> None:
    outcome = run(
        body("return build.dockerfile('FROM scratch\\nCOPY a /\\n')"), neighbours={"a": "1"}
    )
    assert [step.name for step in steps(outcome.definition)] == [
        "[internal] load build context",
        "[1/1] COPY a /",
    ]


def test_an_error_in_a_dockerfile_points_into_it() -> None:
    error = error_of(
        run(body("return build.dockerfile('App')"), neighbours={"App": "FROM scratch\nCOPPY a b\n"})
    )
    assert str(error.span) == "App:2:1"


def other(request: Request, gateway: Gateway) -> Result:
    """Be a frontend that writes its options and inputs to files."""
    state = Scratch().mkfile("/asked", json.dumps(dict(request.options), sort_keys=True))
    for name, tree in gateway.inputs().items():
        state = state.mkfile(f"/{name}", tree.head or "")
    config = b'{"config": {"Env": ["A=1"]}, "os": "linux", "architecture": "amd64"}'
    return Result(gateway.solve(state.marshal()), metadata={"containerimage.config": config})


def test_another_frontend_builds_a_tree_with_its_config() -> None:
    outcome = run(
        body(
            "made = build.frontend('example.com/other', options={'key': 'value'},",
            "    inputs={'context': build.context(include=['a'])})",
            "return made.run('make')",
        ),
        frontends={"example.com/other": other},
    )
    options = steps(outcome.definition)[0].vertex.op["actions"][0]["mkfile"]["data"]
    assert json.loads(options) == {
        "key": "value",
        "platform": "linux/amd64",
        "source": "example.com/other",
    }
    assert assert_runs(outcome.definition, "make").env == {"A": "1"}


def test_a_builtin_frontend_needs_no_image() -> None:
    outcome = run(
        body("return build.frontend('dockerfile.v0', options={'platform': 'linux/arm64'})"),
        frontends={"dockerfile.v0": other},
    )
    options = steps(outcome.definition)[0].vertex.op["actions"][0]["mkfile"]["data"]
    assert json.loads(options) == {"platform": "linux/arm64"}


def test_another_frontend_gets_the_whole_context() -> None:
    outcome = run(
        body("return build.frontend('dockerfile.v0', inputs={'context': build.context()})"),
        frontends={"dockerfile.v0": other},
    )
    (inputs,) = (solve.inputs for solve in outcome.solves if solve.frontend == "dockerfile.v0")
    (source, _) = inputs["context"].vertices()
    assert (source.op["identifier"], "local.followpaths" in source.op["attrs"]) == (
        "local://context",
        False,
    )


def several(_: Request, gateway: Gateway) -> Result:
    """Be a frontend with a tree for two platforms, one of them empty."""
    arm = gateway.solve(Scratch().mkfile("/arm", "1").marshal())
    config = b'{"config": {"Env": ["ARM=1"]}}'
    empty = gateway.solve(Scratch().marshal())
    return Result(
        refs={"linux/arm64": arm, "linux/s390x": empty},
        metadata={"containerimage.config/linux/arm64": config},
    )


def test_another_frontend_builds_for_the_platform_of_the_build() -> None:
    outcome = run(
        body("return build.frontend('dockerfile.v0')"),
        {"platform": "linux/arm64"},
        frontends={"dockerfile.v0": several},
    )
    assert [step.label for step in steps(outcome.definition)] == ["mkfile /arm"]
    assert outcome.image_config["config"]["Env"] == ["ARM=1"]


def test_a_platform_missing_from_another_frontends_result_is_refused() -> None:
    outcome = run(
        body("return build.frontend('dockerfile.v0')"), frontends={"dockerfile.v0": several}
    )
    assert error_of(outcome).message == (
        "the frontend returned no result for linux/amd64, only for linux/arm64, linux/s390x"
    )


def test_an_error_of_another_frontend_fails_the_build() -> None:
    def failing(_: Request, __: Gateway) -> Result:
        raise RemoteError("no such recipe", code=2)

    outcome = run(
        body("return build.frontend('dockerfile.v0')"), frontends={"dockerfile.v0": failing}
    )
    assert error_of(outcome).message == "no such recipe"


def test_a_warning_is_shown_with_its_line() -> None:
    outcome = run(body("build.warn('old paint')", "return Scratch()"))
    (warning,) = outcome.warnings
    assert warning.location is not None
    assert warning == Warned(
        outcome.solves[0].definition.head or "",  # type: ignore[union-attr]
        "old paint",
        location=warning.location,
    )
    assert [(lines.line, lines.end_line) for lines in warning.location.ranges] == [(BODY, BODY)]


def test_a_file_larger_than_a_message_is_read() -> None:
    large = bytes(20_000_000)
    outcome = run(
        body("return Scratch().mkfile('/a', str(len(build.read_bytes('large'))))"),
        neighbours={"large": large},
    )
    assert content(outcome) == "20000000"
