"""Targets of the fuzzer that transfer files: the receiver of trees, and the server of directories."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, cast

from llb._pb.fsutil_pb2 import Packet
from llb.client.export.receive_tree import receive_tree
from llb.client.session.providers.filesync import LocalDirs
from llb.errors import InputError, InvalidValueError, LLBError, RemoteError, TransportError
from llb.gocompat import filemode
from tests.attacks.mutations import mutated_bytes, mutated_list, mutated_message
from tests.attacks.target import ACCEPTED
from tests.fakes.call import BytesCall
from tests.fakes.stats import describe

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from random import Random

    from llb.grpc import ServerCall

_STAT, _REQ, _DATA = Packet.PACKET_STAT, Packet.PACKET_REQ, Packet.PACKET_DATA
_FIN, _ERR = Packet.PACKET_FIN, Packet.PACKET_ERR
_SECRET = b"root:*:19000:0:99999:7:::"
_MOST_MESSAGES = 5000
_SECONDS = 60.0
# What the server of directories may record as a failure of the build.
_MEANT = (InputError, InvalidValueError, RemoteError, TransportError)


def _encoded(*packets: Packet) -> list[bytes]:
    return [packet.SerializeToString() for packet in packets]


def _entry(path: str, mode: int = 0o644, **fields: object) -> Packet:
    return Packet(type=_STAT, stat=describe(path, mode, **fields))  # type: ignore[arg-type]


def _data(number: int, content: bytes = b"") -> Packet:
    return Packet(type=_DATA, ID=number, data=content)


class _Tree:
    """A folder with a secret, next to the folder that an attack may use."""

    def __init__(self) -> None:
        self.outer = Path(tempfile.mkdtemp(prefix="llb-fuzz-"))
        self.inner = self.outer / "inner"
        self.secret = self.outer / "secret"
        self.secret.mkdir()
        (self.secret / "shadow").write_bytes(_SECRET)
        self._before = self._outside()

    def check(self) -> None:
        """Fail if anything outside of the inner folder has changed."""
        assert self._outside() == self._before

    def _outside(self) -> list[object]:
        names = {path.name for path in self.outer.iterdir()} | {"inner"}
        states = [(self.secret / name).stat() for name in (".", "shadow")]
        facts = [(s.st_mode, s.st_nlink, s.st_mtime_ns, s.st_size, s.st_ctime_ns) for s in states]
        return [names, list(self.secret.iterdir()), facts]

    def close(self) -> None:
        shutil.rmtree(self.outer)


class TreeReceiver:
    """The receiver of an exported tree."""

    name = "receiver"

    def __init__(self) -> None:
        self._tree = _Tree()
        secret = str(self._tree.secret)
        self._valid = _encoded(
            _entry("a", filemode.DIRECTORY | 0o755, modTime=10**18),
            _entry("a/b", filemode.SETUID | 0o755, size=2, xattrs={"user.a": b"1"}),
            _entry("a/l", filemode.SYMLINK | 0o777, linkname=secret),
            _entry("b", 0o600),
            _entry("f", filemode.NAMED_PIPE | 0o600),
            _entry("l", filemode.SYMLINK | 0o777, linkname=f"{secret}/shadow"),
            _entry("z", linkname="a/b"),
            Packet(type=_STAT),
            _data(1, b"xy"),
            _data(1),
            Packet(type=_FIN),
        )
        self._hostile = _encoded(
            *(
                _entry(path, size=1)
                for path in ("a/l/x", "l/x", "../x", f"{secret}/x", "a/../../x")
            ),
            _entry("y", linkname="l"),
            _entry("y", linkname=f"{secret}/shadow"),
            _entry("d", filemode.DEVICE | filemode.CHARACTER_DEVICE, devmajor=1, devminor=3),
            Packet(type=_ERR, data=b"\xff\n"),
            Packet(type=_REQ, ID=1),
        )

    def run(self, random: Random) -> str:
        """Receive a mutated tree."""
        self._tree.inner.mkdir()
        sent = mutated_list(random, self._valid, mutated_message, self._hostile)
        call = BytesCall(sent)
        try:
            receive_tree(cast("ServerCall", call), self._tree.inner, self._tree.inner)
        except (TransportError, InputError) as error:
            return type(error).__name__
        finally:
            self._tree.check()
            shutil.rmtree(self._tree.inner)
            assert len(call.sent) < _MOST_MESSAGES
        return ACCEPTED

    def close(self) -> None:
        """Remove the folders."""
        self._tree.close()


class _Requests:
    """A call of a daemon that sends its messages once all files are described."""

    def __init__(self, metadata: Mapping[str, tuple[str, ...]], messages: Sequence[bytes]) -> None:
        self.metadata = metadata
        self.count = 0
        self._messages = iter(messages)
        self._described = threading.Event()

    def receive(self) -> bytes | None:
        assert self._described.wait(_SECONDS), "the files were not described, and no error was sent"
        return next(self._messages, None)

    def send(self, message: bytes) -> None:
        self.count += 1
        assert self.count < _MOST_MESSAGES
        assert _SECRET not in message
        packet = Packet.FromString(message)
        if packet.type == _ERR or (packet.type == _STAT and not packet.HasField("stat")):
            self._described.set()

    def flush(self) -> None:
        """Do nothing: messages are delivered at once."""


class FileSync:
    """The server of local directories."""

    name = "filesync"
    _keys = ("include-patterns", "exclude-patterns", "followpaths")
    _words = (
        *(
            "a",
            "a/b",
            "*",
            "**",
            "!a",
            "a/*",
            "**/b",
            "out/shadow",
            "..",
            "../secret",
            "/",
            "",
            ".",
        ),
        *("[", "?{0,9}", "l", "l/shadow", "a\\", "\0", "\udcff", "%2e%2e/secret", "*a*b*c*"),
    )

    def __init__(self) -> None:
        self._tree = _Tree()
        for path in ("a/b", "a/c", "d/e/f", "g"):
            (self._tree.inner / path).parent.mkdir(parents=True, exist_ok=True)
            (self._tree.inner / path).write_text(path)
        (self._tree.inner / "l").symlink_to(self._tree.secret)
        (self._tree.inner / "out").symlink_to("../secret")
        os.mkfifo(self._tree.inner / "pipe")
        self._service = LocalDirs({"tree": self._tree.inner})
        (self._handler,) = self._service.handlers().values()
        # The files of the whole tree; a selection has fewer.
        files = (1, 2, 5, 6)
        self._valid = _encoded(
            *(Packet(type=_REQ, ID=number) for number in files), Packet(type=_FIN)
        )
        self._hostile = _encoded(Packet(type=_ERR, data=b"\xff"), _entry("a"), _data(1, b"x"))

    def run(self, random: Random) -> str:
        """Serve a directory to mutated patterns and requests."""
        metadata: dict[str, tuple[str, ...]] = {"dir-name": ("tree",)}
        for key in self._keys:
            if random.random() < 0.3:
                words = (random.choice(self._words) for _ in range(random.randint(1, 4)))
                metadata[key] = tuple(self._mutated_word(random, word) for word in words)
                metadata[f"{key}-encoded"] = (random.choice(("0", "1", "true", "")),)
        sent = self._valid
        if random.random() < 0.8:
            sent = mutated_list(random, self._valid, mutated_message, self._hostile)
        self._service.failures.clear()
        try:
            self._handler(cast("ServerCall", _Requests(metadata, sent)))
        except LLBError as error:
            return type(error).__name__
        finally:
            self._tree.check()
            unexpected = [error for error in self._service.failures if type(error) not in _MEANT]
            assert unexpected == [], repr(unexpected)
        return ACCEPTED

    @staticmethod
    def _mutated_word(random: Random, word: str) -> str:
        if random.random() < 0.7:
            return word
        return mutated_bytes(random, os.fsencode(word)).decode("utf-8", "surrogateescape")

    def close(self) -> None:
        """Remove the folders."""
        self._tree.close()
