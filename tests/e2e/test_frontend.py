"""The frontend image: it builds the same images as BuildKit's own frontend."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve

from llb import caps
from llb.client import Client, local, oci
from llb.errors import SolveError, render
from tests.e2e.test_example import read_image

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Buildctl

ROOT = Path(__file__).parents[2]
DOCKERFILE = """\
# syntax=SYNTAX
ARG BASE=busybox
FROM ${BASE} AS build
ARG NAME=world
ENV GREETING="hello, $NAME"
WORKDIR /src
COPY . .
RUN <<EOF
echo "$GREETING" > out.txt
ls >> out.txt
EOF
FROM scratch AS result
COPY --from=build --chown=5:6 --chmod=640 /src/out.txt /out.txt
ADD archive.tar /unpacked/
LABEL org.example.key="a value"
EXPOSE 80/tcp
USER 1000
ENTRYPOINT ["/bin/app"]
CMD ["--help"]
FROM busybox
RUN exit 9
"""


@pytest.fixture
def context(frontend: str, tmp_path: Path) -> Path:
    """A build context with a Dockerfile that names the frontend, and an ignore file."""
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "Dockerfile").write_text(DOCKERFILE.replace("SYNTAX", frontend))
    (folder / ".dockerignore").write_text("*.log\n!kept.log\n")
    (folder / "some.log").write_text("")
    (folder / "kept.log").write_text("")
    (folder / "inside.txt").write_text("packed\n")
    subprocess.run(["tar", "-cf", "archive.tar", "inside.txt"], cwd=folder, check=True)
    return folder


Attributes = dict[str, str]


def by_syntax(frontend: str) -> tuple[str, Attributes]:
    return "dockerfile.v0", {}


def by_source(frontend: str) -> tuple[str, Attributes]:
    return "gateway.v0", {"source": frontend}


WAYS = pytest.mark.parametrize("way", [by_syntax, by_source])


@pytest.mark.feature("A5", "A10", "C6", "C1", "E1", "E2", "E3")
@WAYS
def test_buildctl_builds_a_dockerfile_with_the_frontend(
    way: Callable[[str], tuple[str, Attributes]],
    frontend: str,
    context: Path,
    buildctl: Buildctl,
    tmp_path: Path,
) -> None:
    name, options = way(frontend)
    all_options = {**options, "target": "result", "build-arg:NAME": "Go"}
    buildctl(
        *("build", "--frontend", name),
        *(
            argument
            for key, value in all_options.items()
            for argument in ("--opt", f"{key}={value}")
        ),
        *("--local", f"context={context}", "--local", f"dockerfile={context}"),
        *("--output", f"type=local,dest={tmp_path / 'out'}"),
    )
    listing = "Dockerfile\narchive.tar\ninside.txt\nkept.log\nout.txt\n"
    assert (tmp_path / "out" / "out.txt").read_text() == f"hello, Go\n{listing}"
    assert (tmp_path / "out" / "unpacked" / "inside.txt").read_text() == "packed\n"


def build_config(
    address: str, context: Path, tmp_path: Path, frontend: str, **options: str
) -> dict[str, Any]:
    """Build the target with a frontend; return the image config without timestamps."""
    with Client(address) as client:
        client.solve(
            frontend=frontend,
            frontend_attrs={"target": "result", **options},
            local_dirs={"context": context, "dockerfile": context},
            exports=[oci(tmp_path / "image.tar")],
        )
    config, _ = read_image(tmp_path / "image.tar")
    config.pop("created")
    for entry in config["history"]:
        entry.pop("created")
    return config


@pytest.mark.feature("E10", "F1", "F2", "F4", "F5", "F6", "G8")
@pytest.mark.since("v0.32.2", "a stock frontend with the answers of today's")
def test_the_image_equals_that_of_the_stock_frontend(
    frontend: str, context: Path, buildkit_host: str, tmp_path: Path
) -> None:
    ours = build_config(buildkit_host, context, tmp_path, "gateway.v0", source=frontend)
    source = (context / "Dockerfile").read_text()
    (context / "Dockerfile").write_text(source.partition("\n")[2])
    theirs = build_config(buildkit_host, context, tmp_path, "dockerfile.v0")
    assert ours == theirs
    assert ours["config"]["Labels"] == {"org.example.key": "a value"}


def test_the_frontend_builds_its_own_image(
    frontend: str, buildkit_host: str, tmp_path: Path
) -> None:
    def digest(name: str, **options: str) -> str:
        with Client(buildkit_host) as client:
            client.solve(
                frontend=name,
                frontend_attrs={"filename": "Dockerfile.frontend", **options},
                local_dirs={"context": ROOT, "dockerfile": ROOT},
                exports=[oci(tmp_path / "image.tar")],
            )
        _, image_digest = read_image(tmp_path / "image.tar")
        return image_digest

    assert digest("gateway.v0", source=frontend) == digest("dockerfile.v0")


def test_the_image_of_the_frontend_is_reproducible(
    frontend: str, buildkit_host: str, tmp_path: Path
) -> None:
    def digest() -> str:
        archive = evolve(oci(tmp_path / "image.tar"), attrs={"rewrite-timestamp": "true"})
        with Client(buildkit_host) as client:
            client.solve(
                frontend="gateway.v0",
                frontend_attrs={
                    "source": frontend,
                    "filename": "Dockerfile.frontend",
                    "no-cache": "",
                    "build-arg:SOURCE_DATE_EPOCH": "0",
                },
                local_dirs={"context": ROOT, "dockerfile": ROOT},
                exports=[archive],
            )
        _, image_digest = read_image(tmp_path / "image.tar")
        return image_digest

    assert digest() == digest()


MOUNTS = """\
FROM busybox AS tools
RUN echo from-a-stage > /tool
FROM busybox
RUN --mount=from=tools,source=/tool,target=/t --mount=type=tmpfs,target=/memory,size=1m \\
    --mount=type=cache,target=/cache,uid=7,mode=0750 --network=none \\
    cat /t > /out && stat -c '%u %a' /cache >> /out && touch -d @0 /out && echo x > /memory/x
HEALTHCHECK --interval=30s CMD true
"""


@pytest.mark.feature("D3", "D4", "D5", "D6", "D9", "F10", "G1")
@pytest.mark.since("v0.32.2", "a stock frontend with the answers of today's")
def test_run_mounts_with_an_epoch_give_the_image_of_the_stock_frontend(
    frontend: str, buildkit_host: str, tmp_path: Path
) -> None:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "Dockerfile").write_text(MOUNTS)
    archive = oci(tmp_path / "image.tar")

    def digest(name: str, **options: str) -> str:
        with Client(buildkit_host) as client:
            client.solve(
                frontend=name,
                frontend_attrs={"build-arg:SOURCE_DATE_EPOCH": "0", "no-cache": "", **options},
                local_dirs={"context": folder, "dockerfile": folder},
                exports=[evolve(archive, attrs={"rewrite-timestamp": "true"})],
            )
        config, image_digest = read_image(tmp_path / "image.tar")
        assert config["created"] == "1970-01-01T00:00:00Z"
        return image_digest

    assert digest("gateway.v0", source=frontend) == digest("dockerfile.v0")


def expect_failure(address: str, folder: Path, frontend: str, **options: str) -> SolveError:
    with Client(address) as client, pytest.raises(SolveError) as caught:
        client.solve(
            frontend="gateway.v0",
            frontend_attrs={"source": frontend, **options},
            local_dirs={"context": folder, "dockerfile": folder},
            exports=[local(folder.parent / "out")],
        )
    assert not (folder.parent / "out").exists()
    return caught.value


@pytest.mark.feature("A1")
def test_an_unknown_instruction_is_shown_with_a_caret(
    frontend: str, buildkit_host: str, tmp_path: Path
) -> None:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM busybox\nRUN a\nCOPPY a b\n")
    assert render(expect_failure(buildkit_host, folder, frontend)) == (
        "1 |     FROM busybox\n"
        "2 |     RUN a\n"
        "3 | >>> COPPY a b\n"
        "  |     ^^^^^\n"
        "error: Dockerfile:3:1: dockerfile parse error on line 3: unknown instruction: COPPY (did you mean COPY?)"
    )


@pytest.mark.feature("A7")
def test_an_unknown_flag_is_shown_with_a_caret(
    frontend: str, buildkit_host: str, tmp_path: Path
) -> None:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM busybox\nCOPY --form=a b c\n")
    assert render(expect_failure(buildkit_host, folder, frontend)) == (
        "1 |     FROM busybox\n"
        "2 | >>> COPY --form=a b c\n"
        "  |          ^^^^^^\n"
        "error: Dockerfile:2:6: dockerfile parse error on line 2: unknown flag: --form (did you mean from?) "
        "(hint: its flags are --chown, --chmod, --from, --link, --parents, --exclude)"
    )


@pytest.mark.feature("C9", "G4")
def test_a_failing_step_shows_its_line_and_log(
    frontend: str, context: Path, buildkit_host: str
) -> None:
    error = expect_failure(buildkit_host, context, frontend, **{"no-cache": ""})
    assert (error.exit_code, error.span and error.span.line) == (9, 21)
    assert error.step == "[stage-2 2/2] RUN exit 9"


def test_removed_options_are_refused(frontend: str, context: Path, buildkit_host: str) -> None:
    error = expect_failure(buildkit_host, context, frontend, **{"override-copy-image": "busybox"})
    reason = 'support for "override-copy-image" was removed in BuildKit 0.11'
    assert error.message.startswith(reason)


def test_a_missing_dockerfile_is_named(frontend: str, context: Path, buildkit_host: str) -> None:
    error = expect_failure(buildkit_host, context, frontend, filename="None")
    assert error.message.startswith(
        "failed to read dockerfile: open None: no such file or directory"
    )


def test_a_function_is_a_frontend(
    push_frontend: Callable[[str], str], buildkit_host: str, tmp_path: Path
) -> None:
    name = push_frontend("""\
        import sys
        from llb import Image, Scratch
        from llb.gateway import PlatformImage, Result, serve

        def build(request, gateway):
            print("this must not reach the daemon's pipe")
            ref = gateway.solve(Image("busybox").run("echo built > /x").marshal())
            text = gateway.read_file(ref, "/x") + request.options["word"].encode()
            found = gateway.resolve_image_config("docker.io/library/busybox:latest")
            assert found.digest.startswith("sha256:")
            ref = gateway.solve(Scratch().mkfile("/y", text).marshal())
            return Result.of_images([PlatformImage(ref, request.platforms[0], found.config)])

        sys.exit(serve(build))
        """)
    with Client(buildkit_host) as client:
        client.solve(
            frontend="gateway.v0",
            frontend_attrs={"source": name, "word": "given"},
            exports=[local(tmp_path / "out")],
        )
    assert (tmp_path / "out" / "y").read_text() == "built\ngiven"


def test_all_capabilities_of_the_daemon_are_known(
    push_frontend: Callable[[str], str], buildkit_host: str, tmp_path: Path
) -> None:
    name = push_frontend("""\
        import sys
        from llb import Scratch
        from llb.gateway import PlatformImage, Result, serve

        def build(request, gateway):
            names = "\\n".join(sorted(gateway.caps.llb))
            return Result(gateway.solve(Scratch().mkfile("/caps", names).marshal()))

        sys.exit(serve(build))
        """)
    with Client(buildkit_host) as client:
        client.solve(
            frontend="gateway.v0",
            frontend_attrs={"source": name},
            exports=[local(tmp_path / "out")],
        )
        version = client.info().version
    capabilities = frozenset((tmp_path / "out" / "caps").read_text().split("\n"))
    assert capabilities == (caps.of_version(version) or frozenset()) & caps.known()


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            "raise ValueError('a mistake')",
            "the frontend crashed: ValueError: a mistake; at /main.py:5",
        ),
        ("raise SystemExit(3)", "the frontend crashed: SystemExit: 3; at /main.py:5"),
        (
            "return 1 / 0",
            "the frontend crashed: ZeroDivisionError: division by zero; at /main.py:5",
        ),
        ("return None", "the frontend crashed: TypeError: a frontend returned None, not a Result"),
    ],
)
def test_an_exception_in_a_frontend_reaches_the_user(
    push_frontend: Callable[[str], str], buildkit_host: str, tmp_path: Path, code: str, message: str
) -> None:
    name = push_frontend(f"""\
        import sys
        from llb.gateway import serve

        def build(request, gateway):
            {code}

        sys.exit(serve(build))
        """)
    (tmp_path / "context").mkdir()
    error = expect_failure(buildkit_host, tmp_path / "context", name)
    assert error.message.startswith(message)
    if "/main.py" in message:
        assert error.span is not None
        assert (error.span.filename, error.span.line) == ("/main.py", 5)
