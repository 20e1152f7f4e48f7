"""The builds of the cookbook for the web, for Debian, and for models."""

from __future__ import annotations

import hashlib
import re
import tarfile
import uuid
from typing import TYPE_CHECKING

import pytest

from llb import Image
from llb.client import oci, tar
from llb.errors import RemoteError, SolveError
from tests.e2e.example_builds import BUILDS, build, check_image, client, copy_example, state_folder
from tests.e2e.package_registries import (
    files_of,
    npm_packages,
    python_wheels,
    read_url,
    serving,
)
from tests.e2e.servers import free_port
from tests.e2e.test_example import read_image
from tests.e2e.toolchains import PYTHON, debian_with_node, with_debian_packages

if TYPE_CHECKING:
    from pathlib import Path

    from llb import State
    from llb.client import Client
    from tests.e2e.example_builds import BuiltImage

__all__ = ["client", "state_folder"]
# Package managers are slow on a busy machine.
pytestmark = pytest.mark.timeout(900)


def packages_in(name: str) -> tuple[str, ...]:
    """List the Debian packages that a build file installs."""
    names = re.findall(r"apt\.install, (\"[^)]*\")\)|TOOLS = \((\".*\")\)", read_build(name))
    return tuple(re.findall(r'"([^"]+)"', "".join(map("".join, names))))


def read_build(name: str) -> str:
    return (BUILDS / name / "build.py").read_text()


def test_node_site_has_its_page(client: Client) -> None:
    def check(image: BuiltImage) -> None:
        assert image.names("/usr/share/nginx/html") == ["index.html"]
        assert "default.conf" in image.names("/etc/nginx/conf.d")

    check_image(client, "node_site", check)


def test_typescript_service_answers(client: Client, state_folder: Path, tmp_path: Path) -> None:
    packages = npm_packages(state_folder, BUILDS / "typescript_service" / "package-lock.json")
    folder = copy_example("typescript_service", tmp_path)
    port = free_port()

    def check(image: BuiltImage) -> None:
        assert set(image.names("/app/node_modules")) == {".package-lock.json", "@hono", "hono"}
        assert image.names("/app/dist") == ["app.js", "main.js"]
        with image.running(env={"PORT": str(port)}):
            assert read_url(f"http://127.0.0.1:{port}/ann") == "hello ann"

    with serving(files_of(packages)) as server:
        node = debian_with_node().state.env("NPM_CONFIG_OFFLINE", "false")
        node = node.env("NPM_CONFIG_REGISTRY", server.url).run("useradd node")
        contexts = {"node:24-slim": node}
        check_image(client, folder, check, contexts=contexts)
        source = folder / "src" / "app.ts"
        source.write_text(source.read_text().replace("hello", "goodbye"))
        with pytest.raises(RemoteError, match="npm run build && npm test"):
            check_image(client, folder, check, contexts=contexts)


def test_static_site_is_files_or_an_image(
    client: Client, state_folder: Path, tmp_path: Path
) -> None:
    wheels = python_wheels(state_folder, BUILDS / "static_site" / "requirements.txt")
    folder = copy_example("static_site", tmp_path / "site")
    archive = tmp_path / "site.tar"

    def check(image: BuiltImage) -> None:
        page = image.read_text("/usr/share/nginx/html/index.html")
        assert '<a href="install/">installation</a>' in page
        assert image.config["Cmd"] == ["nginx"]

    with serving(files_of(wheels)) as server:
        # Debian's own packages cannot be replaced.
        python = PYTHON.env("PIP_INDEX_URL", f"{server.url}/simple").env(
            "PIP_IGNORE_INSTALLED", "1"
        )
        contexts = {"python:3.13-slim": python}
        check_image(client, folder, check, contexts=contexts)
        build(client, folder, tar(archive), target="files", contexts=contexts)
        with tarfile.open(archive) as opened:
            assert {"index.html", "install/index.html"} <= set(opened.getnames())
        (folder / "docs" / "install.md").write_text("# Installation\n\n[none](none.md)\n")
        with pytest.raises(SolveError, match="mkdocs build --strict"):
            build(client, folder, target="files", contexts=contexts)


def test_debian_packages_are_installed(client: Client, tmp_path: Path) -> None:
    packages = packages_in("debian_packages")
    assert packages == ("ca-certificates", "postgresql-client", "zstd")
    debian = with_debian_packages(PYTHON, *packages).mkfile(
        "/usr/bin/pg_dump", '#!/bin/sh\necho "dump of $*"\n', mode=0o755
    )
    zstd = '#!/bin/sh\ncat > "$4"\n'
    debian = debian.mkfile("/usr/bin/zstd", zstd, mode=0o755)

    def check(image: BuiltImage) -> None:
        assert image.config["User"] == "backups"
        done = image.run(*image.config["Entrypoint"], "shop").stdout_text
        assert re.fullmatch(r"wrote /backup/\d{4}-\d\d-\d\d\.sql\.zst\n", done)
        status = image.read_text("/var/lib/dpkg/status")
        assert all(f"Package: {name}\n" in status for name in packages)
        assert image.names("/var/lib/apt/lists") == []

    check_image(client, "debian_packages", check, contexts={"debian:trixie-slim": debian})
    folder = copy_example("debian_packages", tmp_path)
    (folder / "backup.sh").write_text("if\n")
    with pytest.raises(RemoteError, match="sh -n /usr/local/bin/backup"):
        check_image(client, folder, check, contexts={"debian:trixie-slim": debian})


def test_deb_package_is_installed_on_each_release(client: Client, tmp_path: Path) -> None:
    contexts = {f"debian:{release}-slim": PYTHON for release in ("bookworm", "trixie")}
    archive = tmp_path / "out.tar"
    build(client, "deb_package", tar(archive), build_args={"version": "2.0"}, contexts=contexts)
    with tarfile.open(archive) as opened:
        assert opened.getnames() == ["greet_2.0_all.deb"]
    # On one release the program is not where its users find it.
    other = PYTHON.run("dpkg-divert --rename --add /usr/bin/greet")
    with pytest.raises(SolveError, match="dpkg --install"):
        build(client, "deb_package", contexts=contexts | {"debian:bookworm-slim": other})


def test_dev_container_has_a_user_with_given_ids(client: Client) -> None:
    packages = packages_in("dev_container")
    assert {"git", "sudo", "zsh"} < set(packages)
    python = with_debian_packages(PYTHON, *packages)

    def check(image: BuiltImage) -> None:
        assert image.run("id").stdout == b"uid=1234(ann) gid=2345(ann) groups=2345(ann)\n"
        shown = image.run("sh", "-c", "touch a && stat -c '%U %a' . ~/.zshrc")
        assert shown.stdout == b"ann 755\nann 644\n"
        rule = image.run("stat", "-c", "%U %a", "/etc/sudoers.d/ann", user="root")
        assert rule.stdout == b"root 440\n"
        assert image.config["WorkingDir"] == "/work"
        assert image.config["Cmd"] == ["zsh"]
        assert image.run("uv", "--version").stdout.startswith(b"uv ")

    check_image(
        client,
        "dev_container",
        check,
        build_args={"user": "ann", "uid": "1234", "gid": "2345"},
        contexts={"python:3.13-slim": python},
    )


def test_gpu_notebook_inherits_the_settings_of_its_base(client: Client, state_folder: Path) -> None:
    name = "quay.io/jupyter/pytorch-notebook:cuda12-latest"
    assert f'"{name}"' in read_build("gpu_notebook")
    wheels = python_wheels(state_folder, BUILDS / "gpu_notebook" / "requirements.txt")

    def check(image: BuiltImage) -> None:
        config = image.config
        assert config["User"] == "1000"
        assert config["WorkingDir"] == "/home/jovyan"
        assert config["Entrypoint"] == ["tini", "-g", "--", "start.sh"]
        assert config["Cmd"] == ["start-notebook.py"]
        assert "NVIDIA_VISIBLE_DEVICES=all" in config["Env"]
        assert config["Labels"] == {
            "maintainer": "Jupyter",
            "org.opencontainers.image.title": "notebook",
        }
        script = "import einops; print(einops.__file__)"
        done = image.run("sh", "-c", f"id -un; stat -c %U project/shapes.py; python -c '{script}'")
        assert done.stdout_text.splitlines()[:2] == ["jovyan", "jovyan"]
        assert done.stdout_text.splitlines()[2].startswith("/home/jovyan/.local/")

    with serving(files_of(wheels)) as server:
        base = (
            with_debian_packages(PYTHON, "libsndfile1")
            .run("useradd --uid 1000 --gid users -m jovyan")
            .env("NVIDIA_VISIBLE_DEVICES", "all")
            .env("PIP_INDEX_URL", f"{server.url}/simple")
            .user("1000")
            .workdir("/home/jovyan")
            .label("maintainer", "Jupyter")
            .entrypoint(["tini", "-g", "--", "start.sh"])
            .cmd(["start-notebook.py"])
        )
        check_image(client, "gpu_notebook", check, contexts={name: base})


def test_model_server_has_a_layer_for_each_file(client: Client, tmp_path: Path) -> None:
    folder = copy_example("model_server", tmp_path / "server")
    # The daemon has downloaded none of these before.
    files = {name: uuid.uuid4().bytes * 1000 for name in ("model.gguf", "adapter.gguf")}

    def layers_on(base: State, name: str) -> list[str]:
        archive = tmp_path / name
        contexts = {"ghcr.io/ggml-org/llama.cpp:server": base}
        build(client, folder, oci(archive), contexts=contexts)
        layers: list[str] = read_image(archive)[0]["rootfs"]["diff_ids"]
        return layers

    with serving({f"/{name}": data for name, data in files.items()}) as server:
        entries = [
            f'[[file]]\nname = "{name}"\nurl = "{server.url}/{name}"\n'
            f'sha256 = "{hashlib.sha256(data).hexdigest()}"\n'
            for name, data in files.items()
        ]
        (folder / "models.toml").write_text("".join(entries))
        busybox = Image("busybox").entrypoint(["/app/llama-server"])
        first = layers_on(busybox.mkfile("/version", "1"), "1.tar")
        assert len(first) == 4
        # Another version of the server has the same layers with models, which nobody downloads.
        second = layers_on(busybox.mkfile("/version", "2"), "2.tar")
        assert [a == b for a, b in zip(first, second, strict=True)] == [True, False, True, True]
        assert sorted(server.requested) == ["/adapter.gguf", "/model.gguf"]
        # A file with another content is an error.
        wrong = re.sub('(?<=sha256 = ")..', "00", "".join(entries))
        (folder / "models.toml").write_text(wrong)
        with pytest.raises(SolveError, match="digest mismatch"):
            layers_on(busybox, "3.tar")


def test_debug_image_has_the_layers_of_the_image(client: Client, tmp_path: Path) -> None:
    packages = packages_in("debug_image")
    contexts = {"python:3.13-slim": with_debian_packages(PYTHON, *packages)}
    port = free_port()

    def check(image: BuiltImage) -> None:
        with image.running(env={"PORT": str(port)}):
            assert read_url(f"http://127.0.0.1:{port}/ann") == "/ann"

    check_image(client, "debug_image", check, contexts=contexts)
    images = []
    for name in ("image", "debug"):
        archive = tmp_path / name
        build(client, "debug_image", oci(archive), target=name, contexts=contexts)
        images.append(read_image(archive)[0])
    small, large = images
    assert small["config"]["User"] == "app"
    assert large["config"]["User"] == "root"
    assert large["config"]["Cmd"] == ["bash"]
    assert large["config"]["ExposedPorts"] == small["config"]["ExposedPorts"]
    layers = small["rootfs"]["diff_ids"]
    assert large["rootfs"]["diff_ids"][: len(layers)] == layers
    folder = copy_example("debug_image", tmp_path / "broken")
    (folder / "main.py").write_text("import none\n")
    with pytest.raises(SolveError, match=r"main\.py --check"):
        build(client, folder, contexts=contexts)
