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
    print("cleaning", flush=True)
    time.sleep(float(sys.argv[1]))
    print("clean", flush=True)
"""
# Computes for three and a half seconds, in which no handler runs, instead of waiting.
BUSY = PROGRAM.replace(
    """\
    print("ready", flush=True)
    threading.Event().wait()
""",
    """\
    from hashlib import pbkdf2_hmac
    start = time.thread_time()
    pbkdf2_hmac("sha512", b"a", b"b", 100_000)
    rounds = int(350_000 / (time.thread_time() - start))
    print("ready", flush=True)
    pbkdf2_hmac("sha512", b"a", b"b", rounds)
""",
)
FINAL = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
TIMEOUT = 60


def start(cleanup_seconds: float, program: str = PROGRAM) -> subprocess.Popen[bytes]:
    # If the tests run in the background, their child processes ignore signals.
    command = ["env", "--default-signal=INT,HUP", sys.executable, "-c", program]
    process = subprocess.Popen(
        [*command, str(cleanup_seconds)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def interrupt(process: subprocess.Popen[bytes]) -> None:
    """Send a signal, and wait until the program cleans up."""
    process.send_signal(signal.SIGTERM)
    assert process.stdout is not None
    assert process.stdout.readline() == b"cleaning\n"


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
    assert output == b"cleaning\nclean\n"


# The system gives two signals at once to a thread other than the main one in about half of all runs.
@pytest.mark.parametrize("attempt", range(8))
def test_two_signals_at_once_end_the_program(attempt: int) -> None:
    with start(attempt * 0.05) as process:
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGHUP)
        status, output = finish(process)
    assert status in (128 + signal.SIGTERM, 128 + signal.SIGHUP)
    assert output == b"cleaning\nclean\n"


@pytest.mark.parametrize("number", FINAL)
def test_signals_do_not_interrupt_the_cleanup(number: signal.Signals) -> None:
    with start(1) as process:
        interrupt(process)
        process.send_signal(number)
        assert finish(process) == (128 + signal.SIGTERM, b"clean\n")


@pytest.mark.parametrize("number", FINAL)
def test_a_later_signal_ends_the_process_at_once(number: signal.Signals) -> None:
    with start(2 * TIMEOUT) as process:
        interrupt(process)
        time.sleep(2)
        while process.poll() is None:
            time.sleep(0.5)
            process.send_signal(number)
        assert finish(process) == (-number, b"")


def test_a_signal_that_is_handled_late_is_no_second_one() -> None:
    with start(3.5, BUSY) as process:
        # The computation has begun.
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        assert finish(process) == (128 + signal.SIGTERM, b"cleaning\nclean\n")
