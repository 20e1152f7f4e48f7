"""The pages of the site in a browser: they fit the screen, and the search finds guides."""

from __future__ import annotations

from functools import partial
from http.server import SimpleHTTPRequestHandler
from typing import TYPE_CHECKING

import pytest

from tests.http_server import http_server
from tests.site.browser import Browser, running_browser
from tests.timing import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# A monitor and a phone, in CSS pixels.
WIDTHS = (1440, 390)
HEIGHT = 900
# The elements that end to the right of the screen, unless a box in the page scrolls to them. The
# theme scrolls the whole content otherwise, so the width of the document says nothing.
CUT_OFF = """
const scrolls = element => ['auto', 'scroll'].includes(getComputedStyle(element).overflowX);
const isWide = element => element.getBoundingClientRect().right > innerWidth + 1;
const cut = element => {
  for (let box = element; box.tagName !== 'ARTICLE'; box = box.parentElement) {
    if (scrolls(box) && !isWide(box)) return false;
  }
  return isWide(element);
};
const elements = [...document.querySelectorAll('article, article *')];
return elements.filter(cut).map(element => element.outerHTML.slice(0, 200));
"""
RESULTS = "return [...document.querySelectorAll('ul.search li a')].map(link => link.textContent)"
FIRST_RESULTS = 5

# It needs Chromium, which `dev/stack up` installs; Sphinx imports everything that it documents.
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


class Handler(SimpleHTTPRequestHandler):
    """Serve files without a log."""

    def log_message(self, *arguments: object) -> None:
        """Print nothing."""


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """The URL of a server of the site: from files, a page cannot search the others."""
    with http_server(partial(Handler, directory=site)) as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for all tests of this file."""
    with running_browser() as running:
        yield running


@pytest.mark.parametrize("width", WIDTHS)
def test_every_page_fits_the_screen_without_errors(
    site: Path, address: str, browser: Browser, width: int
) -> None:
    browser.set_size(width, HEIGHT)
    browser.errors()
    cut_by_page = {}
    pages = [path.relative_to(site).as_posix() for path in sorted(site.rglob("*.html"))]
    assert len(pages) > 60
    for page in pages:
        browser.open(f"{address}/{page}")
        if cut := browser.run(CUT_OFF):
            cut_by_page[page] = cut
    assert cut_by_page == {}
    assert browser.errors() == []


def test_an_element_that_is_too_wide_is_found(address: str, browser: Browser) -> None:
    browser.set_size(WIDTHS[1], HEIGHT)
    browser.open(f"{address}/index.html")
    browser.run("document.querySelector('article p').style.width = '3000px'")
    assert browser.run(CUT_OFF)[0].startswith("<p ")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    ("words", "title"),
    [
        ("secrets", "Secrets and ssh"),
        ("asyncio", "Build with asyncio"),
        ("exec format error", "Troubleshooting"),
    ],
)
def test_the_search_finds_a_guide_first(
    address: str, browser: Browser, width: int, words: str, title: str
) -> None:
    browser.set_size(width, HEIGHT)
    browser.open(f"{address}/search.html?q={words.replace(' ', '+')}")
    wait_until(lambda: title in browser.run(RESULTS)[:FIRST_RESULTS])
    assert browser.run(CUT_OFF) == []
    assert browser.errors() == []
