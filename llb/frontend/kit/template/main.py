"""A frontend for images that are described in TOML."""

import re
import sys
import tomllib
from typing import Any

from llb import State
from llb.frontend import Build, Source, frontend, serve


def parse(source: Source) -> dict[str, Any]:
    """Parse the images of a file, by name."""
    try:
        images: dict[str, Any] = tomllib.loads(source.text)["images"]
    except tomllib.TOMLDecodeError as error:
        match = re.search(r"line (\d+)", str(error))
        raise source.error(str(error), line=int(match[1]) if match else 1) from error
    except KeyError as error:
        raise source.error("the file has no images", line=1, hint="[images.NAME]") from error
    return images


def targets(source: Source) -> dict[str, str]:
    """List the targets of a file with their descriptions."""
    return {name: image.get("description", "") for name, image in parse(source).items()}


def line_of(source: Source, text: str) -> int:
    """Find the first line that contains a string."""
    return next(n for n, line in enumerate(source.text.splitlines(), 1) if text in line)


@frontend(filename="app.toml", language="TOML", targets=targets)
def build(build: Build, version: str = "dev") -> State:
    """Build the requested image."""
    image = parse(build.source)[build.target]
    if "base" not in image:
        line = line_of(build.source, f"[images.{build.target}]")
        raise build.source.error("the image has no base", line=line, hint='base = "busybox"')
    state = build.image(image["base"]).env("VERSION", version)
    for dest, path in image.get("files", {}).items():
        at = build.source.at(line_of(build.source, f'"{dest}"'))
        state = state.copy(build.context(), dest, src=path, **at)
    for command in image.get("run", []):
        state = state.run(command, **build.source.at(line_of(build.source, command)))
    return state.entrypoint(image.get("entrypoint", ["/bin/sh"]))


if __name__ == "__main__":
    sys.exit(serve(build))
