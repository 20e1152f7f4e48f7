"""Bake files: load the targets of a project, change them, build them, or write them.

::

    from attrs import evolve
    from llb import bake

    plan = bake.load(["docker-bake.hcl"], variables={"TAG": "v1"})
    plan = plan.with_target(evolve(plan["app"], tags=["example/app:v1"]))
    with Client() as client:
        results = bake.build(plan, client, targets=["app"])

The files are those of ``docker buildx bake``: HCL, JSON and compose files. A plan that is written
in Python is printed as a bake file::

    plan = bake.Plan([bake.Target("app", dockerfile="ci/Dockerfile", tags=["example/app"])])
    print(bake.to_hcl(plan))
"""

from llb._lazy import lazy_exports

with lazy_exports(__name__):
    from llb.bake.building.plan import build as build
    from llb.bake.definitions.entries import Attestation as Attestation
    from llb.bake.definitions.entries import CacheEntry as CacheEntry
    from llb.bake.definitions.entries import OutputEntry as OutputEntry
    from llb.bake.definitions.entries import PolicyEntry as PolicyEntry
    from llb.bake.definitions.entries import Resources as Resources
    from llb.bake.definitions.entries import SecretEntry as SecretEntry
    from llb.bake.definitions.entries import SSHEntry as SSHEntry
    from llb.bake.definitions.plan import Plan as Plan
    from llb.bake.definitions.plan import Selection as Selection
    from llb.bake.definitions.printing import to_hcl as to_hcl
    from llb.bake.definitions.printing import to_json as to_json
    from llb.bake.definitions.printing import to_print as to_print
    from llb.bake.definitions.target import Group as Group
    from llb.bake.definitions.target import Target as Target
    from llb.bake.definitions.variables import Variable as Variable
    from llb.bake.hcl.places import BakeFile as BakeFile
    from llb.bake.loading import BakeSource as BakeSource
    from llb.bake.loading import load as load
    from llb.errors import BakeFileError as BakeFileError
