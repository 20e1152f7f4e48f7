"""The Python builds of the cookbook: their images, and what runs in them."""

from __future__ import annotations

import io
import re
import tarfile
import uuid
import zipfile
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError

import pytest

from llb.client import Client, Event, VertexLog, oci, tar
from llb.errors import RemoteError, SolveError
from tests.e2e.example_builds import BUILDS, build, check_image, client, copy_example, state_folder
from tests.e2e.package_registries import (
    PASSWORD,
    USER,
    files_of,
    python_wheels,
    read_url,
    serving,
)
from tests.e2e.servers import free_port
from tests.e2e.test_example import read_image
from tests.e2e.toolchains import PYTHON

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from llb import State
    from tests.e2e.example_builds import BuiltImage
    from tests.e2e.package_registries import PackageServer

__all__ = ["client", "state_folder"]
# Package managers are slow on a busy machine.
pytestmark = pytest.mark.timeout(900)
PYPI = "https://pypi.org/simple"
PYPI_FILES = r"https://files\.pythonhosted\.org/packages/[^\"]*/"
VERSIONS = ("3.11", "3.12", "3.13", "3.14")


@pytest.fixture
def index(state_folder: Path, request: pytest.FixtureRequest) -> Iterator[PackageServer]:
    """An index of the packages that the lock file in the parameter names."""
    with serving(files_of(python_wheels(state_folder, BUILDS / request.param))) as server:
        yield server


def use_index(folder: Path, url: str) -> dict[str, State]:
    """Let a uv project and Python use an index; return the image of Python."""
    lock = folder / "uv.lock"
    text = lock.read_text().replace(f'"{PYPI}"', f'"{url}/simple"')
    lock.write_text(re.sub(PYPI_FILES, f"{url}/", text))
    return {"python:3.13-slim": PYTHON.env("UV_DEFAULT_INDEX", f"{url}/simple")}


def test_python_service_counts_words(client: Client) -> None:
    def check(image: BuiltImage) -> None:
        assert image.config["User"] == "app"
        assert (
            image.run("python", "-c", "from app import count; print(count('a b'))").stdout == b"2\n"
        )
        (style,) = image.names("/app/static")
        assert re.fullmatch(r"[0-9a-f]{8}\.style\.css", style)

    check_image(client, "python_service", check)


@pytest.mark.parametrize("index", ["django_site/uv.lock"], indirect=True)
def test_django_site_serves_pages_and_static_files(
    client: Client, index: PackageServer, tmp_path: Path
) -> None:
    folder = copy_example("django_site", tmp_path)
    port = free_port()

    def check(image: BuiltImage) -> None:
        assert not any(pair.startswith("SECRET_KEY=") for pair in image.config["Env"])
        assert image.config["User"] == "django"
        env = {"SECRET_KEY": "secret", "ALLOWED_HOSTS": "127.0.0.1"}
        command = [*image.config["Cmd"], f"--bind=127.0.0.1:{port}"]
        with image.running(*command, env=env):
            page = read_url(f"http://127.0.0.1:{port}/")
            assert "<h1>My site</h1>" in page
            (style,) = re.findall(r'href="(/static/mysite/style\.[0-9a-f]{12}\.css)"', page)
            assert "sans-serif" in read_url(f"http://127.0.0.1:{port}{style}")

    contexts = use_index(folder, index.url)
    check_image(client, folder, check, contexts=contexts)
    home = folder / "mysite" / "templates" / "home.html"
    home.write_text(home.read_text().replace("My site", "Another site"))
    with pytest.raises(RemoteError, match=r"manage\.py test"):
        check_image(client, folder, check, contexts=contexts)


@pytest.mark.parametrize("index", ["fastapi_service/requirements.txt"], indirect=True)
def test_fastapi_service_answers(client: Client, index: PackageServer) -> None:
    port = free_port()

    def check(image: BuiltImage) -> None:
        assert not any(pair.startswith("PIP_") for pair in image.config["Env"])
        with image.running(*image.config["Cmd"], f"--port={port}", "--host=127.0.0.1"):
            answer = read_url(f"http://127.0.0.1:{port}/colors/red")
            assert answer == '{"name":"red","value":"#ff0000"}'
            with pytest.raises(HTTPError, match="404"):
                read_url(f"http://127.0.0.1:{port}/colors/none")

    python = PYTHON.env("PIP_INDEX_URL", f"{index.url}/simple")
    check_image(client, "fastapi_service", check, contexts={"python:3.13": python})


def test_python_versions_are_all_tested(client: Client, tmp_path: Path) -> None:
    contexts = {f"python:{v}-slim": PYTHON.env("VERSION", v) for v in VERSIONS}
    reports, wheel = tmp_path / "reports.tar", tmp_path / "wheel.tar"
    build(client, "python_versions", tar(reports), target="reports", contexts=contexts)
    with tarfile.open(reports) as archive:
        names = {member.name for member in archive if member.isfile()}
    assert names == {f"{version}/report.txt" for version in VERSIONS}
    build(client, "python_versions", tar(wheel), contexts=contexts)
    with tarfile.open(wheel) as archive:
        file = archive.extractfile("slugs-1.0-py3-none-any.whl")
        assert file is not None
        names = set(zipfile.ZipFile(io.BytesIO(file.read())).namelist())
    assert "slugs/__init__.py" in names
    library = copy_example("python_versions", tmp_path / "broken") / "src/slugs/__init__.py"
    broken = "import os\n\nassert os.environ['VERSION'] != '3.12'\n"
    library.write_text(library.read_text() + broken)
    with pytest.raises(SolveError, match="python -m unittest") as caught:
        build(client, tmp_path / "broken", contexts=contexts)
    assert "FAILED (errors=1)" in caught.value.log


def make_wheel(name: str, version: str, code: str) -> tuple[str, bytes]:
    """Make a wheel with one module; return its name and content."""
    info = f"{name}-{version}.dist-info"
    contents = {
        f"{name}.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    contents[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in contents)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as wheel:
        for path, text in contents.items():
            wheel.writestr(path, text)
    return f"{name}-{version}-py3-none-any.whl", buffer.getvalue()


def test_private_index_gets_the_password_of_a_secret(client: Client) -> None:
    code = "def greet(name):\n    return f'hello {name}'\n"
    name, wheel = make_wheel("acme_greetings", "1.4.0", code)
    log: list[bytes] = []

    def listen(event: Event) -> None:
        if isinstance(event, VertexLog):
            log.append(event.data)

    def check(image: BuiltImage) -> None:
        assert image.run().stdout == b"hello world\n"
        assert image.names("/root") == [".bashrc", ".profile"]

    def attempt(password: str, url: str) -> None:
        netrc = f"machine 127.0.0.1 login {USER} password {password}\n"
        check_image(
            client,
            "private_index",
            check,
            build_args={"index": f"{url}/simple"},
            secrets={"netrc": netrc},
            on_event=listen,
        )

    with serving({f"/{name}": wheel}, password=PASSWORD) as server:
        with pytest.raises(RemoteError, match="pip install"):
            attempt("wrong", server.url)
        attempt(PASSWORD, server.url)
    assert f"/{name}" in server.requested
    assert PASSWORD not in b"".join(log).decode()


@pytest.mark.parametrize("index", ["web_worker/uv.lock"], indirect=True)
def test_web_worker_is_two_images_of_one_source(
    client: Client, index: PackageServer, tmp_path: Path
) -> None:
    folder = copy_example("web_worker", tmp_path)
    contexts = use_index(folder, index.url)
    port = free_port()
    packages = "/app/.venv/lib/python3.13/site-packages"
    configs: list[Any] = []

    def check_web(image: BuiltImage) -> None:
        configs.append(image.config)
        assert "schedule" not in image.names(packages)
        with image.running(env={"PORT": str(port)}):
            assert len(read_url(f"http://127.0.0.1:{port}/texts", b"one two")) == 32

    def check_worker(image: BuiltImage) -> None:
        configs.append(image.config)
        assert "bottle.py" not in image.names(packages)
        script = "echo one two three > /queue/a.new; exec python -m jobs.worker"
        with image.running("sh", "-c", script) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"a 3\n"

    check_image(client, folder, check_web, contexts=contexts)
    check_image(client, folder, check_worker, target="worker", contexts=contexts)
    web, worker = configs
    assert web["Cmd"] == ["python", "-m", "jobs.web"]
    assert worker["Cmd"] == ["python", "-m", "jobs.worker"]
    assert list(web["ExposedPorts"]) == ["8000/tcp"]
    assert "ExposedPorts" not in worker
    assert web["User"] == worker["User"] == "jobs"


def test_monorepo_builds_an_image_for_each_service(client: Client) -> None:
    port = free_port()
    packages = "/app/.venv/lib/python3.13/site-packages"

    def check_api(image: BuiltImage) -> None:
        assert {"api", "greetings"} <= set(image.names(packages))
        assert "mailer" not in image.names(packages)
        with image.running(env={"PORT": str(port)}):
            assert read_url(f"http://127.0.0.1:{port}/ann") == "hello ann"

    def check_mailer(image: BuiltImage) -> None:
        assert {"mailer", "greetings"} <= set(image.names(packages))
        assert "api" not in image.names(packages)
        mail = image.run(*image.config["Entrypoint"], "ann").stdout_text
        assert mail == "To: ann@example.com\n\nhello ann\n\n"
        assert image.names("/app") == [".venv"]

    check_image(client, "monorepo", check_api, target="api")
    check_image(client, "monorepo", check_mailer, target="mailer")


def test_monorepo_keeps_the_layers_of_unchanged_services(client: Client, tmp_path: Path) -> None:
    folder = copy_example("monorepo", tmp_path / "monorepo")
    # The daemon has built none of these before.
    greetings = folder / "libs/greetings/src/greetings/__init__.py"
    greetings.write_text(f'{greetings.read_text()}\nTOKEN = "{uuid.uuid4()}"\n')

    def layers_of(target: str, archive: Path) -> list[str]:
        build(client, folder, oci(archive), target=target)
        layers: list[str] = read_image(archive)[0]["rootfs"]["diff_ids"]
        return layers

    first = [layers_of(name, tmp_path / f"{name}1") for name in ("api", "mailer")]
    mailer = folder / "services/mailer/src/mailer/__init__.py"
    mailer.write_text(mailer.read_text().replace("@example.com", "@example.org"))
    second = [layers_of(name, tmp_path / f"{name}2") for name in ("api", "mailer")]
    assert second[0] == first[0]
    assert second[1] != first[1]
