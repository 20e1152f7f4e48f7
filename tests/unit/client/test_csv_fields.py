"""Fields of options are split as in CSV, and errors about them hide secrets."""

from __future__ import annotations

import pytest

from llb.client.csv_fields import hide_secrets


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("type=gha,token=abc,url", "type=gha,token=…,url"),
        ("secret_access_key=abc,a=b", "secret_access_key=…,a=b"),
        ('type=gha,"token=a,b",url', 'type=gha,"token=…,url'),
        ('type=gha,"token=a,b', 'type=gha,"token=…'),
        ('"token=a""b,c",d', '"token=…,d'),
        ("id=a,Value=b=c", "id=a,Value=…"),
        ("token", "token"),
    ],
)
def test_values_that_may_be_secret_are_hidden(text: str, shown: str) -> None:
    assert hide_secrets(text) == shown
