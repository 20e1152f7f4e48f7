"""Images with the compilers of this machine, on the Debian of the stack.

They replace the images of languages, which tests cannot pull.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from llb import Image, Local, Scratch, State, bind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

UV = Path(sys.executable).with_name("uv")
PYTHON = Image("python:3.13-slim")
_GLIBC = ("libc.so", "libm.so", "libmvec.so", "libpthread.so", "libdl.so", "librt.so", "ld-linux")


@frozen
class Toolchain:
    """An image, and the local directories that its files come from."""

    state: State
    folders: Mapping[str, Path]


def find_program(name: str) -> str:
    path = shutil.which(name)
    assert path is not None, f"these tests compile with {name} of this machine"
    return path


def read_path(*command: str) -> Path:
    """Run a program of this machine that prints a path; return the path."""
    process = subprocess.run(
        [find_program(command[0]), *command[1:]], capture_output=True, check=True
    )
    return Path(process.stdout.decode().strip())


def uv_alone() -> Toolchain:
    """Build the image of uv, which contains nothing else."""
    return Toolchain(Scratch().copy(Local("uv", include=["uv"]), "/"), {"uv": UV.parent})


def debian_with_go() -> Toolchain:
    toolchain = Local("go", include=["bin", "pkg", "src", "VERSION"], exclude=["**/testdata"])
    state = PYTHON.copy(toolchain, "/usr/local/go/").env("GOTOOLCHAIN", "local")
    path = "/usr/local/go/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
    return Toolchain(state.env("PATH", path), {"go": read_path("go", "env", "GOROOT")})


def debian_with_node() -> Toolchain:
    programs = Local("usr", include=["bin/node", "lib/node_modules/npm"])
    state = (
        PYTHON.copy(programs, "/usr/")
        .symlink("../lib/node_modules/npm/bin/npm-cli.js", "/usr/bin/npm")
        .env("NPM_CONFIG_OFFLINE", "true")
        .workdir("/app")
    )
    return Toolchain(state, {"usr": Path("/usr")})


def debian_with_rust() -> Toolchain:
    """Build a Debian with this machine's Rust, C linker and libraries.

    The local directory ``vendor`` is that of the crates, and is to be added.
    """
    compiler = Path(find_program("cc")).resolve()
    toolchain = Local("rust", include=["bin/cargo", "bin/rustc", "lib/*.so*", "lib/rustlib/*-gnu"])
    libraries = [
        *("collect2", "lto-wrapper", "liblto_plugin.so", "crt*.o", "libgcc.a", "libgcc_s.so*"),
        *("Scrt1.o", "libc.so", "libc_nonshared.a", "libm.so", "libmvec.so.1"),
        *(f"lib{name}.a" for name in ("dl", "pthread", "rt", "util")),
    ]
    gcc, libc = (
        read_path("cc", f"-print-file-name={name}").parent for name in ("libgcc.a", "libc.so")
    )
    state = (
        PYTHON.copy(toolchain, "/usr/local/")
        .copy(Local("gcc", include=libraries), f"{gcc}/")
        .copy(Local("libc", include=libraries), f"{libc}/")
        .copy(Local("cc", include=[compiler.name]), "/usr/bin/")
        .symlink(compiler.name, "/usr/bin/cc")
        .copy(Local("vendor"), "/vendor/")
        .env("CARGO_TERM_COLOR", "never")
    )
    folders = {"gcc": gcc, "libc": libc, "cc": compiler.parent}
    return Toolchain(state, folders | {"rust": read_path("rustc", "--print", "sysroot")})


def debian_with_cmake() -> Toolchain:
    """Build a Debian with this machine's CMake, make and C++ compiler, which links statically."""
    gcc, libc = (
        read_path("c++", f"-print-file-name={name}").parent.resolve()
        for name in ("libstdc++.a", "libc.a")
    )
    programs = [
        *map(find_program, ("c++", "cmake", "ctest", "make", "ar", "ranlib")),
        *(find_program(str(read_path("c++", f"-print-prog-name={n}"))) for n in ("as", "ld")),
        str(read_path("c++", "-print-prog-name=cc1plus")),
    ]
    include = Path("/usr/include")
    paths = [
        *map(Path, programs),
        *(gcc / name for name in ("collect2", "lto-wrapper", "liblto_plugin.so", "include")),
        *(path for folder in (gcc, libc) for path in folder.glob("*crt*.o")),
        *(gcc / f"lib{name}.a" for name in ("stdc++", "gcc", "gcc_eh")),
        *(libc / f"lib{name}.a" for name in ("c", "m", "mvec", "pthread")),
        *libc.glob("libm-*.a"),
        *(path for path in include.iterdir() if path.is_file()),
        *(include / name for name in ("c++", "bits", "linux", "asm-generic", libc.name)),
        *Path("/usr/share").glob("cmake-*"),
        *libraries_of(map(Path, programs)),
    ]
    return Toolchain(_with_paths(paths), {"machine": Path("/")})


def debian_with_maven() -> Toolchain:
    """Build a Debian with this machine's Java and Maven."""
    java = Path(find_program("javac")).resolve().parents[1]
    maven = Path(find_program("mvn")).resolve().parents[1]
    paths = [
        *(java / name for name in ("bin", "conf", "lib", "release")),
        *(maven / name for name in ("bin", "boot", "conf", "lib")),
        *libraries_of([java / "bin" / "java"]),
    ]
    path = f"{java}/bin:{maven}/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
    state = _with_paths(paths, exclude=["**/src.zip"])
    return Toolchain(state.env("JAVA_HOME", str(java)).env("PATH", path), {"machine": Path("/")})


def with_debian_packages(state: State, *names: str) -> State:
    """Add a repository of packages that apt copies as if downloaded, each with a file in /opt."""
    script = f"""\
        set -e
        rm -rf /etc/apt/sources.list /etc/apt/sources.list.d
        mkdir -p /packages && cd /packages
        for name in {" ".join(names)}; do
          mkdir -p tree/DEBIAN tree/opt
          echo "hello from $name" > tree/opt/$name
          printf 'Package: %s\\nVersion: 1:1.0\\nArchitecture: all\\nMaintainer: a\\nDescription: b\\n' \
            "$name" | tee -a Packages > tree/DEBIAN/control
          dpkg-deb --build tree "$name.deb"
          printf 'Filename: ./%s.deb\\nSize: %s\\nSHA256: %s\\n\\n' "$name" \
            "$(stat -c %s "$name.deb")" "$(sha256sum "$name.deb" | cut -d' ' -f1)" >> Packages
          rm -r tree
        done
        echo 'deb [trusted=yes] copy:/packages ./' > /etc/apt/sources.list
        """
    return state.run(textwrap.dedent(script))


def libraries_of(programs: Iterable[Path]) -> set[Path]:
    """List the shared libraries of programs, apart from the C library."""
    process = subprocess.run(["ldd", *programs], capture_output=True, check=False, text=True)
    names = [line.partition(" => ")[2].split(" ")[0] for line in process.stdout.splitlines()]
    return {
        path.parent.resolve() / path.name
        for path in map(Path, names)
        if path.is_absolute() and not path.name.startswith(_GLIBC)
    }


def _with_paths(paths: Iterable[Path], exclude: Iterable[str] = ()) -> State:
    """Add files of this machine at their paths, without replacing files of the image."""
    names = sorted({str(name.relative_to("/")) for path in paths for name in _followed(path)})
    machine = Local("machine", include=names, exclude=exclude)
    return PYTHON.run("cp -an /machine/. /", mounts=[bind(machine, "/machine", readonly=True)])


def _followed(path: Path) -> Iterator[Path]:
    """Yield a path, and the targets of the links that it is or contains."""
    if not os.path.lexists(path):
        return
    yield path
    if path.is_symlink():
        yield from _followed(Path(os.path.normpath(path.parent / path.readlink())))
    elif path.is_dir():
        for link in path.rglob("*"):
            if link.is_symlink():
                yield from _followed(Path(os.path.normpath(link.parent / link.readlink())))
