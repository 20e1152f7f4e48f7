"""A notebook for GPUs: a project on a large base image, whose settings stay in force."""

from llb import State
from llb.buildfile import Build, target
from llb.recipes import apt, pip


@target
def image(build: Build, base: str = "quay.io/jupyter/pytorch-notebook:cuda12-latest") -> State:
    """Add Debian and Python packages and the project to the base image."""
    # The variables of CUDA, the entrypoint and the user are those of the image. Only apt is root.
    state = build.image(base)
    return (
        state.pipe(apt.install, "libsndfile1")
        .pipe(pip.install, requirements="requirements.txt", source=build.context())
        .copy(build.context(), "project/", include=["*.py"], owner=state.config.user)
        .label("org.opencontainers.image.title", "notebook")
    )
