"""Runs of ``imagetools``: arguments in which ``{r}`` is the registry, and files that they read.

Images are named by their tags in :mod:`tests.conformance.imagetools.images`.
"""

from __future__ import annotations

import json

from attrs import field, frozen

APP = "{r}/base/app"
_FORMATS = (
    "{{json .}}",
    "{{json .Manifest}}",
    "{{json .Image}}",
    "{{json .Provenance}}",
    "{{json .SBOM}}",
    "{{.Name}}",
    "{{.Manifest}}",
    "  {{ .Manifest }}\n",
    "{{.Manifest.Digest}} {{.Manifest.Size}}",
)
_IMAGES = (
    *("amd64", "armv7", "docker", "scratch", "multi", "list", "attested", "attested-one"),
    *("odd", "untyped", "referred", "referred-index"),
)
_TEMPLATES = (
    ("multi", '{{json (index .Image "linux/amd64")}}'),
    ("multi", '{{json (index .Image "linux/none")}}'),
    ("multi", '{{(index .Image "linux/amd64").Architecture}}'),
    ("multi", "{{range $k, $v := .Image}}{{$k}} {{$v.Created}} {{$v.Config.Env}}\n{{end}}"),
    (
        "multi",
        "{{range .Manifest.Manifests}}{{.Digest}} {{.Platform.OS}}/{{.Platform.Architecture}}\n{{end}}",
    ),
    ("attested", '{{json (index .Provenance "linux/amd64").SLSA.a}}'),
    (
        "attested",
        '{{(index .Provenance "linux/amd64").SLSA.a.t}} {{len .Provenance}} {{len .SBOM}}',
    ),
    ("attested", '{{range (index .SBOM "linux/amd64").AdditionalSPDXs}}{{.SPDXID}}{{end}}'),
    ("sealed", "{{json .Provenance}} {{json .SBOM}}"),
    ("attested-one", "{{json .SBOM.SPDX}} {{.Provenance.SLSA.a.i}} {{.Provenance.SLSA.a.f}}"),
    ("attested-one", "{{with .Provenance.SLSA}}{{.nothing}}{{end}}"),
    (
        "amd64",
        "{{.Image.OS}}/{{.Image.Architecture}}{{if .Image.Variant}}/{{.Image.Variant}}{{end}}",
    ),
    ("amd64", "{{range .Image.History}}{{.CreatedBy}}{{if .EmptyLayer}} (empty){{end}}; {{end}}"),
    ("amd64", "{{.Image.Config.Labels}} {{.Image.Config.Labels.z}} {{.Image.Config.Cmd}}"),
    (
        "amd64",
        "{{.Image.RootFS.Type}} {{index .Image.RootFS.DiffIDs 0}} {{.Image.Author | printf `%q`}}",
    ),
    ("amd64", "{{range .Image.History}}{{.Created}}\n{{end}}"),
    ("odd", "{{json .Manifest.Annotations}} {{.Manifest.Annotations.a}} {{.Manifest.MediaType}}"),
    ("amd64", "{{.Nothing}}"),
    ("amd64", "{{nothing}}"),
    ("amd64", "{{.Image"),
)


@frozen
class Case:
    """A run, and the contents of files that its arguments name as ``{d}/NAME``.

    ``first`` are the arguments of a run before it.
    """

    arguments: tuple[str, ...]
    files: dict[str, str] = field(factory=dict)
    first: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The arguments and the files, which name the case."""
        return " ".join((*self.first, *self.arguments, *self.files.values()))


def _inspect(tag: str, *options: str) -> Case:
    return Case(("imagetools", "inspect", f"{APP}:{tag}", *options))


def _create(*arguments: str, **files: str) -> Case:
    return Case(("imagetools", "create", "--progress", "plain", *arguments), files)


def _copies() -> list[Case]:
    """Build the runs of create; each is also a dry run."""
    to, other = ("-t", "{r}/new/app:1"), ("-t", "{r}/other/app:2")
    amd64, arm64, armv7 = (f"{APP}:{tag}" for tag in ("amd64", "arm64", "armv7"))
    pushes = [
        _create(*to, amd64, arm64),
        _create(*to, amd64),
        _create(*to, "--prefer-index=false", amd64),
        _create(*to, "--prefer-index", amd64),
        _create(*to, f"{APP}:scratch"),
        *(_create(*to, f"{APP}:{tag}") for tag in ("multi", "list", "attested", "odd", "untyped")),
        _create(*to, f"{APP}:referred"),
        _create(*to, "--prefer-index=false", f"{APP}:referred"),
        _create(*to, f"{APP}:referred-index"),
        _create(*to, amd64, armv7),
        _create(*to, armv7, f"{APP}:docker"),
        _create(*to, armv7, f"{APP}:docker-s390x", "--annotation", "index:a=b"),
        _create(*to, amd64, amd64, f"{APP}:multi"),
        _create(*to, *other, "-t", "{r}/new/app:3", f"{APP}:multi"),
        _create("-t", f"{APP}:again", amd64, arm64),
        _create("--append", "-t", f"{APP}:multi", armv7),
        _create("--append", "-t", f"{APP}:amd64", "-t", f"{APP}:both", arm64),
        _create(*to, "--platform", "linux/amd64", f"{APP}:attested"),
        _create(*to, "-p", "linux/amd64,linux/s390x", f"{APP}:list"),
        _create(*to, "-p", "linux/arm64/v8", amd64, arm64),
        _create(*to, "-p", "linux/riscv64", f"{APP}:referred-index"),
        _create(*to, "-p", "windows/amd64", f"{APP}:odd"),
        _create(*to, "-p", "windows(10.0.17763.9)/amd64", f"{APP}:odd"),
        _create(*to, "-p", "linux/none", f"{APP}:multi"),
        _create(*to, "--prefer-index=false", "-p", "linux/none", amd64),
        _create(*to, "--annotation", "index:a=b", "--annotation", "index:z=<&>", amd64, arm64),
        _create(*to, "--annotation", "manifest-descriptor:a=b", f"{APP}:multi"),
        _create(*to, "--annotation", "manifest-descriptor[linux/amd64],index:a=b=c", amd64, arm64),
        _create(*to, "--annotation", "manifest-descriptor[linux/arm64]:a=b", amd64, arm64),
        _create(*to, "--annotation", "manifest:a=b", amd64),
        _create(*to, "--annotation", "a=b", amd64),
        _create(*to, "--annotation", "index-descriptor:a=b", amd64),
        _create(*to, "--annotation", "nothing:a=b", amd64),
        _create(*to, "--annotation", "index:a", amd64),
        _create("-t", f"{APP}:dgst", "{amd64}", "{arm64}"),
        _create(*to, f"{APP}@{{amd64}}", f"{APP}:arm64@{{arm64}}"),
        _create("-t", f"{APP}:described", "-f", "{d}/one", one=_described(os_version="10.1")),
        _create(
            "-t",
            f"{APP}:described",
            "-f",
            "{d}/one",
            "-f",
            "{d}/two",
            one=_described(),
            two=_described("arm64", annotations={"k": "v"}),
        ),
        _create(*to, "-f", "{d}/one", one=APP + ":amd64"),
        _create("-t", f"{APP}:described", "-f", "{d}/one", one="{amd64}"),
        _create(*to, "--metadata-file", "{d}/meta", amd64, arm64),
        _create(*to, *other, "--metadata-file", "{d}/meta", "--prefer-index=false", amd64),
        _create(*to, f"{APP}:incomplete"),
        _create(*to, f"{APP}:nothing"),
        _create(*to),
        _create(*to, "not valid"),
        _create(*to, "sha256:12"),
        _create(*to, "-f", "{d}/one", one='{"schemaVersion": 2}'),
        _create(*to, "-f", "{d}/one", one='{"mediaType": "x"}'),
        _create(amd64),
        _create("-t", "{r}/new/app:1", "{amd64}", f"{APP}:arm64"),
    ]
    dry = [
        Case((*one.arguments, "--dry-run"), one.files)
        for one in pushes
        if "--metadata-file" not in one.arguments
    ]
    return [*pushes, *dry, _create("--dry-run", amd64, arm64)]


def _layouts() -> list[Case]:
    """Build the runs with OCI layouts, whose images come from the registry."""
    layout = "oci-layout://{d}/layout"
    fills = [
        _create("-t", f"{layout}:1", f"{APP}:attested"),
        _create("-t", layout, "--prefer-index=false", f"{APP}:amd64"),
        _create("-t", f"{layout}:1", "-t", f"{layout}:2", f"{APP}:amd64", f"{APP}:arm64"),
        _create("-t", f"{layout}:1", f"{APP}:referred-index"),
        _create("-t", f"{layout}:1", "--prefer-index=false", f"{APP}:referred"),
    ]
    (first, plain, _, referred, single) = (case.arguments for case in fills)
    uses = [
        Case(("imagetools", "inspect", f"{layout}:1"), first=first),
        Case(("imagetools", "inspect", layout, "--format", "{{json .}}"), first=plain),
        Case(("imagetools", "inspect", f"{layout}:none"), first=first),
        Case(("imagetools", "inspect", f"{layout}@{{amd64}}", "--raw"), first=plain),
        Case(_create("-t", "{r}/new/app:1", f"{layout}:1").arguments, first=first),
        Case(_create("-t", "{r}/new/app:1", f"{layout}:1").arguments, first=referred),
        Case(_create("-t", "{r}/new/app:1", f"{layout}:1", f"{APP}:armv7").arguments, first=single),
        Case(_create("--append", "-t", f"{layout}:1", f"{APP}:armv7").arguments, first=first),
        Case(_create("--dry-run", "oci-layout://{d}/nowhere").arguments),
    ]
    return [*fills, *uses]


def _described(tag: str = "amd64", os_version: str = "", **others: object) -> str:
    """Write the descriptor of an image, whose parts stand in braces."""
    platform = {"architecture": tag, "os": "linux"} | (
        {"os.version": os_version} if os_version else {}
    )
    descriptor = {
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": f"{{{tag}}}",
        "size": f"{{size-{tag}}}",
        "platform": platform,
        **others,
    }
    return json.dumps(descriptor).replace(f'"{{size-{tag}}}"', f"{{size-{tag}}}")


CASES = (
    *(_inspect(tag) for tag in (*_IMAGES, "urls", "nothing", "incomplete")),
    *(_inspect(tag, "--raw") for tag in _IMAGES),
    *(_inspect(tag, "--format", template) for tag in _IMAGES for template in _FORMATS),
    *(_inspect(tag, "--format", template) for tag, template in _TEMPLATES),
    _inspect("incomplete", "--format", "{{json .Image}}"),
    _inspect("amd64", "--raw", "--format", "{{.Name}}"),
    Case(("imagetools", "inspect", f"{APP}@{{amd64}}")),
    *_copies(),
    *_layouts(),
    _create("-t", "{r}/new/app:1", f"{APP}:sealed"),
    _create("--dry-run", f"{APP}:urls", f"{APP}:arm64"),
)
