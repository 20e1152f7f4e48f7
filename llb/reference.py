"""Image references: parse ``[domain/]path[:tag][@digest]`` and expand it to its full form.

The grammar and the limits on lengths are those of the distribution project's ``reference`` package,
which Docker and BuildKit use.
"""

from __future__ import annotations

import re

from attrs import evolve, frozen

from llb.arguments.checked import checked, checked_init
from llb.errors import InvalidValueError

_DEFAULT_DOMAIN = "docker.io"
_LEGACY_DOMAIN = "index.docker.io"
_OFFICIAL = "library/"
_MAX_PATH = 255

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_HOST_PART = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_HOST = rf"(?:{_HOST_PART}(?:\.{_HOST_PART})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_DIGEST = r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}"
_REFERENCE = re.compile(
    rf"(?:(?P<domain>{_HOST})/)?(?P<path>{_COMPONENT}(?:/{_COMPONENT})*)"
    rf"(?::(?P<tag>[\w][\w.-]{{0,127}}))?(?:@(?P<digest>{_DIGEST}))?\Z",
    re.ASCII,
)
_DIGEST_LENGTHS = {"sha256": 64, "sha384": 96, "sha512": 128}
_IDENTIFIER = re.compile(r"[a-f0-9]{64}\Z")


@checked_init
@frozen
class Reference:
    """A normalized image reference: ``docker.io/library/alpine:latest``.

    ``path`` is the repository without the domain. ``tag`` and ``digest`` are None if the parsed
    string had none. ``domain`` is empty if the host name contains an underscore, as in
    ``my_host.example/app``; Docker counts such a name as part of the path.
    """

    domain: str
    path: str
    tag: str | None = None
    digest: str | None = None

    @classmethod
    @checked
    def parse(cls, text: str) -> Reference:
        """Parse and normalize an image reference.

        The default domain is ``docker.io``; a bare name there is expanded to ``library/name``.
        Raises InvalidValueError if the reference is malformed.

        >>> str(Reference.parse("alpine:3.20"))
        'docker.io/library/alpine:3.20'
        """
        if _IDENTIFIER.match(text):
            raise InvalidValueError(
                f"invalid reference {text!r}: 64 hexadecimal characters are an image id",
                hint="name a repository, optionally with a tag or @sha256:digest",
            )
        domain, remainder = _split_domain(text)
        match = _REFERENCE.match(f"{domain}/{remainder}")
        if match is None:
            raise InvalidValueError(f"invalid reference {text!r}: {_reason(text, remainder)}")
        reference = cls(match["domain"] or "", match["path"], match["tag"], match["digest"])
        _check_lengths(reference, text)
        return reference

    @property
    def name(self) -> str:
        """The domain and path, without tag and digest."""
        return f"{self.domain}/{self.path}" if self.domain else self.path

    @property
    def familiar_name(self) -> str:
        """The short name that people write: ``alpine``, ``user/app``, ``ghcr.io/o/app``."""
        if self.domain != _DEFAULT_DOMAIN:
            return self.name
        short_path = self.path.removeprefix(_OFFICIAL)
        return self.path if "/" in short_path else short_path

    @property
    def familiar(self) -> str:
        """The short form with tag and digest: ``alpine:3.20``."""
        return self.familiar_name + str(self).removeprefix(self.name)

    def tagged(self) -> Reference:
        """Add ``:latest`` if the reference has neither tag nor digest."""
        return self if self.tag or self.digest else evolve(self, tag="latest")

    @checked
    def pinned(self, digest: str) -> Reference:
        """Set or replace the digest."""
        return evolve(self, digest=digest)

    def __str__(self) -> str:
        """Format the full form, which :meth:`parse` reads back to an equal value."""
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.name}{tag}{digest}"


def _split_domain(reference: str) -> tuple[str, str]:
    """Split off the domain: the first component if it looks like a host name.

    It does if it contains a dot, a port or a capital letter, or is ``localhost``.
    """
    first, slash, remainder = reference.partition("/")
    is_domain = slash and (
        "." in first or ":" in first or first == "localhost" or first.lower() != first
    )
    domain, remainder = (first, remainder) if is_domain else (_DEFAULT_DOMAIN, reference)
    if domain == _LEGACY_DOMAIN:
        domain = _DEFAULT_DOMAIN
    if domain == _DEFAULT_DOMAIN and "/" not in remainder:
        remainder = _OFFICIAL + remainder
    return domain, remainder


def _check_lengths(reference: Reference, text: str) -> None:
    if len(reference.path) > _MAX_PATH:
        raise InvalidValueError(
            f"invalid reference {text!r}: the repository name has more than {_MAX_PATH} characters"
        )
    if reference.digest is not None:
        check_digest(reference.digest)


def check_digest(text: str) -> str:
    """Validate a digest and return it. Raises InvalidValueError if it is malformed.

    A digest is ``algorithm:hex`` with sha256, sha384 or sha512 and the algorithm's number of
    lower-case hexadecimal digits (OCI image descriptor).
    """
    algorithm, _, hexadecimal = text.partition(":")
    length = _DIGEST_LENGTHS.get(algorithm)
    if length is None or not re.fullmatch(rf"[a-f0-9]{{{length}}}", hexadecimal):
        raise InvalidValueError(
            f"invalid digest {text!r}: expected sha256: and 64 lower-case hexadecimal digits"
        )
    return text


def _reason(text: str, remainder: str) -> str:
    path = remainder.split("@", maxsplit=1)[0].split(":", maxsplit=1)[0]
    if not text:
        return "it is empty"
    if "://" in text:
        return "it is a URL, expected [domain/]name[:tag][@digest]"
    if path != path.lower():
        return "the repository name must be lower case"
    return "expected [domain/]name[:tag][@digest]"
