# SPDX-License-Identifier: GPL-2.0-or-later
"""A headless Chromium in a guest's namespace, spoken to over --remote-debugging-pipe: JSON messages that end in NUL.

No driver program and no port: the browser reads from its descriptor 3 and writes to its descriptor 4.
"""
import base64
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time


class BrowserError(Exception):
    pass


class Browser:
    """One browser and the page that it was attached to last.  prefix: a command that runs the browser, as in
    client.Client.inside(), instead of the plain namespace."""

    def __init__(self, namespace, binary="/usr/bin/chromium", log=None, options=(), prefix=None):
        self._profile = tempfile.mkdtemp(prefix="portald-chromium-")
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()
        # Descriptors 3 and 4 are set up by the shell, which may find the pipes there already.
        command = 'exec 108<&"$1" 109>&"$2" 3<&108 4>&109 108<&- 109>&-; shift 2; exec "$@"'
        argv = [*(prefix or ["ip", "netns", "exec", namespace]), "bash", "-c", command, "-", str(to_browser),
                str(from_browser), binary,
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
                "--force-color-profile=srgb", "--lang=en-US", f"--user-data-dir={self._profile}",
                "--remote-debugging-pipe", *options, "about:blank"]
        self._log = open(log or os.devnull, "wb")
        self._process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log,
                                         pass_fds=(to_browser, from_browser), start_new_session=True,
                                         env={**os.environ, "HOME": self._profile})
        os.close(to_browser)
        os.close(from_browser)
        self._buffer, self._id, self.events = b"", 0, []
        try:
            self.attach(self.pages()[0])
        except BaseException:
            self.close()
            raise

    # ---- the protocol

    def _message(self, deadline):
        while b"\0" not in self._buffer:
            ready = select.select([self._read], [], [], max(0, deadline - time.monotonic()))[0]
            data = os.read(self._read, 1 << 20) if ready else None
            if not data:
                raise BrowserError("no answer in time" if data is None else "the browser has ended")
            self._buffer += data
        text, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(text)

    def _call(self, method, session, timeout=30.0, **params):
        self._id += 1
        message = {"id": self._id, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + timeout
        while True:
            got = self._message(deadline)
            if got.get("id") == self._id:
                if "error" in got:
                    raise BrowserError(f"{method}: {got['error']}")
                return got["result"]
            if "method" in got:
                self.events.append(got)

    def call(self, method, **params):
        return self._call(method, self._session, **params)

    def pages(self):
        """The pages that are open, by their ids."""
        return [t["targetId"] for t in self._call("Target.getTargets", None)["targetInfos"] if t["type"] == "page"]

    def attach(self, page):
        """What is called from now on is about this page."""
        self.page = page
        self._session = self._call("Target.attachToTarget", None, targetId=page, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "DOM"):
            self.call(domain + ".enable")

    def fresh_profile(self):
        """One page in a profile of its own, which knows nothing; returns the profile."""
        profile = self._call("Target.createBrowserContext", None)["browserContextId"]
        self.attach(self._call("Target.createTarget", None, url="about:blank", browserContextId=profile)["targetId"])
        return profile

    def drop_profile(self, profile):
        self._call("Target.disposeBrowserContext", None, browserContextId=profile)

    def wait_event(self, method, timeout=20.0, since=0):
        """The first event of this kind after number `since` of self.events."""
        deadline = time.monotonic() + timeout
        while True:
            for event in self.events[since:]:
                if event["method"] == method:
                    return event["params"]
            got = self._message(deadline)
            if "method" in got:
                self.events.append(got)

    # ---- pages

    def evaluate(self, script, timeout=30.0):
        """Runs a script in a world of its own, which the page's content security policy does not bind; its value."""
        frame = self.call("Page.getFrameTree")["frameTree"]["frame"]["id"]
        world = self.call("Page.createIsolatedWorld", frameId=frame, worldName="test")["executionContextId"]
        result = self._call("Runtime.evaluate", self._session, timeout, expression=script, contextId=world,
                            returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise BrowserError(result["exceptionDetails"].get("exception", {}).get("description", "exception"))
        return result["result"].get("value")

    def open(self, url):
        """Navigates; the main document's response (its first, where the page itself moves on afterwards)."""
        since = len(self.events)
        result = self.call("Page.navigate", url=url)
        if result.get("errorText") and result["errorText"] != "net::ERR_HTTP_RESPONSE_CODE_FAILURE":
            raise BrowserError(f"{url}: {result['errorText']}")
        self.wait_event("Page.loadEventFired", since=since)
        return next(e["params"]["response"] for e in self.events[since:] if e["method"] == "Network.responseReceived"
                    and e["params"]["type"] == "Document")

    def wait(self, script, what, timeout=15.0):
        """Until a script is true.  A page that is just being left answers nothing, and is asked again."""
        deadline, value = time.monotonic() + timeout, None
        while time.monotonic() < deadline:
            try:
                value = self.evaluate(script)
                if value:
                    return value
            except BrowserError as e:
                value = e
            time.sleep(0.05)
        raise AssertionError(f"not so after {timeout} s: {what} ({value}) at {self.url()}")

    def wait_path(self, path):
        return self.wait(f"location.pathname === {json.dumps(path)} && document.readyState === 'complete'",
                         f"the page is {path}")

    def url(self):
        return self.call("Page.getFrameTree")["frameTree"]["frame"]["url"]

    def text(self):
        return self.evaluate("document.body.innerText")

    def click(self, selector):
        """With the mouse, in the middle of the element."""
        x, y = self.evaluate(f"""(() => {{ const e = document.querySelector({json.dumps(selector)});
            e.scrollIntoView({{block: 'center', behavior: 'instant'}}); const r = e.getClientRects()[0];
            return [r.x + r.width / 2, r.y + r.height / 2]; }})()""")
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def key(self, name):
        """One of Tab, Space, Enter."""
        code, key, text = {"Tab": (9, "Tab", ""), "Space": (32, " ", " "), "Enter": (13, "Enter", "\r")}[name]
        common = {"code": name, "key": key, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown", **common, **({"text": text} if text else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    # ---- what the device is

    def device(self, width, height, mobile=False, scale=1):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=mobile)

    def dark(self, on):
        self.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if on else "light"}])

    def scripts(self, on):
        self.call("Emulation.setScriptExecutionDisabled", value=not on)

    def screenshot(self, path):
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)["data"]
        with open(path, "wb") as f:
            f.write(base64.b64decode(data))

    def close(self):
        """The browser's processes form a session of their own, begun by us."""
        try:
            self._call("Browser.close", None, timeout=5.0)
            self._process.wait(5)
        except (BrowserError, OSError, subprocess.TimeoutExpired):
            pass
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        for fd in (self._read, self._write):
            os.close(fd)
        self._log.close()
        shutil.rmtree(self._profile, ignore_errors=True)
