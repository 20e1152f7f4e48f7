"""Imports that run when they are first needed."""

from __future__ import annotations

import sys
from importlib import import_module
from pkgutil import iter_modules
from textwrap import dedent
from threading import Thread
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from llb._lazy import lazy_imports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Write = Callable[..., None]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Write modules that can be imported during the test."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)

    def write_module(path: str, source: str = "") -> None:
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(dedent(source))

    yield write_module
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_a_package_imports_the_module_of_a_name_when_the_name_is_read(write: Write) -> None:
    write("shop/bread.py", "class Loaf: pass")
    write(
        "shop/__init__.py",
        """
        from llb._lazy import lazy_exports

        with lazy_exports(__name__):
            from shop.bread import Loaf as Loaf
        """,
    )
    shop = import_module("shop")
    assert shop.__all__ == ["Loaf"]
    assert "Loaf" in dir(shop)
    assert "shop.bread" not in sys.modules
    assert shop.Loaf is sys.modules["shop.bread"].Loaf
    assert vars(shop)["Loaf"] is shop.Loaf


def test_a_module_of_a_package_is_imported_when_it_is_read(write: Write) -> None:
    write("shop/bread.py", "price = 3")
    write("shop/cake.py", "import shop_that_closed")
    write("shop/_till.py")
    write(
        "shop/__init__.py",
        """
        from llb._lazy import lazy_exports

        with lazy_exports(__name__):
            from mill import flour as flour
        """,
    )
    shop = import_module("shop")
    assert shop.bread.price == 3
    assert not hasattr(shop, "_till")
    with pytest.raises(ModuleNotFoundError, match="No module named 'shop_that_closed'"):
        shop.cake  # noqa: B018


def test_a_package_has_no_other_names(write: Write) -> None:
    write(
        "shop/__init__.py",
        """
        from llb._lazy import lazy_exports

        with lazy_exports(__name__):
            from shop.bread import Loaf as Loaf
        """,
    )
    with pytest.raises(AttributeError, match="module 'shop' has no attribute 'Cake'"):
        import_module("shop").Cake  # noqa: B018


@pytest.mark.parametrize(
    "statement",
    [
        "import shop.bread as bread",
        "from shop import bread",
    ],
)
def test_a_module_imports_another_when_an_attribute_of_it_is_read(
    write: Write, statement: str
) -> None:
    write("shop/__init__.py")
    write("shop/bread.py", "price = 3")
    write(
        "customer.py",
        f"""
        from llb._lazy import lazy_imports

        with lazy_imports(__name__):
            {statement}

        def pay():
            return bread.price
        """,
    )
    customer = import_module("customer")
    assert "shop.bread" not in sys.modules
    assert isinstance(customer.bread, ModuleType)
    assert customer.pay() == 3
    assert "shop.bread" in sys.modules


def test_the_code_of_a_package_imports_a_module_when_it_needs_it(write: Write) -> None:
    write("shop/bread.py", "price = 3")
    write(
        "shop/__init__.py",
        """
        from llb._lazy import lazy_imports

        with lazy_imports(__name__):
            from shop import bread

        def sell():
            return bread.price
        """,
    )
    assert import_module("shop").sell() == 3


def test_a_missing_module_is_an_import_error_when_it_is_needed(write: Write) -> None:
    write(
        "customer.py",
        """
        from llb._lazy import lazy_imports

        with lazy_imports(__name__):
            import shop_that_closed
        """,
    )
    customer = import_module("customer")
    with pytest.raises(ModuleNotFoundError, match="No module named 'shop_that_closed'"):
        customer.shop_that_closed.price  # noqa: B018


def test_a_dotted_import_needs_a_name(write: Write) -> None:
    write(
        "customer.py",
        """
        from llb._lazy import lazy_imports

        with lazy_imports(__name__):
            import shop.bread
        """,
    )
    with pytest.raises(ImportError, match=r"a lazy import of shop\.bread needs `as`"):
        import_module("customer")


def test_other_modules_and_threads_import_as_usual_meanwhile(write: Write) -> None:
    write("bakery.py", "price = 3")
    prices = []

    def buy() -> None:
        prices.append(import_module("bakery").price)
        namespace: dict[str, int] = {}
        exec("from bakery import price", namespace)
        prices.append(namespace["price"])

    with lazy_imports(__name__):
        thread = Thread(target=buy)
        thread.start()
        thread.join()
    assert prices == [3, 3]


@pytest.mark.parametrize(
    "name", ["llb", "llb.client", "llb.frontend", "llb.gateway", "llb.testing"]
)
def test_no_public_name_is_that_of_a_module_beside_it(name: str) -> None:
    """An import of the module would replace the name."""
    package = import_module(name)
    assert not {module.name for module in iter_modules(package.__path__)} & set(package.__all__)


def test_a_package_lists_modules_of_its_own_and_of_others(write: Write) -> None:
    write("mill/__init__.py")
    write("mill/flour.py")
    write("shop/bread.py", "price = 3")
    write(
        "shop/__init__.py",
        """
        from llb._lazy import lazy_exports

        with lazy_exports(__name__):
            from mill import flour as flour
            from shop import bread as bread
        """,
    )
    shop = import_module("shop")
    assert shop.__all__ == ["bread", "flour"]
    assert not {"mill.flour", "shop.bread"} & set(sys.modules)
    assert shop.flour is sys.modules["mill.flour"]
    assert shop.bread is sys.modules["shop.bread"]
