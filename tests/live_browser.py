"""A real headless browser that is used: keys are pressed, pages are opened again, files are saved."""

import base64
import contextlib
import fcntl
import json
import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from tests.browser import program

_OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
_OPTIONS += ("--disable-component-update", "--disable-sync", "--hide-scrollbars", "--remote-debugging-pipe")
_SECONDS = 30
_CODES = {"Enter": 13, "Escape": 27, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Tab": 9}


class LiveBrowser:
    """A browser with one tab, driven through a pipe by Chromium's own protocol.

    What a page writes to the console, as errors do, fails the test when the browser is closed.
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        self.said, self.n_sent, self.buffer = [], 0, b""
        asks, self.asks = os.pipe()
        self.answers, answers = os.pipe()
        self.process = _started(
            [program(), *_OPTIONS, f"--user-data-dir={self.folder / 'live-profile'}"], asks, answers
        )
        (page,) = [one for one in self.send("Target.getTargets")["targetInfos"] if one["type"] == "page"]
        attached = self.send("Target.attachToTarget", targetId=page["targetId"], flatten=True)
        self.session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.send(f"{domain}.enable")

    session = None

    def start_anew(self, folder):
        """Forget what pages have kept, and let files be saved in a folder."""
        self.downloads = Path(folder)
        self.send("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder))
        self.send("Storage.clearDataForOrigin", origin="file://", storageTypes="all")

    def send(self, method, **params):
        """Ask for something and return the answer."""
        self.n_sent += 1
        message = {"id": self.n_sent, "method": method, "params": params}
        if self.session is not None and not method.startswith(("Target.", "Browser.")):
            message["sessionId"] = self.session
        os.write(self.asks, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self.n_sent:
                assert "error" not in answer, answer
                return answer["result"]

    def _next(self):
        """Return the next message; note what the page complains of."""
        while b"\0" not in self.buffer:
            part = os.read(self.answers, 1 << 20)
            assert part, "the browser has ended"
            self.buffer += part
        text, self.buffer = self.buffer.split(b"\0", 1)
        message = json.loads(text)
        if message.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled"):
            self.said.append(message["params"])
        return message

    def open(self, page, size=(1280, 900), dark=False):
        """Open a page, again if it is open, in a window of a size."""
        self.send(
            "Emulation.setDeviceMetricsOverride", width=size[0], height=size[1], deviceScaleFactor=1, mobile=False
        )
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.send("Emulation.setEmulatedMedia", features=scheme)
        self.send("Page.navigate", url="about:blank")
        self.send("Page.navigate", url=Path(page).resolve().as_uri())
        self.wait("location.protocol === 'file:' && document.readyState === 'complete'")

    def value(self, expression):
        """Return what an expression is on the page."""
        done = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def wait(self, expression):
        """Wait until an expression is true."""
        end = time.monotonic() + _SECONDS
        while not self.value(expression):
            assert time.monotonic() < end, f"never true: {expression}"
            time.sleep(0.02)

    def text(self, selector):
        """Return what a reader sees of the first element that a selector finds."""
        return self.value(f"document.querySelector({json.dumps(selector)}).innerText")

    def press(self, *keys):
        """Press keys one after the other."""
        for key in keys:
            code = _CODES.get(key, ord(key[0].upper()))
            what = {"key": key, "windowsVirtualKeyCode": code}
            text = {"text": "\r" if key == "Enter" else key} if len(key) == 1 or key == "Enter" else {}
            self.send("Input.dispatchKeyEvent", type="keyDown", **what, **text)
            self.send("Input.dispatchKeyEvent", type="keyUp", **what)

    def type(self, text):
        """Type a text where the focus is."""
        self.send("Input.insertText", text=text)

    def click(self, selector, at=(0.5, 0.5)):
        """Click on the first element that a selector finds, at a share of its width and height."""
        box = f"document.querySelector({json.dumps(selector)})"
        place = self.value(f"{box}.scrollIntoView({{block: 'center'}}), {box}.getBoundingClientRect().toJSON()")
        x, y = place["x"] + at[0] * place["width"], place["y"] + at[1] * place["height"]
        for what in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=what, x=x, y=y, button="left", clickCount=1)

    def saved(self, name):
        """Return the path of a file that the page saves."""
        path, end = self.downloads / name, time.monotonic() + _SECONDS
        while not path.exists():
            assert time.monotonic() < end, f"{name} is not saved"
            time.sleep(0.02)
        return path

    def screenshot(self, path):
        """Write a picture of the window as PNG."""
        Path(path).write_bytes(base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"]))

    def close(self):
        """End the browser, and fail if the page complained of something."""
        os.kill(self.process, signal.SIGTERM)
        os.waitpid(self.process, 0)
        os.close(self.asks)
        os.close(self.answers)
        with contextlib.suppress(OSError):
            shutil.rmtree(self.folder / "live-profile")
        if self.said:
            pytest.fail(f"the page says: {self.said}")


def _started(command, asks, answers):
    """Start a program that reads from one end of a pipe as its file 3 and writes to another as 4; return its number."""
    far = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (asks, answers)]  # so that neither is in the way
    actions = [(os.POSIX_SPAWN_DUP2, end, number) for end, number in zip(far, (3, 4), strict=True)]
    actions.append((os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0))
    process = os.posix_spawn(command[0], command, os.environ, file_actions=actions)
    for end in (asks, answers, *far):
        os.close(end)
    return process
