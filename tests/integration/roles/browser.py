# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A headless Chromium: the machine's own, or Debian's unpacked beside the sandbox's servers. It is spoken to by the
DevTools protocol over a pair of pipes.

https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.sandbox.servers import debian

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome-headless-shell")
MISSING = "There is no Chromium on PATH, nor apt to fetch it with; install it, or Google Chrome."
SECONDS = 60
"""for an answer"""


_HEADLESS = debian.Wanted(
    packages=("chromium-headless-shell", "fonts-dejavu-core"),
    programs=("usr/lib/chromium/chromium-headless-shell",),
    libraries=("pulseaudio",),
    otherwise="install chromium",
)


@dataclass(frozen=True)
class Program:
    path: str
    environment: Mapping[str, str] = field(default_factory=dict)


def find(cache: Path) -> Program | None:
    """From PATH; where it is not there, out of Debian's packages, which are fetched into ``cache`` at the first call.

    Raises SandboxError.
    """
    for name in NAMES:
        if found := shutil.which(name):
            return Program(found)
    if not debian.available():
        return None
    prefix = debian.unpacked(cache / "chromium", _HEADLESS)
    fonts = {"FONTCONFIG_PATH": str(prefix / "etc" / "fonts"), "XDG_DATA_HOME": str(prefix / "usr" / "share")}
    return Program(str(prefix / _HEADLESS.programs[0]), fonts)


class Page:
    """One tab. ``events`` has everything that the browser told without being asked."""

    def __init__(self, requests: int, answers: int) -> None:
        self._requests, self._answers = requests, answers
        self._unread = b""
        self._number = 0
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log", "Audits"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Raises AssertionError with the browser's own words."""
        self._number += 1
        request: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            request["sessionId"] = self._session
        os.write(self._requests, json.dumps(request).encode() + b"\0")
        while True:
            message = self._message()
            if message.get("id") != self._number:
                self.events.append(message)
                continue
            assert "error" not in message, f"{method}: {message}"
            result: dict[str, Any] = message["result"]
            return result

    def _message(self) -> dict[str, Any]:
        deadline = time.monotonic() + SECONDS
        while b"\0" not in self._unread:
            ready, _writable, _failed = select.select([self._answers], [], [], max(0, deadline - time.monotonic()))
            read = os.read(self._answers, 1 << 20) if ready else b""
            assert read, "Chromium ended, or did not answer in time."
            self._unread += read
        message, _end, self._unread = self._unread.partition(b"\0")
        decoded: dict[str, Any] = json.loads(message)
        return decoded

    def open(self, path: Path) -> None:
        """Returns when the page's own script has run."""
        self.call("Page.navigate", url=path.as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.events.append(self._message())

    def evaluate(self, expression: str) -> Any:
        """What the expression comes to, as JSON. A promise is waited for."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def press(self, key: str, code: int = 0, text: str = "") -> None:
        kind = "keyDown" if text else "rawKeyDown"
        self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, text=text)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, code=key, windowsVirtualKeyCode=code)

    def prefer(self, scheme: str, media: str = "") -> None:
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", media=media, features=features)

    def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def pdf(self) -> bytes:
        return base64.b64decode(self.call("Page.printToPDF", preferCSSPageSize=True)["data"])


@contextlib.contextmanager
def browser(program: Program, folder: Path) -> Iterator[Page]:
    """``folder``: for its profile. It reads requests from descriptor 3 and answers on 4."""
    to_browser, to_us = os.pipe(), os.pipe()
    words = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
    words += ["--remote-debugging-pipe", f"--user-data-dir={folder}", "--window-size=1360,1000", "about:blank"]
    wiring = f'exec "$0" "$@" 3<&{to_browser[0]} 4>&{to_us[1]}'
    with subprocess.Popen(
        ["bash", "-c", wiring, program.path, *words],
        env={**os.environ, **program.environment},
        pass_fds=(to_browser[0], to_us[1]),
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    ) as process:
        os.close(to_browser[0])
        os.close(to_us[1])
        try:
            yield Page(to_browser[1], to_us[0])
        finally:
            process.terminate()
            os.close(to_browser[1])
            os.close(to_us[0])
