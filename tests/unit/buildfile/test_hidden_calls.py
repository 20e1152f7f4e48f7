"""Clocks, random numbers and facts of the machine are refused behind the standard library too."""

from __future__ import annotations

import gc
import sys
import time

import pytest

from llb.errors import InvalidValueError
from tests.unit.buildfile.texts import HEAD, run_target

CLOCK = "the clock is not an input of the build"
RANDOMNESS = "randomness is not an input of the build"
MACHINE = "the machine is not an input of the build"

# By module of the standard library: what a build file does, the operation, and the reason.
REFUSED = [
    ("datetime", "datetime.datetime(2020, 1, 1).now()", "datetime.now()", CLOCK),
    (
        "datetime",
        "type('Own', (datetime.datetime,), {}).utcnow()",
        "datetime.utcnow()",
        CLOCK,
    ),
    (
        "email.utils",
        "email.utils.formatdate()",
        "email.utils.formatdate() calls time.time()",
        CLOCK,
    ),
    (
        "email.utils",
        "email.utils.make_msgid()",
        "email.utils.make_msgid() calls time.time()",
        CLOCK,
    ),
    (
        "email.mime.multipart",
        "email.mime.multipart.MIMEMultipart(_subparts=[email.message.Message()]).as_string()",
        "email.message.Message.as_string() calls random.getrandbits()",
        RANDOMNESS,
    ),
    ("gzip", "gzip.compress(b'x', mtime=None)", "gzip.compress() calls time.time()", CLOCK),
    (
        "gzip",
        "gzip.GzipFile(fileobj=io.BytesIO(), mode='w')",
        "gzip.GzipFile.__init__() calls time.time()",
        CLOCK,
    ),
    (
        "gzip",
        "gzip.open(io.BytesIO(), 'wb')",
        "gzip.open() calls time.time()",
        CLOCK,
    ),
    (
        "statistics",
        "statistics.NormalDist().samples(3)",
        "statistics.NormalDist.samples() calls random.random()",
        RANDOMNESS,
    ),
    (
        "tarfile",
        "tarfile.open(fileobj=io.BytesIO(), mode='w:gz')",
        "tarfile.TarFile.open() calls time.time()",
        CLOCK,
    ),
    (
        "tarfile",
        "tarfile.open(fileobj=io.BytesIO(), mode='w|gz')",
        "tarfile.TarFile.open() calls time.time()",
        CLOCK,
    ),
    ("timeit", "timeit.timeit('1', number=1)", "timeit.timeit() calls time.perf_counter()", CLOCK),
    (
        "zipfile",
        "with zipfile.ZipFile(io.BytesIO(), 'w') as archive: archive.writestr('a', 'b')",
        "zipfile.ZipFile.writestr() calls time.time()",
        CLOCK,
    ),
]


def app(module: str, line: str) -> str:
    return f"{HEAD}import {module}, io\n@target\ndef app() -> State:\n    {line}\n    return Scratch()\n"


@pytest.mark.parametrize(("module", "line", "operation", "reason"), REFUSED)
def test_a_call_behind_the_standard_library_is_refused_at_its_line(
    module: str, line: str, operation: str, reason: str
) -> None:
    with pytest.raises(InvalidValueError) as caught:
        run_target(app(module, line))
    assert caught.value.message == f"{operation}: {reason}"
    assert str(caught.value.span) == "build.py:6"


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("gzip.compress(b'x', mtime=None)", "gzip.compress(data, mtime=0) sets the time itself"),
        ("__import__('timeit').timeit('1', number=1)", "use a build arg, or Build.epoch"),
    ],
)
def test_the_hint_is_about_the_module_that_was_called(line: str, hint: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        run_target(app("gzip", line))
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("concurrent.futures", "list(concurrent.futures.ThreadPoolExecutor(1).map(str, [1]))"),
        ("gzip", "gzip.decompress(gzip.compress(b'x', mtime=0))"),
        ("logging", "logging.getLogger().error('x')"),
        ("random", "random.Random(3).random()"),
        ("tarfile", "tarfile.open(fileobj=io.BytesIO(), mode='w').addfile(tarfile.TarInfo('a'))"),
        ("threading", "threading.Event().wait(0)"),
        ("traceback", "traceback.format_stack()"),
        ("uuid", "uuid.uuid3(uuid.NAMESPACE_DNS, 'a')"),
        (
            "zipfile",
            (
                "with zipfile.ZipFile(io.BytesIO(), 'w') as archive:"
                " archive.writestr(zipfile.ZipInfo('a'), 'b')"
            ),
        ),
    ],
)
def test_the_same_modules_are_allowed_without_a_clock(module: str, line: str) -> None:
    run_target(app(module, line))


def test_importing_a_module_that_reads_the_clock_is_allowed() -> None:
    for name in [name for name in sys.modules if name.split(".")[0] in ("sched", "mailbox")]:
        del sys.modules[name]
    run_target(app("mailbox", "mailbox"))


def test_the_thread_that_runs_a_build_file_keeps_its_profiler() -> None:
    def profiler(*_: object) -> None: ...

    sys.setprofile(profiler)
    try:
        with pytest.raises(InvalidValueError):
            run_target(app("gzip", "gzip.compress(b'x', mtime=None)"))
        assert sys.getprofile() is profiler
    finally:
        sys.setprofile(None)
    assert time.time() > 0


def test_callbacks_of_the_garbage_collector_are_not_the_build_file() -> None:
    times: list[float] = []

    def callback(*_: object) -> None:
        times.append(time.time())

    gc.callbacks.append(callback)
    try:
        run_target(app("gc", "gc.collect()"))
    finally:
        gc.callbacks.remove(callback)
    assert times
