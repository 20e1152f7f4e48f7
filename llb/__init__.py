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

from llb._lazy import lazy_exports

with lazy_exports(__name__):
    from llb.definition.definition import Definition as Definition
    from llb.errors import BaseImageWarning as BaseImageWarning
    from llb.errors import InputError as InputError
    from llb.errors import InvalidDefinitionError as InvalidDefinitionError
    from llb.errors import InvalidValueError as InvalidValueError
    from llb.errors import LLBError as LLBError
    from llb.gocompat.shlex import shlex as shlex
    from llb.ops.nodes import Device as Device
    from llb.ops.nodes import LinuxResources as LinuxResources
    from llb.ops.nodes import Network as Network
    from llb.ops.nodes import ProgressGroup as ProgressGroup
    from llb.ops.nodes import ProxyEnv as ProxyEnv
    from llb.ops.nodes import Security as Security
    from llb.ops.nodes import Ulimit as Ulimit
    from llb.platforms import Platform as Platform
    from llb.reference import Reference as Reference
    from llb.script.main import main as main
    from llb.source_map import Location as Location
    from llb.source_map import Range as Range
    from llb.source_map import SourceFile as SourceFile
    from llb.sources.base_images import resolve_images as resolve_images
    from llb.sources.from_definition import from_definition as from_definition
    from llb.sources.git import Git as Git
    from llb.sources.http_and_blobs import HTTP as HTTP
    from llb.sources.http_and_blobs import ImageBlob as ImageBlob
    from llb.sources.http_and_blobs import OCILayoutBlob as OCILayoutBlob
    from llb.sources.image_and_local import Image as Image
    from llb.sources.image_and_local import Local as Local
    from llb.sources.image_and_local import OCILayout as OCILayout
    from llb.sources.image_and_local import Scratch as Scratch
    from llb.sources.image_resolver import ImageResolver as ImageResolver
    from llb.sources.image_resolver import ResolvedImage as ResolvedImage
    from llb.sources.inline_files import Directory as Directory
    from llb.sources.inline_files import File as File
    from llb.sources.inline_files import Symlink as Symlink
    from llb.sources.inline_files import files as files
    from llb.state.file_actions import copy as copy
    from llb.state.file_actions import mkdir as mkdir
    from llb.state.file_actions import mkfile as mkfile
    from llb.state.file_actions import rm as rm
    from llb.state.file_actions import symlink as symlink
    from llb.state.image_config import Healthcheck as Healthcheck
    from llb.state.image_config import ImageConfig as ImageConfig
    from llb.state.merge import diff as diff
    from llb.state.merge import merge as merge
    from llb.state.merge import passthrough as passthrough
    from llb.state.merge import rebase as rebase
    from llb.state.mounts import bind as bind
    from llb.state.mounts import cache as cache
    from llb.state.mounts import secret as secret
    from llb.state.mounts import ssh as ssh
    from llb.state.mounts import tmpfs as tmpfs
    from llb.state.state import State as State
    from llb.state.step_options import StepOptions as StepOptions
