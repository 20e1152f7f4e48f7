"""Write container builds as Python values and turn them into BuildKit's LLB.

>>> from llb import Image
>>> built = Image("alpine").run("apk add git").workdir("/src")
>>> built
<State after ExecOp>

:meth:`State.marshal` gives the definition that any BuildKit builds,
:mod:`llb.client` sends it there, :mod:`llb.gateway` is for frontends.
"""

from llb.safe_path import leave_working_directory

leave_working_directory()

from llb.combine import diff, merge, passthrough, rebase
from llb.definition import Definition
from llb.downloads import HTTP, ImageBlob, OCILayoutBlob
from llb.errors import LLBError
from llb.file_actions import copy, mkdir, mkfile, rm, symlink
from llb.git import Git
from llb.image_config import Healthcheck, ImageConfig
from llb.mounts import bind, cache, secret, ssh, tmpfs
from llb.nested import from_definition
from llb.ops import (
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
from llb.script import main
from llb.shell_words import shlex
from llb.source_map import Location, Range, SourceFile
from llb.sources import Image, ImageResolver, Local, OCILayout, Scratch
from llb.state import State
from llb.trees import Directory, File, Symlink, files

__all__ = [
    "HTTP",
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
    "rm",
    "secret",
    "shlex",
    "ssh",
    "symlink",
    "tmpfs",
]
