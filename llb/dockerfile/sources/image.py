"""Image configs of scratch and of trees that are not images."""

from __future__ import annotations

from llb.buildkit_names import DEFAULT_PATH_ENV
from llb.platforms import Platform
from llb.state.image_config import ImageConfig

WINDOWS = "windows"
# The config of a tree that is not an image.
BLANK = ImageConfig(rootfs_type="", diff_ids=None)


def without_version(platform: Platform) -> Platform:
    """Drop the OS version and features of a platform, because Docker ignores them in images."""
    return Platform(platform.os, platform.architecture, platform.variant)


def scratch_config(platform: Platform) -> ImageConfig:
    """Create the image config of ``FROM scratch``."""
    env = () if platform.os == WINDOWS else (f"PATH={DEFAULT_PATH_ENV}",)
    return ImageConfig(platform=platform, env=env, workdir="/", diff_ids=None)
