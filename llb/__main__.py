"""The program ``llb``, and ``python -m llb``."""

from __future__ import annotations

import signal

from llb._lazy import lazy_imports

with lazy_imports(__name__):
    from llb import cli  # 200 ms


def main() -> None:
    """Run the command line of this process and exit."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # Until the command handles it, an interrupt ends the process without a traceback.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    cli.main()


if __name__ == "__main__":
    main()
