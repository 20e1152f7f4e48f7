"""A Debian package: built from a tree of files, and installed on the releases it is for."""

from llb import Scratch, State, bind, files
from llb.buildfile import Build, target

RELEASES = ("bookworm", "trixie")


def debian(build: Build, release: str) -> State:
    """Start with a release of Debian."""
    return build.image(f"debian:{release}-slim")


def package(build: Build, version: str) -> State:
    """Build the package, with its version in the name."""
    control = build.read_text("debian/control").replace("@VERSION@", version)
    tree = files({"DEBIAN/control": control}).copy(build.context(), "/", src="tree")
    built = debian(build, RELEASES[-1]).run(
        "mkdir /out && dpkg-deb --root-owner-group --build /tree /out",
        mounts=[bind(tree, "/tree", readonly=True)],
    )
    return Scratch().copy(built, "/", src="/out")


@target
def deb(build: Build, version: str = "1.0") -> State:
    """Build the package, if it can be installed and its program runs."""
    built = package(build, version)
    installed = (
        debian(build, release).run(
            "dpkg --install /deb/*.deb && test \"$(greet you)\" = 'hello you'",
            mounts=[bind(built, "/deb", readonly=True)],
            name=f"install on {release}",
        )
        for release in RELEASES
    )
    return built.requires("installed", *installed)
