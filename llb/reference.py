"""Image references: ``[domain/]path[:tag][@digest]`` and their full form.

The grammar is that of the distribution project's ``reference`` package, which
Docker and BuildKit use; the limits on lengths are its own.
"""

from __future__ import annotations

import re

from attrs import evolve, frozen

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


@frozen
class Reference:
    """A normalized reference: ``docker.io/library/alpine:latest``.

    ``path`` is the repository without the domain; ``tag`` and ``digest`` are
    absent where the text had none. The domain is empty where what looks like one has an
    underscore, ``my_host.example/app``, which Docker takes for a part of the path.
    """

    domain: str
    path: str
    tag: str | None = None
    digest: str | None = None

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Return the normalized reference that ``text`` names.

        The default domain is ``docker.io`` and a bare name there stands for
        ``library/name``. Raises InvalidValueError.

        >>> str(Reference.parse("alpine:3.20"))
        'docker.io/library/alpine:3.20'
        """
        if _IDENTIFIER.match(text):
            raise InvalidValueError(
                f"invalid reference {text!r}: 64 hexadecimal characters are an image id",
                hint="name a repository, optionally with a tag or @sha256:digest",
            )
        domain, rest = _split_domain(text)
        match = _REFERENCE.match(f"{domain}/{rest}")
        if match is None:
            raise InvalidValueError(f"invalid reference {text!r}: {_reason(text, rest)}")
        reference = cls(match["domain"] or "", match["path"], match["tag"], match["digest"])
        _check_lengths(reference, text)
        return reference

    @property
    def name(self) -> str:
        """Domain and path, without tag and digest."""
        return f"{self.domain}/{self.path}" if self.domain else self.path

    @property
    def familiar_name(self) -> str:
        """The short name that people write: ``alpine``, ``user/app``, ``ghcr.io/o/app``."""
        if self.domain != _DEFAULT_DOMAIN:
            return self.name
        rest = self.path.removeprefix(_OFFICIAL)
        return self.path if "/" in rest else rest

    @property
    def familiar(self) -> str:
        """The short form of the whole: ``alpine:3.20``."""
        return self.familiar_name + str(self).removeprefix(self.name)

    def tagged(self) -> Reference:
        """Return the reference with ``:latest`` where it has neither tag nor digest."""
        return self if self.tag or self.digest else evolve(self, tag="latest")

    def pinned(self, digest: str) -> Reference:
        """Return the reference with ``digest`` in place of any it had."""
        return evolve(self, digest=digest)

    def __str__(self) -> str:
        """Return the full form, which :meth:`parse` reads back to an equal value."""
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.name}{tag}{digest}"


def _split_domain(text: str) -> tuple[str, str]:
    """Split off the domain: a first component with a dot, a port, or ``localhost``."""
    first, slash, rest = text.partition("/")
    is_domain = slash and (
        "." in first or ":" in first or first == "localhost" or first.lower() != first
    )
    domain, rest = (first, rest) if is_domain else (_DEFAULT_DOMAIN, text)
    if domain == _LEGACY_DOMAIN:
        domain = _DEFAULT_DOMAIN
    if domain == _DEFAULT_DOMAIN and "/" not in rest:
        rest = _OFFICIAL + rest
    return domain, rest


def _check_lengths(reference: Reference, text: str) -> None:
    if len(reference.path) > _MAX_PATH:
        raise InvalidValueError(
            f"invalid reference {text!r}: the repository name has more than {_MAX_PATH} characters"
        )
    if reference.digest is not None:
        check_digest(reference.digest)


def check_digest(text: str) -> str:
    """Return ``text`` if it is a digest of a supported algorithm, else raise InvalidValueError.

    A digest is ``algorithm:hex`` with sha256, sha384 or sha512 and as many
    lower-case hexadecimal digits as the algorithm has (OCI image descriptor).
    """
    algorithm, _, hexadecimal = text.partition(":")
    length = _DIGEST_LENGTHS.get(algorithm)
    if length is None or not re.fullmatch(rf"[a-f0-9]{{{length}}}", hexadecimal):
        raise InvalidValueError(
            f"invalid digest {text!r}: expected sha256: and 64 lower-case hexadecimal digits"
        )
    return text


def _reason(text: str, rest: str) -> str:
    path = rest.split("@", maxsplit=1)[0].split(":", maxsplit=1)[0]
    if not text:
        return "it is empty"
    if path != path.lower():
        return "the repository name must be lower case"
    return "expected [domain/]name[:tag][@digest]"
