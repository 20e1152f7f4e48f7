"""Addresses become the commands of BuildKit's connection helpers, or are refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llb.client.connect.connhelpers import FORMS, PROGRAMS, Target, command, parse_target
from llb.errors import InvalidValueError


@pytest.mark.feature("J3")
@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("podman-container://Upper_case.1/", "podman exec -i Upper_case.1 buildctl dial-stdio"),
        ("nerdctl-container://x", "nerdctl exec -i x buildctl dial-stdio"),
        (
            "nerdctl-container://x?namespace=k8s.io",
            "nerdctl exec --namespace k8s.io -i x buildctl dial-stdio",
        ),
        (
            "kube-pod://podname",
            "kubectl --context= --namespace= exec --container= -i podname -- buildctl dial-stdio",
        ),
        (
            "kube-pod://p?container=c&namespace=n&context=me%40a",
            "kubectl --context=me@a --namespace=n exec --container=c -i p -- buildctl dial-stdio",
        ),
        ("ssh://foo", "ssh -- foo buildctl dial-stdio"),
        ("ssh://foo/", "ssh -- foo buildctl dial-stdio"),
        ("ssh://foo/bar", "ssh -- foo buildctl --addr unix:///bar dial-stdio"),
        (
            "ssh://me@foo:10022/s/o/c/k/e/t.sock",
            "ssh -l me -p 10022 -- foo buildctl --addr unix:///s/o/c/k/e/t.sock dial-stdio",
        ),
        ("ssh://[::1]:22", "ssh -p 22 -- ::1 buildctl dial-stdio"),
        ("ssh://[fe80::1%25eth0]", "ssh -- fe80::1%eth0 buildctl dial-stdio"),
        ("ssh://me@corp@foo", "ssh -l me@corp -- foo buildctl dial-stdio"),
        ("ssh://me%40corp@foo", "ssh -l me@corp -- foo buildctl dial-stdio"),
        ("ssh://-x", "ssh -- -x buildctl dial-stdio"),
        ("ssh://h/a%20b", "ssh -- h buildctl --addr 'unix:///a b' dial-stdio"),
    ],
)
def test_addresses_become_commands(address: str, expected: str) -> None:
    assert " ".join(command(address)) == expected


@pytest.mark.feature("J3")
@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("docker-container://Some_builder.1/", Target("Some_builder.1")),
        ("docker-container://x?context=far", Target("x", {"context": "far"})),
        ("docker-container://x?context=", Target("x")),
    ],
)
def test_a_container_of_docker_has_a_context(address: str, expected: Target) -> None:
    assert parse_target(address) == expected


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("docker-container://", "missing name"),
        ("docker-container://-rm", "invalid name '-rm'"),
        ("docker-container://%2Drm", "invalid name '-rm'"),
        ("docker-container://a b", "unexpected ' '"),
        ("docker-container://a\n", "unexpected '\\n'"),
        ("docker-container://a/b", "unexpected path '/b'"),
        ("docker-container://a?context=-H", "invalid context '-H'"),
        ("docker-container://a?x", "bad query field: 'x'"),
        ("docker-container://[a", "invalid host"),
        ("podman-container://a?context=b", "unknown option 'context'"),
        ("kube-pod://unsupported_pod_name", "invalid name 'unsupported_pod_name'"),
        ("kube-pod://p?container=a_b", "invalid container 'a_b'"),
        ("kube-pod://p?namespace=a_b", "invalid namespace 'a_b'"),
        ("ssh://", "missing host"),
        ("ssh://me@", "missing host"),
        ("ssh://@foo", "missing user"),
        ("ssh://foo:", "invalid port ''"),
        ("ssh://foo:0", "invalid port '0'"),
        ("ssh://foo:65536", "invalid port '65536'"),
        ("ssh://[foo", "invalid host"),
        ("ssh://foo:²", "invalid port '²'"),
        ("ssh://[foo]", "invalid host"),
        ("ssh://foo?bar", "bad query field: 'bar'"),
        ("ssh://foo#bar", "unexpected '#'"),
        ("ssh://foo\0", "unexpected '\\x00'"),
        ("ssh://foo/a%00b", "unexpected '\\x00'"),
    ],
)
def test_bad_addresses_are_refused_with_the_reason_and_the_form(address: str, reason: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        parse_target(address)
    form = FORMS[address.partition("://")[0]].text
    assert caught.value.message == f"invalid address {address!r}: {reason}, expected {form}"


@pytest.mark.feature("Q9")
def test_a_password_is_refused_and_not_shown() -> None:
    with pytest.raises(InvalidValueError) as caught:
        command("ssh://me:open@sesame@foo")
    assert caught.value.message == (
        "invalid address 'ssh://me:…@foo': a password is not supported, "
        f"expected {FORMS['ssh'].text}"
    )


def test_a_similar_option_is_suggested() -> None:
    with pytest.raises(InvalidValueError) as caught:
        command("kube-pod://a?namspace=b")
    assert caught.value.message == (
        "invalid address 'kube-pod://a?namspace=b': unknown option 'namspace', "
        f"expected {FORMS['kube-pod'].text}"
    )
    assert caught.value.hint == "did you mean namespace?"


@given(st.sampled_from(sorted(PROGRAMS)), st.text() | st.text("a-%0[]:@/?=&\0", max_size=12))
def test_any_string_becomes_a_command_or_is_refused(scheme: str, location: str) -> None:
    try:
        arguments = command(f"{scheme}://{location}")
    except InvalidValueError:
        return
    assert arguments is not None
    assert arguments[0] in {"podman", "nerdctl", "kubectl", "ssh"}
    assert arguments[-1] == "dial-stdio"
    assert all("\0" not in word for word in arguments)
