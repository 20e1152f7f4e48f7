"""Write container builds as Python values and turn them into BuildKit's LLB.

>>> from llb import Image
>>> built = Image("alpine").run("apk add git").workdir("/src")
>>> built
<State after ExecOp>

:meth:`State.marshal` produces the definition that any BuildKit daemon builds,
:mod:`llb.client` sends it there, and :mod:`llb.gateway` is for frontends.
"""

from llb.safe_path import leave_working_directory

leave_working_directory()

from llb.definition.definition import Definition
from llb.errors import (
    BaseImageWarning,
    InputError,
    InvalidDefinitionError,
    InvalidValueError,
    LLBError,
)
from llb.gocompat.shlex import shlex
from llb.ops.nodes import (
    Device,
    LinuxResources,
    Network,
    ProgressGroup,
    ProxyEnv,
    Security,
    Ulimit,
)
from llb.platforms import Platform
from llb.reference import Reference
from llb.script.main import main
from llb.source_map import Location, Range, SourceFile
from llb.sources.base_images import resolve_images
from llb.sources.from_definition import from_definition
from llb.sources.git import Git
from llb.sources.http_and_blobs import HTTP, ImageBlob, OCILayoutBlob
from llb.sources.image_and_local import Image, Local, OCILayout, Scratch
from llb.sources.image_resolver import ImageResolver, ResolvedImage
from llb.sources.inline_files import Directory, File, Symlink, files
from llb.state.file_actions import copy, mkdir, mkfile, rm, symlink
from llb.state.image_config import Healthcheck, ImageConfig
from llb.state.merge import diff, merge, passthrough, rebase
from llb.state.mounts import bind, cache, secret, ssh, tmpfs
from llb.state.state import State

__all__ = [
    "HTTP",
    "BaseImageWarning",
    "Definition",
    "Device",
    "Directory",
    "File",
    "Git",
    "Healthcheck",
    "Image",
    "ImageBlob",
    "ImageConfig",
    "ImageResolver",
    "InputError",
    "InvalidDefinitionError",
    "InvalidValueError",
    "LLBError",
    "LinuxResources",
    "Local",
    "Location",
    "Network",
    "OCILayout",
    "OCILayoutBlob",
    "Platform",
    "ProgressGroup",
    "ProxyEnv",
    "Range",
    "Reference",
    "ResolvedImage",
    "Scratch",
    "Security",
    "SourceFile",
    "State",
    "Symlink",
    "Ulimit",
    "bind",
    "cache",
    "copy",
    "diff",
    "files",
    "from_definition",
    "main",
    "merge",
    "mkdir",
    "mkfile",
    "passthrough",
    "rebase",
    "resolve_images",
    "rm",
    "secret",
    "shlex",
    "ssh",
    "symlink",
    "tmpfs",
]
