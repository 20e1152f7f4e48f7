"""Images in registries: combine them to indexes, look at them, and use registries directly.

::

    from llb.client import imagetools

    imagetools.create(["example.com/app:amd64", "example.com/app:arm64"], tags="example.com/app:1")
    print(imagetools.inspect("example.com/app:1").text())
"""

from llb._lazy import lazy_exports

with lazy_exports(__name__):
    from llb.client.imagetools.creation import CreatedImage as CreatedImage
    from llb.client.imagetools.creation import create as create
    from llb.client.imagetools.inspection import InspectedImage as InspectedImage
    from llb.client.imagetools.inspection import inspect as inspect
    from llb.client.registries.client import RegistryClient as RegistryClient
    from llb.client.registries.descriptors import Descriptor as Descriptor
    from llb.client.registries.repository import Manifest as Manifest
    from llb.client.registries.repository import Repository as Repository
    from llb.errors import RegistryError as RegistryError
