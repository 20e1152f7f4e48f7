"""The table of lint rules."""

from __future__ import annotations

import re

from llb.dockerfile.lint import RULES


def test_there_are_22_rules_and_their_pages_follow_from_their_names() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES) == 22
    for rule in RULES:
        kebab = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", rule.name).lower()
        page = f"https://docs.docker.com/go/dockerfile/rule/{kebab}/"
        assert rule.url in ("", page)
    assert [rule.name for rule in RULES if not rule.url] == ["InvalidBaseImagePlatform"]
