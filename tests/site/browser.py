"""Headless Chromium, as Debian installs it."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from attrs import frozen
from selenium import webdriver

if TYPE_CHECKING:
    from collections.abc import Iterator

# Chromium's sandbox needs a user other than root, and /dev/shm may be small in a container.
ARGUMENTS = ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars")


@frozen
class Browser:
    """A browser with one page."""

    driver: webdriver.Chrome

    def open(self, url: str) -> None:
        """Load a page, and wait until it has loaded."""
        self.driver.get(url)

    def set_size(self, width: int, height: int) -> None:
        """Set the size of the page in CSS pixels; windows have a minimum width, pages have none."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def run(self, script: str) -> Any:
        """Run the body of a JavaScript function in the page, and get what it returns."""
        return self.driver.execute_script(script)

    def errors(self) -> list[str]:
        """Get the errors of the console since the last call."""
        entries = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        return [entry["message"] for entry in entries if entry["level"] == "SEVERE"]


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Start a browser, and stop it."""
    program = shutil.which("chromedriver")
    assert program is not None, "install chromium-driver, as dev/stack up does on Debian"
    options = webdriver.ChromeOptions()
    for argument in ARGUMENTS:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(program))
    try:
        yield Browser(driver)
    finally:
        driver.quit()
