"""Drive headless Chromium: chromedriver speaks WebDriver, which is JSON over HTTP."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Seconds for one command; a busy machine needs some for a page.
TIMEOUT = 120
# Chromium's sandbox needs a user other than root, and /dev/shm may be small in a container.
ARGUMENTS = ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars")


@frozen
class Browser:
    """A session of WebDriver. Failed commands raise HTTPError."""

    session: str

    def command(self, path: str, **parameters: object) -> Any:
        """Send a command with a body, and get its value."""
        return _send("POST", f"{self.session}/{path}", parameters)

    def open(self, url: str) -> None:
        """Load a page, and wait until it has loaded."""
        self.command("url", url=url)

    def set_size(self, width: int, height: int) -> None:
        """Set the size of the page in CSS pixels; windows have a minimum width, pages have none."""
        self.cdp(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def cdp(self, command: str, **parameters: object) -> Any:
        """Send a command of the Chrome DevTools protocol."""
        return self.command("goog/cdp/execute", cmd=command, params=parameters)

    def run(self, script: str) -> Any:
        """Run the body of a JavaScript function in the page, and get what it returns."""
        return self.command("execute/sync", script=script, args=[])

    def errors(self) -> list[str]:
        """Get the errors of the console since the last call."""
        entries = self.command("se/log", type="browser")
        return [entry["message"] for entry in entries if entry["level"] == "SEVERE"]

    def screenshot(self, file: Path) -> None:
        """Save the visible part of the page as a PNG."""
        file.write_bytes(base64.b64decode(_send("GET", f"{self.session}/screenshot", None)))


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Start chromedriver with a session, and stop both."""
    program = shutil.which("chromedriver")
    assert program is not None, "install chromium-driver, as dev/stack up does on Debian"
    with subprocess.Popen([program, "--port=0"], stdout=subprocess.PIPE, text=True) as driver:
        try:
            session = _start(f"http://127.0.0.1:{_port(driver)}/session")
            yield Browser(session)
            _send("DELETE", session, None)
        finally:
            driver.terminate()


def _start(url: str) -> str:
    options = {"args": ARGUMENTS}
    capabilities = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
    value = _send("POST", url, {"capabilities": {"alwaysMatch": capabilities}})
    return f"{url}/{value['sessionId']}"


def _port(driver: subprocess.Popen[str]) -> int:
    """Read the port that chromedriver chose from its output."""
    assert driver.stdout is not None
    for line in driver.stdout:
        if match := re.search(r"started successfully on port (\d+)", line):
            return int(match[1])
    raise AssertionError("chromedriver ended before it listened")


def _send(method: str, url: str, body: object) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, method=method)
    with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
        return json.load(response)["value"]
