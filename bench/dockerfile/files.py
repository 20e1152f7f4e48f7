"""Generate the Dockerfiles to measure: many stages of nine lines, as in large projects."""

from __future__ import annotations

LINES = 9


def generated(stages: int) -> bytes:
    """Generate a Dockerfile with a chain of stages.

    Every tenth stage starts from another image and copies from the previous stage.
    """
    lines = ["ARG VERSION=1.2.3"]
    for number in range(stages):
        previous = f"stage{number - 1}"
        is_new = number % 10 == 0
        copy = f"COPY --from={previous if number else 'alpine'} /opt/ /opt/"
        lines += [
            f"FROM {f'alpine:3.{number}' if is_new else previous} AS stage{number}",
            f"ARG NAME_{number % 10}=stage-{number}",
            f'ENV STAGE={number} PATH_{number % 10}="/opt/${{NAME_{number % 10}:-none}}/bin"',
            "LABEL org.example.stage=$STAGE org.example.version='1.2.3'",
            f"# Stage {number} builds one package.",
            f"RUN --mount=type=cache,target=/root/.cache make package-{number} \\",
            f"    && make install PREFIX=/opt/${{NAME_{number % 10}}}",
            copy if is_new else "EXPOSE 80/tcp 443",
            'CMD ["/bin/serve", "--stage"]',
        ]
    return "\n".join(lines).encode() + b"\n"
