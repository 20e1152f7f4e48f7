"""The Dockerfiles that are measured: many stages of nine lines, as large projects have them."""

from __future__ import annotations

LINES = 9


def generated(stages: int) -> bytes:
    """Return a file of so many stages upon each other.

    Each tenth begins with an image of its own and copies from the stage before.
    """
    lines = ["ARG VERSION=1.2.3"]
    for number in range(stages):
        before = f"stage{number - 1}"
        is_new = number % 10 == 0
        copied = f"COPY --from={before if number else 'alpine'} /opt/ /opt/"
        lines += [
            f"FROM {f'alpine:3.{number}' if is_new else before} AS stage{number}",
            f"ARG NAME_{number % 10}=stage-{number}",
            f'ENV STAGE={number} PATH_{number % 10}="/opt/${{NAME_{number % 10}:-none}}/bin"',
            "LABEL org.example.stage=$STAGE org.example.version='1.2.3'",
            f"# Stage {number} builds one package.",
            f"RUN --mount=type=cache,target=/root/.cache make package-{number} \\",
            f"    && make install PREFIX=/opt/${{NAME_{number % 10}}}",
            copied if is_new else "EXPOSE 80/tcp 443",
            'CMD ["/bin/serve", "--stage"]',
        ]
    return "\n".join(lines).encode() + b"\n"
