"""Guards refuse everything that would make a result depend on more than the build's inputs."""

from __future__ import annotations

import os
import random
import time

import pytest

from llb.errors import InvalidValueError
from tests.unit.buildfile.texts import HEAD, run_target

CLOCK = "the clock is not an input of the build"
RANDOMNESS = "randomness is not an input of the build"
ENVIRONMENT = "the environment is not an input of the build"
FILES = "a build file cannot access local files"
PROCESSES = "a build file cannot start or end processes"
NETWORK = "a build file cannot access the network"

# Python 3.14 warns of it before it opens a file.
pytestmark = pytest.mark.filterwarnings("ignore:codecs.open:DeprecationWarning")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("import time; time.time()", f"time.time(): {CLOCK}"),
        ("from time import sleep as s; s(1)", f"time.sleep(): {CLOCK}"),
        ("import time; time.gmtime()", f"time.gmtime(): {CLOCK}"),
        ("import datetime; datetime.date.today()", f"date.today(): {CLOCK}"),
        ("from datetime import datetime as d; d.now()", f"datetime.now(): {CLOCK}"),
        ("import random; random.choice([1])", f"random.choice(): {RANDOMNESS}"),
        ("import random; random.Random()", f"random.Random(): {RANDOMNESS}"),
        ("import uuid; uuid.uuid4()", f"uuid.uuid4(): {RANDOMNESS}"),
        ("import secrets; secrets.token_hex()", f"secrets.token_hex(): {RANDOMNESS}"),
        ("import os; os.urandom(4)", f"os.urandom(): {RANDOMNESS}"),
        ("import os; os.environ['HOME']", f"os.environ: {ENVIRONMENT}"),
        ("import os; os.environ.get('HOME')", f"os.environ: {ENVIRONMENT}"),
        ("import os; dict(os.environ)", f"os.environ: {ENVIRONMENT}"),
        ("from os import getenv; getenv('HOME')", f"os.getenv(): {ENVIRONMENT}"),
        ("open('/etc/passwd')", f"open(): {FILES}"),
        ("import os; os.path.exists('/etc')", f"os.path.exists(): {FILES}"),
        ("from os.path import isfile; isfile('/etc')", f"os.path.isfile(): {FILES}"),
        ("import os; os.listdir('/')", f"os.listdir(): {FILES}"),
        ("import pathlib; pathlib.Path('a')", f"pathlib.Path(): {FILES}"),
        ("import io; io.open('/etc/passwd')", f"open('/etc/passwd'): {FILES}"),
        ("import codecs; codecs.open('/etc/passwd')", f"open('/etc/passwd'): {FILES}"),
        ("import configparser; configparser.ConfigParser().read('/a')", f"open('/a'): {FILES}"),
        ("input()", f"input(): {FILES}"),
        ("import os; os.system('true')", f"os.system(): {PROCESSES}"),
        ("import os; os._exit(0)", f"os._exit(): {PROCESSES}"),
        ("import subprocess", f"import subprocess: {PROCESSES}"),
        ("import multiprocessing.pool", f"import multiprocessing.pool: {PROCESSES}"),
        ("import socket", f"import socket: {NETWORK}"),
        ("import urllib.request", f"import urllib.request: {NETWORK}"),
        ("from http import client", f"import http.client: {NETWORK}"),
    ],
)
@pytest.mark.parametrize("where", ["module", "target", "neighbour"])
def test_a_guarded_operation_is_refused_at_its_line(line: str, message: str, where: str) -> None:
    neighbours = {"ci.py": f"def work():\n    {line}\n"}
    body = {"module": "0", "target": line, "neighbour": "import ci; ci.work()"}[where]
    top = line if where == "module" else "0"
    with pytest.raises(InvalidValueError) as caught:
        run_target(f"{HEAD}{top}\n@target\ndef app() -> State:\n    {body}\n", neighbours)
    assert caught.value.message == message
    spans = {"module": "build.py:3", "target": "build.py:6", "neighbour": "ci.py:2"}
    assert str(caught.value.span) == spans[where]


@pytest.mark.parametrize(
    "line",
    [
        "import random; random.Random(7).random()",
        "import datetime; datetime.datetime(2020, 1, 1) - datetime.timedelta(1)",
        "import datetime; datetime.datetime.fromtimestamp(0, datetime.UTC)",
        "import datetime; datetime.datetime.strptime('2020', '%Y')",
        "import time; time.gmtime(0), time.strftime('%Y', time.gmtime(0))",
        "import os; os.path.join('a', 'b'), os.sep",
        "import posixpath; posixpath.normpath('a/../b')",
        "import pathlib; pathlib.PurePosixPath('a') / 'b'",
        "import uuid; uuid.uuid5(uuid.NAMESPACE_DNS, 'a')",
        "import urllib.parse; urllib.parse.quote('a b')",
        "import json, re, textwrap, tomllib, hashlib, functools, itertools, enum, dataclasses",
        "import zipfile, csv, string, shlex, base64, email.message, xml.etree.ElementTree",
        "import logging; logging.getLogger().warning('x')",
    ],
)
def test_deterministic_code_is_allowed(line: str) -> None:
    run_target(f"{HEAD}\n@target\ndef app() -> State:\n    {line}\n    return Scratch()\n")


def test_the_program_that_runs_a_build_file_is_not_guarded() -> None:
    with pytest.raises(InvalidValueError):
        run_target(f"{HEAD}open('/etc/passwd')\n")
    with open("/etc/passwd", encoding="utf-8") as file:  # noqa: PTH123 - open() itself is tested
        assert file.read()
    assert time.time() > 0
    assert random.random() < 1
    assert "PATH" in os.environ
