"""The build that build.svg shows, `make recording`: steps side by side that print what they do."""

from __future__ import annotations

from llb import Image, Local, Scratch, main

LIBRARY = "/usr/local/lib/python3.13"

source = Local("context", include=["llb/**", "frontend/**", "examples/**"], exclude=["**/*.pyc"])
python = Image("python:3.13-slim")
code = python.workdir("/src").copy(source, "/src", name="copy the source")

compiled = code.run("python -m compileall llb frontend", name="compile the source")
library = python.run(f"python -m compileall -f {LIBRARY}", name="compile the standard library")
checked = code.run(f"python -m tabnanny -v . {LIBRARY}", name="check the indentation")
measured = code.run(
    'for n in 100 10000 1000000; do echo $n; python -m timeit -v "sorted(range($n))"; done',
    name="measure how fast it sorts",
)

image = (
    Scratch()
    .copy(library, LIBRARY, src=LIBRARY, name="copy the standard library")
    .copy(compiled, "/src", src="/src", name="copy what was compiled")
    .requires("checks", checked, measured)
    .entrypoint(["python3", "-m", "llb"])
)

if __name__ == "__main__":
    main(image)
