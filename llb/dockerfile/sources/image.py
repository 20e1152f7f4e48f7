"""The configs of images that no registry has."""

from __future__ import annotations

from llb.buildkit_names import DEFAULT_PATH_ENV
from llb.platforms import Platform
from llb.state.image_config import ImageConfig

WINDOWS = "windows"
# The config of a tree that is not an image.
BLANK = ImageConfig(rootfs_type="", diff_ids=None)


def without_version(platform: Platform) -> Platform:
    """Return a platform without version and features, as Docker compares those of images."""
    return Platform(platform.os, platform.architecture, platform.variant)


def scratch_config(platform: Platform) -> ImageConfig:
    """Return the image config of ``FROM scratch``."""
    env = () if platform.os == WINDOWS else (f"PATH={DEFAULT_PATH_ENV}",)
    return ImageConfig(platform=platform, env=env, workdir="/", diff_ids=None)
