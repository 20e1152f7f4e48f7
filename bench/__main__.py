"""Measure everything that has a counterpart: ``python -m bench [SUBJECT...]``.

The subjects are llb, dockerfile, session and coldstart.

Needs a running BuildKit in BUILDKIT_HOST, its ``buildctl`` in PYLLB_BUILDCTL
or on the PATH, and our frontend's image where ``bench.coldstart`` looks for it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

SUBJECTS = ("llb", "dockerfile", "session", "coldstart")


def main() -> int:
    """Run the subjects in order, each in a process; return the first failure's status."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("subject", nargs="*", help=f"{' or '.join(SUBJECTS)}; all by default")
    chosen = parser.parse_args().subject or SUBJECTS
    for subject in chosen:
        if subject not in SUBJECTS:
            parser.error(f"unknown subject {subject!r}: expected {' or '.join(SUBJECTS)}")
    statuses = (subprocess.call([sys.executable, "-m", f"bench.{subject}"]) for subject in chosen)
    return next((status for status in statuses if status), 0)


if __name__ == "__main__":
    sys.exit(main())
