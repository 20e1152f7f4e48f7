"""Run all benchmarks against Go counterparts: ``python -m bench [SUBJECT...]``.

The subjects are llb, dockerfile, session and coldstart.

It needs a running BuildKit in BUILDKIT_HOST, its ``buildctl`` in PYLLB_BUILDCTL
or on the PATH, and our frontend image under the default name of ``bench.coldstart``.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

SUBJECTS = ("llb", "dockerfile", "session", "coldstart")


def main() -> int:
    """Run each subject in its own process, in order; return the status of the first failure."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("subject", nargs="*", help=f"{' or '.join(SUBJECTS)}; all by default")
    subjects = parser.parse_args().subject or SUBJECTS
    for subject in subjects:
        if subject not in SUBJECTS:
            parser.error(f"unknown subject {subject!r}: expected {' or '.join(SUBJECTS)}")
    statuses = (subprocess.call([sys.executable, "-m", f"bench.{subject}"]) for subject in subjects)
    return next((status for status in statuses if status), 0)


if __name__ == "__main__":
    sys.exit(main())
