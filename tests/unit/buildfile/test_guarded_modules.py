"""Guarded classes of the standard library behave as the originals in types, pickles and tables."""

from __future__ import annotations

import pytest

from llb.errors import InvalidValueError
from tests.unit.buildfile.texts import HEAD, run_target

CLOCK = "the clock is not an input of the build"
ENVIRONMENT = "the environment is not an input of the build"
FILES = "a build file cannot access local files"
MACHINE = "the machine is not an input of the build"
PROCESSES = "a build file cannot start or end processes"


def run(lines: str) -> None:
    body = "".join(f"    {line}\n" for line in lines.split("; "))
    run_target(f"{HEAD}@target\ndef app() -> State:\n{body}    return Scratch()\n")


@pytest.mark.parametrize(
    "lines",
    [
        (
            "import datetime, tomllib; d = tomllib.loads('d = 2020-01-02')['d']; "
            "assert isinstance(d, datetime.date); assert not isinstance(d, datetime.datetime)"
        ),
        (
            "from datetime import date, datetime; assert issubclass(datetime, date); "
            "assert isinstance(datetime(2020, 1, 1), date)"
        ),
        (
            "import datetime; d = datetime.datetime(2020, 1, 2); "
            "assert type(d) == datetime.datetime; assert {datetime.datetime: 1}[type(d)] == 1"
        ),
        (
            "import datetime, pickle; d = datetime.datetime(2020, 1, 2, tzinfo=datetime.UTC); "
            "assert pickle.loads(pickle.dumps(d)) == d"
        ),
        "import copy, datetime; d = datetime.date(2020, 1, 2); assert copy.deepcopy([d]) == [d]",
        (
            "import datetime, functools; f = functools.singledispatch(str); "
            "f.register(datetime.date, lambda value: 'a date'); "
            "assert f(datetime.datetime(2020, 1, 2)) == 'a date'"
        ),
        (
            "import datetime; Own = type('Own', (datetime.date,), {}); "
            "assert isinstance(Own(2020, 1, 2), Own); assert not isinstance(datetime.date.min, Own)"
        ),
        (
            "import datetime; d = datetime.datetime.fromisoformat('2020-01-02'); "
            "assert d.year == 2020 and datetime.datetime.max.year == 9999"
        ),
        "import pathlib; kind = pathlib.Path | None; assert not isinstance('a', pathlib.Path)",
        "import pathlib, typing; kind = typing.Optional[pathlib.Path]; kind = list[pathlib.Path]",
        (
            "import pickle, random; r = random.Random(7); assert isinstance(r, random.Random); "
            "assert pickle.loads(pickle.dumps(r)).random() == random.Random(7).random()"
        ),
        "import sys; assert sys.version_info >= (3, 11); sys.getrecursionlimit()",
        "import platform; platform.python_version()",
    ],
)
def test_guarded_classes_are_like_the_originals(lines: str) -> None:
    run(lines)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("from datetime import date; date.fromtimestamp(0)", f"date.fromtimestamp(): {MACHINE}"),
        (
            "from datetime import datetime; datetime.fromtimestamp(0)",
            f"datetime.fromtimestamp(): {MACHINE}",
        ),
        ("import getpass", f"import getpass: {MACHINE}"),
        ("from importlib import metadata", f"import importlib.metadata: {FILES}"),
        ("import locale; locale.getlocale()", f"locale.getlocale(): {MACHINE}"),
        ("import os; os.cpu_count()", f"os.cpu_count(): {MACHINE}"),
        ("import os; os.name", f"os.name: {MACHINE}"),
        ("import os; os.uname()", f"os.uname(): {MACHINE}"),
        ("import pathlib; pathlib.Path.cwd()", f"pathlib.Path(): {FILES}"),
        (
            "import pathlib; type('Own', (pathlib.PosixPath,), {})('a').exists()",
            f"pathlib.PosixPath(): {FILES}",
        ),
        ("import platform; platform.machine()", f"platform.machine(): {MACHINE}"),
        ("from platform import node; node()", f"platform.node(): {MACHINE}"),
        ("import resource", f"import resource: {MACHINE}"),
        ("import signal", f"import signal: {PROCESSES}"),
        ("import sys; sys.argv", f"sys.argv: {ENVIRONMENT}"),
        ("import sys; sys.platform", f"sys.platform: {MACHINE}"),
        ("import sys; sys.stdin.read()", f"sys.stdin: {FILES}"),
        ("import tempfile", f"import tempfile: {FILES}"),
        ("import time; time.ctime(0)", f"time.ctime(): {CLOCK}"),
        ("import time; time.strftime('%Y')", f"time.strftime(): {CLOCK}"),
        ("import time; time.timezone", f"time.timezone: {MACHINE}"),
    ],
)
def test_facts_of_the_machine_are_refused(lines: str, message: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        run(lines)
    assert caught.value.message == message
