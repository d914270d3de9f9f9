"""Headless Chromium that a test drives over its debugging pipe: pages at a phone's or a desk's width, scripts, keys, pictures."""

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.acceptance.processes import kill, missing

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars",
)  # fmt: skip
SECONDS = 30


class Browser:
    """One tab; `console` has what pages write and what their policy stops."""

    def __init__(self, commands: int, events: int) -> None:
        self._commands, self._events = commands, events
        self._rest, self._number = b"", 0
        self._session = ""
        self.console: list[str] = []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **params: Any) -> Any:
        """The result of a command of Chromium's DevTools protocol."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while (found := self._receive()).get("id") != self._number:
            if found.get("method") in ("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled"):
                self.console.append(json.dumps(found["params"]))
        assert "error" not in found, found
        return found["result"]

    def open(self, address: str, width: int) -> None:
        """A page in a new document, in a window of that width."""
        self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600
        )
        self.send("Page.navigate", url="about:blank")
        self.send("Page.navigate", url=address)
        self.wait("location.href !== 'about:blank' && document.readyState !== 'loading'")

    def run(self, script: str) -> Any:
        """The value of a script, which may be a promise."""
        found = self.send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def wait(self, script: str) -> None:
        """Wait until a script is true."""
        end = time.monotonic() + SECONDS
        while not self.run(script):
            assert time.monotonic() < end, script
            time.sleep(0.05)

    def press(self, key: str, text: str = "") -> None:
        """Press a key, such as Tab."""
        for kind in ("keyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, key=key, code=key, text=text if kind == "keyDown" else "",
                      windowsVirtualKeyCode={"Tab": 9, "Enter": 13}[key])  # fmt: skip

    def picture(self, file: Path) -> None:
        """Write the whole page as PNG."""
        found = self.send("Page.captureScreenshot", captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(found["data"]))

    def _receive(self) -> Any:
        while b"\0" not in self._rest:
            data = os.read(self._events, 2**20)
            assert data, "Chromium ended"
            self._rest += data
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """Chromium with a new profile, until the block ends."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or missing("chromium: not on PATH")
    theirs_in, commands = os.pipe()
    events, theirs_out = os.pipe()
    # Chromium reads commands from descriptor 3 and writes events to 4.
    shell = f'exec "$0" "$@" 3<&{theirs_in} 4>&{theirs_out}'
    words = [program, *FLAGS, "--remote-debugging-pipe", f"--user-data-dir={profile}"]
    process = subprocess.Popen(
        ["bash", "-c", shell, *words], pass_fds=(theirs_in, theirs_out), start_new_session=True, text=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(theirs_in)
    os.close(theirs_out)
    try:
        yield Browser(commands, events)
    finally:
        kill(process)
        os.close(commands)
        os.close(events)
