"""Two branches of steps whose results are copied into one minimal image.

Draw the graph:      python examples/01_hello.py
Build it:            llb build examples/01_hello.py --local context=. -o out/fs
With Go's client:    python examples/01_hello.py | buildctl build --local context=. \
                         --output type=local,dest=out/fs
"""

from __future__ import annotations

from llb import Image, Local, Scratch, cache, main

context = Local("context", include=["README.md"])

toolbox = (
    Image("busybox")
    .env("GREETING", "hello from LLB")
    .workdir("/work")
    .mkdir("/work", name="make a place to work in")
)

greeting = toolbox.run(
    'echo "$GREETING" > greeting.txt && date > /cache/last-build',
    mounts=[cache("/cache", id="hello")],
    name="write the greeting",
)

facts = toolbox.copy(context, "/work", src="README.md").run(
    "wc -w < README.md > words.txt", name="count the words of the README"
)

hello = (
    Scratch()
    .copy(greeting, "/", src="/work/greeting.txt")
    .copy(facts, "/", src="/work/words.txt")
    .copy(toolbox, "/bin/", src="/bin/busybox")
    .entrypoint(["/bin/busybox", "cat"])
    .cmd(["/greeting.txt"])
    .label("org.opencontainers.image.title", "hello")
)

if __name__ == "__main__":
    main(hello)
