"""Signals that end a command: the first one, several at once, and impatient ones."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

# Waits as a build does, and cleans up for as long as the argument says.
PROGRAM = """\
import sys, threading, time
from llb.cli import signals

def work():
    while True:
        time.sleep(0.01)

signals.handle()
for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
try:
    print("ready", flush=True)
    threading.Event().wait()
finally:
    time.sleep(float(sys.argv[1]))
    print("clean", flush=True)
"""
FINAL = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
TIMEOUT = 20


def start(cleanup_seconds: float) -> subprocess.Popen[bytes]:
    # If the tests run in the background, their child processes ignore signals.
    command = ["env", "--default-signal=INT,HUP", sys.executable, "-c", PROGRAM]
    process = subprocess.Popen(
        [*command, str(cleanup_seconds)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def finish(process: subprocess.Popen[bytes]) -> tuple[int, bytes]:
    """Return the exit status and the output."""
    output, _ = process.communicate(timeout=TIMEOUT)
    return process.returncode, output


@pytest.mark.parametrize("number", FINAL)
def test_a_signal_ends_the_program(number: signal.Signals) -> None:
    with start(0) as process:
        process.send_signal(number)
        status, output = finish(process)
    # KeyboardInterrupt is left to the command line, which has the status 130.
    assert status == (-number if number == signal.SIGINT else 128 + number)
    assert output == b"clean\n"


# The system gives two signals at once to a thread other than the main one in about half of all runs.
@pytest.mark.parametrize("attempt", range(8))
def test_two_signals_at_once_end_the_program(attempt: int) -> None:
    with start(attempt * 0.05) as process:
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGHUP)
        status, output = finish(process)
    assert status in (128 + signal.SIGTERM, 128 + signal.SIGHUP)
    assert output == b"clean\n"


@pytest.mark.parametrize("number", FINAL)
def test_signals_do_not_interrupt_the_cleanup(number: signal.Signals) -> None:
    with start(1) as process:
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        process.send_signal(number)
        assert finish(process) == (128 + signal.SIGTERM, b"clean\n")


@pytest.mark.parametrize("number", FINAL)
def test_a_later_signal_ends_the_process_at_once(number: signal.Signals) -> None:
    with start(2 * TIMEOUT) as process:
        process.send_signal(signal.SIGTERM)
        time.sleep(2)
        while process.poll() is None:
            time.sleep(0.5)
            process.send_signal(number)
        assert finish(process) == (-number, b"")
