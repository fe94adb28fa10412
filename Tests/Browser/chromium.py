"""A headless Chromium, driven by its DevTools protocol over a pipe: the standard library is enough."""
import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find() -> str | None:
    """The browser of this machine: what TEMPER_BROWSER names, else the first that there is."""
    named = os.environ.get("TEMPER_BROWSER")
    return named or next((path for path in map(shutil.which, NAMES) if path), None)


class Chromium:
    """The process. Pages are its tabs."""

    def __init__(self, path: str):
        self.profile = tempfile.mkdtemp(prefix="temper-browser-")
        ours_in, theirs_out = os.pipe()
        theirs_in, ours_out = os.pipe()

        def place():
            # The protocol reads from descriptor 3 and writes to 4. High copies first: 3 and 4 may be ends of the pipes themselves.
            import fcntl

            reading, writing = fcntl.fcntl(theirs_in, fcntl.F_DUPFD, 10), fcntl.fcntl(theirs_out, fcntl.F_DUPFD, 10)
            os.dup2(reading, 3)
            os.dup2(writing, 4)

        arguments = ["--headless=new", "--remote-debugging-pipe", f"--user-data-dir={self.profile}", "--no-first-run", "--disable-gpu", "--hide-scrollbars",
                     "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"]
        if os.geteuid() == 0:
            arguments.append("--no-sandbox")
        self.process = subprocess.Popen([path, *arguments, "about:blank"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        close_fds=False, preexec_fn=place)
        os.close(theirs_in)
        os.close(theirs_out)
        self._in, self._out, self._rest = ours_in, ours_out, b""
        self._number = 0
        self.events: list[dict] = []

    def call(self, method: str, session: str | None = None, seconds: float = 60, **parameters):
        """The result of a command; events that come meanwhile are kept."""
        self._number += 1
        number = self._number
        message = {"id": number, "method": method, "params": parameters} | ({"sessionId": session} if session else {})
        os.write(self._out, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + seconds
        while True:
            answer = self._next(end)
            if answer is None:
                raise TimeoutError(method)
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            if "method" in answer:
                self.events.append(answer)

    def wait(self, seconds: float):
        """Lets events come."""
        end = time.monotonic() + seconds
        while (event := self._next(end)) is not None:
            self.events.append(event)

    def _next(self, end: float):
        while b"\0" not in self._rest:
            if not select.select([self._in], [], [], max(end - time.monotonic(), 0))[0]:
                return None
            piece = os.read(self._in, 1 << 16)
            if not piece:
                raise RuntimeError("the browser has ended")
            self._rest += piece
        line, self._rest = self._rest.split(b"\0", 1)
        return json.loads(line)

    def page(self, width: int = 1280, height: int = 900, dark: bool = False, phone: bool = False, newWindow: bool = True) -> "Page":
        return Page(self, width, height, dark, phone, newWindow)

    def close(self):
        try:
            self.call("Browser.close", seconds=5)
        except (RuntimeError, TimeoutError, OSError):
            self.process.kill()
        self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)


class Page:
    """A tab, with what its console said and what it asked for."""

    def __init__(self, browser: Chromium, width: int, height: int, dark: bool, phone: bool, newWindow: bool):
        self.browser = browser
        self.target = browser.call("Target.createTarget", url="about:blank", newWindow=newWindow)["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=self.target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def call(self, method: str, **parameters):
        return self.browser.call(method, self.session, **parameters)

    def open(self, url: str):
        self.call("Page.navigate", url=url)

    def evaluate(self, script: str):
        """The value of an expression; a promise is awaited."""
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise RuntimeError(details.get("exception", {}).get("description") or details["text"])
        return answer["result"].get("value")

    def until(self, script: str, seconds: float = 20):
        """Waits until an expression is true, and gives its value."""
        end = time.monotonic() + seconds
        while not (value := self.evaluate(script)):
            if time.monotonic() > end:
                raise TimeoutError(f"{script}: the page shows {self.evaluate('document.body.innerText')[:600]!r}")
            self.browser.wait(0.1)
        return value

    def key(self, key: str, code: int, modifiers: int = 0):
        # Only a key with its text submits a form.
        text = {"text": "\r"} if key == "Enter" and not modifiers else {}
        for kind in ("keyDown" if text else "rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, modifiers=modifiers, **text)

    def type(self, text: str):
        self.call("Input.insertText", text=text)

    def screenshot(self, path: Path, whole: bool = True):
        data = self.call("Page.captureScreenshot", captureBeyondViewport=whole, **self._clip(whole))["data"]
        path.write_bytes(base64.b64decode(data))

    def _clip(self, whole: bool):
        if not whole:
            return {}
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        return {"clip": {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 6000), "scale": 1}}

    @property
    def own_events(self) -> list[dict]:
        return [event for event in self.browser.events if event.get("sessionId") == self.session]

    @property
    def complaints(self) -> list[str]:
        """Errors and warnings of the console, refusals of the policy, uncaught exceptions."""
        found = []
        for event in self.own_events:
            parameters = event.get("params", {})
            if event["method"] == "Runtime.exceptionThrown":
                details = parameters["exceptionDetails"]
                found.append(details.get("exception", {}).get("description") or details["text"])
            elif event["method"] == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning", "assert"):
                found.append(" ".join(str(part.get("value", part.get("description"))) for part in parameters["args"]))
            elif event["method"] == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
                found.append(f"{parameters['entry']['text']} {parameters['entry'].get('url', '')}")
        return found

    @property
    def requests(self) -> list[str]:
        return [event["params"]["request"]["url"] for event in self.own_events if event["method"] == "Network.requestWillBeSent"]

    def close(self):
        self.browser.call("Target.closeTarget", targetId=self.target)
