"""What would make a result depend on something else than the inputs of the build is refused."""

from __future__ import annotations

import os
import random
import time

import pytest

from llb.errors import InvalidValueError
from tests.unit.buildfile.texts import HEAD, make

CLOCK = "the clock is no input of a build"
DICE = "chance is no input of a build"
ENVIRONMENT = "the environment is no input of a build"
FILES = "a build file sees no files by itself"
PROCESSES = "a build file starts and ends no processes"
NETWORK = "a build file has no network"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("import time; time.time()", f"time.time(): {CLOCK}"),
        ("from time import sleep as s; s(1)", f"time.sleep(): {CLOCK}"),
        ("import time; time.gmtime()", f"time.gmtime(): {CLOCK}"),
        ("import datetime; datetime.date.today()", f"date.today(): {CLOCK}"),
        ("from datetime import datetime as d; d.now()", f"datetime.now(): {CLOCK}"),
        ("import random; random.choice([1])", f"random.choice(): {DICE}"),
        ("import random; random.Random()", f"random.Random(): {DICE}"),
        ("import uuid; uuid.uuid4()", f"uuid.uuid4(): {DICE}"),
        ("import secrets; secrets.token_hex()", f"secrets.token_hex(): {DICE}"),
        ("import os; os.urandom(4)", f"os.urandom(): {DICE}"),
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
def test_it_is_refused_with_its_line(line: str, told: str, where: str) -> None:
    neighbours = {"ci.py": f"def work():\n    {line}\n"}
    body = {"module": "0", "target": line, "neighbour": "import ci; ci.work()"}[where]
    top = line if where == "module" else "0"
    with pytest.raises(InvalidValueError) as caught:
        make(f"{HEAD}{top}\n@target\ndef app() -> State:\n    {body}\n", neighbours)
    assert caught.value.message == told
    places = {"module": "build.py:3", "target": "build.py:6", "neighbour": "ci.py:2"}
    assert str(caught.value.span) == places[where]


@pytest.mark.parametrize(
    "line",
    [
        "import random; random.Random(7).random()",
        "import datetime; datetime.datetime(2020, 1, 1) - datetime.timedelta(1)",
        "import datetime; datetime.datetime.fromtimestamp(0, datetime.UTC)",
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
def test_what_depends_on_nothing_else_is_allowed(line: str) -> None:
    make(f"{HEAD}\n@target\ndef app() -> State:\n    {line}\n    return Scratch()\n")


def test_the_program_that_runs_a_build_file_is_not_held() -> None:
    with pytest.raises(InvalidValueError):
        make(f"{HEAD}open('/etc/passwd')\n")
    with open("/etc/passwd", encoding="utf-8") as file:  # noqa: PTH123 - that is what is tried
        assert file.read()
    assert time.time() > 0
    assert random.random() < 1
    assert "PATH" in os.environ
