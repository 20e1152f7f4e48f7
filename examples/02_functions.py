"""Build with functions: checks that must pass, files in memory, caches, a newer base image.

Draw the graph:   python examples/02_functions.py
Build it:         llb build examples/02_functions.py --local context=. -o out/fs
Show what a changed line would rebuild:
                  llb diff examples/02_functions.py edited.py
"""

from __future__ import annotations

from llb import File, Image, Local, State, cache, files, main, rebase

DEBUG = False

source = Local("context", include=["README.md", "LICENSE"], shared_key="example")
settings = files(
    {
        "etc/app/app.conf": "greeting = hello\n",
        "usr/bin/app": File("#!/bin/sh\ncat /etc/app/app.conf /app/*\n", mode=0o755),
    }
)


def with_caches(state: State) -> State:
    """Mount a cache for all later commands; it does not become part of the image."""
    return state.mount(cache("/var/cache/app", id="example"))


def checked(state: State) -> State:
    """Run checks that can fail the build; the image contains nothing of them."""
    sizes = state.run("test -s /app/README.md", name="check that there is a README")
    licence = state.run("grep -q Apache /app/LICENSE", name="check the licence")
    return state.requires("checks", sizes, licence)


base = Image("busybox")
app = (
    base.pipe(with_caches)
    .copy(source, "/app")
    .run("date > /var/cache/app/last && wc -l /app/* > /app/lines", name="count lines")
    .copy(settings, "/")
    .pipe(checked)
)
if DEBUG:
    app = app.env("APP_DEBUG", "1")

newer = base.mkfile("/etc/release", "a newer base\n")
image = (
    rebase(app, onto=newer, base=base, name="put it onto the newer base")
    .entrypoint(["/usr/bin/app"])
    .healthcheck("test -e /app/lines", interval=30)
    .label("org.opencontainers.image.title", "functions")
)

if __name__ == "__main__":
    main(image)
