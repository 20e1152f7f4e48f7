"""The fake gateway service answers frontends as BuildKit does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb import Scratch, from_definition
from llb.gateway import Result
from llb.testing.gateway import run_frontend

if TYPE_CHECKING:
    from llb.gateway import Gateway, Request

TREES = {name: Scratch().mkfile("/name", name).marshal() for name in ("amd64", "arm64")}


def test_trees_of_another_frontend_come_with_their_definitions() -> None:
    def one(_: Request, gateway: Gateway) -> Result:
        return Result(gateway.solve(TREES["amd64"]))

    def several(_: Request, gateway: Gateway) -> Result:
        refs = {f"linux/{name}": gateway.solve(tree) for name, tree in TREES.items()}
        return Result(refs=refs)

    def outer(_: Request, gateway: Gateway) -> Result:
        single = gateway.solve_frontend("one.v0", {}).ref
        refs = gateway.solve_frontend("several.v0", {}).refs
        assert single is not None
        definitions = {
            "": single.definition,
            **{name: ref.definition for name, ref in refs.items()},
        }
        heads = {
            name: None if definition is None else definition.head
            for name, definition in definitions.items()
        }
        assert heads == {
            "": TREES["amd64"].head,
            "linux/amd64": TREES["amd64"].head,
            "linux/arm64": TREES["arm64"].head,
        }
        arm64 = refs["linux/arm64"].definition
        assert arm64 is not None
        return Result(gateway.solve(from_definition(arm64).mkdir("/more").marshal()))

    outcome = run_frontend(outer, frontends={"one.v0": one, "several.v0": several})
    outcome.checked()


def test_an_image_in_a_layout_is_found_by_its_digest() -> None:
    name = f"example.com/app@sha256:{'a' * 64}"

    def frontend(_: Request, gateway: Gateway) -> Result:
        image = gateway.resolve_image_config(name, layout=("session", "store"))
        assert (image.digest, image.config) == (f"sha256:{'a' * 64}", b"{}")
        return Result()

    run_frontend(frontend, images={f"oci-layout://{name}": "{}"}).checked()


def test_an_empty_tree_of_another_frontend_has_no_definition() -> None:
    def empty(_: Request, gateway: Gateway) -> Result:
        return Result(gateway.solve(Scratch().marshal()))

    def outer(_: Request, gateway: Gateway) -> Result:
        result = gateway.solve_frontend("empty.v0", {})
        assert result.ref is None or result.ref.definition is None
        return result

    run_frontend(outer, frontends={"empty.v0": empty}).checked()
