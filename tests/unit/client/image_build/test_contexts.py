"""Build contexts of every kind, and their Dockerfiles."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from llb import Image, State, files
from llb.client.image_build.contexts import Contexts, is_url
from llb.client.session.local_inputs import unique_name
from llb.errors import InputError, InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.client.session.uploads import Upload


def main(context: object, file: str | None = None, inline: bytes | None = None) -> Contexts:
    contexts = Contexts()
    contexts.add_main(context, file, inline)
    return contexts


def named(**values: object) -> Contexts:
    contexts = Contexts()
    for name, value in values.items():
        contexts.add_named(name, value)
    return contexts


def sources(state: State) -> list[str]:
    """List the sources of a state."""
    return [
        str(vertex.op["identifier"])
        for vertex in state.marshal().vertices()
        if vertex.kind == "source"
    ]


def urls(uploads: list[Upload]) -> list[str]:
    return [upload.url for upload in uploads]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "Dockerfile").touch()
    return tmp_path


# Directories.


@pytest.mark.parametrize("kind", [str, Path])
def test_a_directory_has_its_dockerfile(folder: Path, kind: Any) -> None:
    contexts = main(kind(folder))
    assert contexts == Contexts(
        {"filename": "Dockerfile"}, {"context": str(folder), "dockerfile": str(folder)}
    )


def test_a_dockerfile_may_be_in_lower_case(tmp_path: Path) -> None:
    (tmp_path / "dockerfile").touch()
    assert main(tmp_path).attrs == {"filename": "dockerfile"}
    (tmp_path / "Dockerfile").touch()
    assert main(tmp_path).attrs == {"filename": "Dockerfile"}


def test_the_file_of_a_directory_is_relative_to_the_working_directory(folder: Path) -> None:
    assert main(folder, "ci/App") == Contexts(
        {"filename": "App"}, {"context": str(folder), "dockerfile": "ci"}
    )


def test_a_text_replaces_the_dockerfile_of_a_directory(folder: Path) -> None:
    contexts = main(folder, inline=b"FROM a")
    assert contexts.local_dirs == {"context": str(folder)}
    assert contexts.attrs == {"filename": "Dockerfile"}
    assert sources(contexts.inputs["dockerfile"]) == []
    assert contexts.uploads == []


@pytest.mark.parametrize(
    ("name", "message", "hint", "command_hint"),
    [
        ("none", "no such directory", None, None),
        (
            "Dockerfile",
            "not a directory",
            'an archive is passed as an open file: open(path, "rb")',
            "an archive is read from standard input: - < {folder}/Dockerfile",
        ),
        (
            "build.py",
            "not a directory",
            "a build file has a context, too: pass the context, and file='{folder}/build.py'",
            (
                "a build file has a context, too: name the context, and the file with "
                "-f {folder}/build.py"
            ),
        ),
    ],
)
def test_a_context_that_is_no_directory_is_refused(
    folder: Path, name: str, message: str, hint: str | None, command_hint: str | None
) -> None:
    (folder / "build.py").touch()
    with pytest.raises(InputError) as caught:
        main(folder / name)
    assert caught.value.message == f"build context: {message}: {folder}/{name}"
    assert caught.value.hint == (hint and hint.format(folder=folder))
    assert caught.value.command_hint == (command_hint and command_hint.format(folder=folder))


@pytest.mark.parametrize(
    ("url", "source"),
    [
        ("ssh://git@host/repo.git#main", "git://host/repo.git#main"),
        ("me@host:repo.git", "git://host/repo.git"),
        ("github.com/me/app", "git://github.com/me/app"),
    ],
)
def test_a_named_context_may_be_any_repository_that_the_main_context_may_be(
    url: str, source: str
) -> None:
    contexts = named(n=url)
    assert contexts.attrs["context:n"] == "input:n"
    assert sources(contexts.inputs["n"]) == [source]


# URLs.

URLS = (
    "https://github.com/me/app.git#main:web",
    "http://host/context.tar.gz",
    "git://host/repo",
    "ssh://git@host/repo",
    "git@github.com:me/app.git",
    "github.com/me/app",
)


@pytest.mark.parametrize("url", URLS)
def test_a_url_is_fetched_by_the_frontend(url: str) -> None:
    assert main(url) == Contexts({"context": url})
    assert main(url, "ci/App") == Contexts({"context": url, "filename": "ci/App"})


def test_a_file_of_this_machine_replaces_the_dockerfile_of_a_url() -> None:
    assert main(URLS[0], "/ci/App") == Contexts(
        {"context": URLS[0], "filename": "App", "dockerfilekey": "dockerfile"},
        {"dockerfile": "/ci"},
    )


@pytest.mark.parametrize(
    ("url", "source"),
    [
        (URLS[0], "git://github.com/me/app.git#main:web"),
        (URLS[1], "http://host/context.tar.gz"),
    ],
)
def test_a_text_replaces_the_dockerfile_of_a_url(url: str, source: str) -> None:
    contexts = main(url, inline=b"FROM a")
    assert contexts.attrs == {"filename": "Dockerfile"}
    assert sources(contexts.inputs["context"]) == [source]
    assert sources(contexts.inputs["dockerfile"]) == []


def test_an_invalid_url_is_refused() -> None:
    with pytest.raises(InvalidValueError, match=r"^invalid context 'https://a/b.git\?x=1': "):
        main("https://a/b.git?x=1", inline=b"")


CONTEXTS = (".", URLS[0], URLS[1], b"tar", {"a": b"1"}, Image("alpine"))


@pytest.mark.parametrize("context", CONTEXTS)
def test_a_dockerfile_may_be_a_url(context: object) -> None:
    contexts = main(context, "https://host/ci/App")
    assert contexts.attrs["filename"] == "Dockerfile"
    assert sources(contexts.inputs["dockerfile"]) == ["https://host/ci/App"]
    assert "dockerfile" not in contexts.local_dirs


@pytest.mark.parametrize("context", CONTEXTS)
def test_a_dockerfile_may_be_a_stream(context: object) -> None:
    here, there = os.pipe()
    os.write(there, b"FROM a")
    os.close(there)
    contexts = main(context, f"/dev/fd/{here}")
    os.close(here)
    assert contexts.attrs["filename"] == "Dockerfile"
    assert contexts.inputs["dockerfile"].marshal().ops == (
        main(".", inline=b"FROM a").inputs["dockerfile"].marshal().ops
    )


def test_a_stream_without_an_end_is_too_large_for_a_dockerfile() -> None:
    with pytest.raises(InputError) as caught:
        main(".", "/dev/zero")
    assert caught.value.message == "/dev/zero is too large: a Dockerfile has at most 16 MiB"


def test_a_directory_named_like_a_url_is_a_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert is_url("github.com/me")
    (tmp_path / "github.com" / "me").mkdir(parents=True)
    assert not is_url("github.com/me")
    assert not is_url(Path("https://a"))


# Archives.


@pytest.mark.parametrize("archive", [b"tar", bytearray(b"tar"), memoryview(b"tar")])
def test_bytes_are_an_archive(archive: object) -> None:
    contexts = main(archive)
    (upload,) = contexts.uploads
    assert upload.content == b"tar"
    assert contexts.attrs == {"context": upload.url}


def test_an_open_file_is_an_archive() -> None:
    archive = io.BytesIO(b"tar")
    contexts = main(archive, "App")
    (upload,) = contexts.uploads
    assert upload.content is archive
    assert contexts.attrs == {"context": upload.url, "filename": "App"}


def test_a_text_replaces_the_dockerfile_of_an_archive() -> None:
    contexts = main(b"tar", inline=b"FROM a")
    (upload,) = contexts.uploads
    assert sources(contexts.inputs["context"]) == [upload.url]
    assert sources(contexts.inputs["dockerfile"]) == []
    assert contexts.attrs == {"filename": "Dockerfile"}


def test_a_text_file_is_refused() -> None:
    with pytest.raises(InvalidValueError, match=r'expected a file that is open as binary \("rb"\)'):
        main(io.StringIO("FROM a"))


# Files in memory, and states.


def test_files_in_memory_are_uploaded_once() -> None:
    contexts = main({"Dockerfile": "FROM a", "b": "1"})
    (upload,) = contexts.uploads
    assert contexts.inputs["context"] is contexts.inputs["dockerfile"]
    assert sources(contexts.inputs["context"]) == [upload.url]
    assert contexts.attrs == {"filename": "Dockerfile"}


def test_an_ignored_dockerfile_is_uploaded_with_what_a_build_file_imports() -> None:
    contexts = main({"Dockerfile": "FROM a", "b": "1", ".dockerignore": "Dockerfile"})
    assert len(contexts.uploads) == 2
    assert contexts.inputs["context"] is not contexts.inputs["dockerfile"]


@pytest.mark.parametrize(
    ("tree", "file", "filename"),
    [
        ({"dockerfile": ""}, None, "dockerfile"),
        ({"ci/App": ""}, "ci/App", "ci/App"),
        ({"ci/App": ""}, "./ci//App", "ci/App"),
        ({"/Dockerfile": ""}, None, "Dockerfile"),
        ({Path("Dockerfile"): ""}, None, "Dockerfile"),
    ],
)
def test_the_dockerfile_in_memory_is_relative_to_the_context(
    tree: Mapping[str, str], file: str | None, filename: str
) -> None:
    assert main(tree, file).attrs == {"filename": filename}


@pytest.mark.parametrize(
    ("tree", "file", "name", "listing"),
    [
        ({"b": "", "a": ""}, None, "Dockerfile", "a, b"),
        ({}, "App", "App", "no files"),
    ],
)
def test_a_dockerfile_missing_from_memory_is_named(
    tree: Mapping[str, str], file: str | None, name: str, listing: str
) -> None:
    with pytest.raises(InputError) as caught:
        main(tree, file)
    assert caught.value.message == f"no such Dockerfile in the context: {name}"
    assert caught.value.hint == f"the context has {listing}"


def test_an_empty_context_is_an_empty_archive() -> None:
    contexts = main({}, inline=b"FROM a")
    (upload,) = contexts.uploads
    assert isinstance(upload.content, bytes)
    with tarfile.open(fileobj=io.BytesIO(upload.content)) as archive:
        assert archive.getnames() == ["."]


def test_a_state_is_an_input() -> None:
    state = files({"Dockerfile": "FROM a"})
    assert main(state).inputs == {"context": state, "dockerfile": state}
    assert main(state, "App").attrs == {"filename": "App"}
    assert main(state, "/ci/App") == Contexts(
        {"filename": "App", "dockerfilekey": "dockerfile"},
        {"dockerfile": "/ci"},
        inputs={"context": state},
    )


@pytest.mark.parametrize("context", [None, 1, True, ["a"], object()])
def test_anything_else_is_refused(context: object) -> None:
    with pytest.raises(
        InvalidValueError, match=r"^invalid context .*: expected a directory, a URL"
    ):
        main(context)


@pytest.mark.parametrize("context", ["", "a\0b"])
def test_a_context_that_is_no_path_is_refused(context: str) -> None:
    with pytest.raises(InvalidValueError, match=r"^invalid context "):
        main(context)


# Named contexts.


@pytest.mark.parametrize(
    "value",
    ["docker-image://a", "https://a/b", "git@h:a", "git://h/a", "target:a", "input:a"],
)
def test_a_remote_context_is_passed_on_unchanged(value: str) -> None:
    assert named(lib=value) == Contexts({"context:lib": value})


def test_a_directory_becomes_a_local_context(tmp_path: Path) -> None:
    for value in (tmp_path, str(tmp_path)):
        name = unique_name("lib", tmp_path)
        assert named(lib=value) == Contexts({"context:lib": f"local:{name}"}, {name: str(tmp_path)})


@pytest.mark.parametrize("name", ["context", "dockerfile"])
def test_a_name_of_the_build_itself_is_not_replaced(tmp_path: Path, name: str) -> None:
    contexts = named(**{name: tmp_path})
    local_name = unique_name(name, tmp_path)
    assert contexts.local_dirs == {local_name: str(tmp_path)}
    assert contexts.attrs == {f"context:{name}": f"local:{local_name}"}
    assert list(named(**{name: State()}).inputs) == [f"_{name}"]


def test_a_state_is_an_input_with_its_image_config() -> None:
    state = Image("a", inherit_config=False).env("A", "b")
    contexts = named(base=state)
    assert contexts.inputs == {"base": state}
    assert contexts.attrs["context:base"] == "input:base"
    assert list(json.loads(contexts.attrs["input-metadata:base"])) == ["containerimage.config"]


@pytest.mark.parametrize("state", [Image("a"), Image("a").run("x"), Image("a").env("A", "b")])
def test_the_config_of_a_base_image_is_left_to_the_client(state: State) -> None:
    contexts = named(base=state)
    assert (contexts.inputs, contexts.attrs) == ({"base": state}, {"context:base": "input:base"})


def test_files_in_memory_are_an_input() -> None:
    contexts = named(lib={"a": "1"})
    assert sources(contexts.inputs["lib"]) == urls(contexts.uploads)


def test_a_context_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        named(lib="none")
    assert caught.value.message == "build context lib: no such directory: none"


@pytest.mark.parametrize("value", [None, 1, b"tar", ["a"], ""])
def test_a_named_context_of_another_type_is_refused(value: object) -> None:
    with pytest.raises(InvalidValueError, match=r"^invalid contexts\['lib'\] "):
        named(lib=value)


@pytest.fixture
def layout(tmp_path: Path) -> tuple[Path, str]:
    """An OCI layout with an image tagged `latest`, and the digest of its manifest."""
    folder = tmp_path / "layout"
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    manifest = json.dumps({"schemaVersion": 2}).encode()
    digest = hashlib.sha256(manifest).hexdigest()
    (blobs / digest).write_bytes(manifest)
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    descriptor = {
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": f"sha256:{digest}",
        "size": len(manifest),
        "annotations": {"org.opencontainers.image.ref.name": "latest"},
    }
    (folder / "index.json").write_text(json.dumps({"manifests": [descriptor]}))
    return folder, f"sha256:{digest}"


@pytest.mark.parametrize("suffix", ["", ":latest", "@DIGEST"])
def test_an_image_in_a_layout_is_a_context(layout: tuple[Path, str], suffix: str) -> None:
    folder, digest = layout
    contexts = named(base=f"oci-layout://{folder}{suffix.replace('DIGEST', digest)}")
    assert contexts.attrs["context:base"] == f"oci-layout://layout0@{digest}"
    assert contexts.layouts == {"layout0": str(folder)}


def test_a_tag_missing_from_a_layout_is_refused(layout: tuple[Path, str]) -> None:
    folder, _ = layout
    with pytest.raises(InputError) as caught:
        named(base=f"oci-layout://{folder}:v2")
    assert caught.value.message == f"no tag v2 in the OCI layout {folder}"
