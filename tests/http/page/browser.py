"""Headless Chromium, driven by the W3C WebDriver protocol: what the tests of the page need of it.

Chromium and chromedriver are Debian's. Everything they write goes into a folder that goes with the
object; nothing is asked of the network but what the page asks.
"""

import base64
import http.client
import json
import pathlib
import re
import shutil
import subprocess
import tempfile

# What Chromium would otherwise do on its own: updates, accounts, the GPU; and root may not use its sandbox.
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--no-proxy-server", "--force-color-profile=srgb",
)  # fmt: skip
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the protocol's name for a reference to one


class WebDriverError(Exception):
    pass


class Browser:
    def __enter__(self):
        self._folder = tempfile.mkdtemp(prefix="shmconf-browser-")
        self._process = None
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self._process is not None:
            try:
                self._ask("DELETE", "")
            except (OSError, http.client.HTTPException, WebDriverError):
                pass  # it has ended by itself
            self._process.terminate()
            self._process.wait()
            self._process.stdout.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self):
        chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
        assert chromium and driver, "install Debian's chromium and chromium-driver (config/install_packages.sh test)"
        self._process = subprocess.Popen(
            [driver, "--port=0", f"--log-path={self._folder}/driver.log"], stdout=subprocess.PIPE, text=True
        )
        self._session = ""
        for line in self._process.stdout:
            if found := re.search(r"successfully on port (\d+)", line):
                self._port = int(found[1])
                break
        else:
            raise WebDriverError("chromedriver ended at once")
        options = {
            "browserName": "chrome",
            "goog:loggingPrefs": {"performance": "ALL", "browser": "ALL"},
            "goog:chromeOptions": {"binary": chromium, "args": [*QUIET, f"--user-data-dir={self._folder}/profile"]},
        }
        made = self._ask("POST", "/session", {"capabilities": {"alwaysMatch": options}})
        self._session = "/session/" + made["sessionId"]
        self.open("about:blank")
        self.requests()  # those of its own first page

    def _ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        try:
            text = None if method in ("GET", "DELETE") else json.dumps(body or {})
            connection.request(method, self._session + path, text, {"Content-Type": "application/json"})
            value = json.loads(connection.getresponse().read())["value"]
        finally:
            connection.close()
        if isinstance(value, dict) and "error" in value:
            raise WebDriverError(f"{method} {path}: {value['error']}: {value['message']}")
        return value

    def _devtools(self, command, **parameters):
        return self._ask("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    # --- the page ---

    def open(self, url):
        self._ask("POST", "/url", {"url": url})

    def run(self, script, *arguments):
        """What the body of a function returns in the page."""
        return self._ask("POST", "/execute/sync", {"script": script, "args": arguments})

    def press(self, *keys):
        """Keys as if typed on the keyboard, whatever has the focus. Names as in the protocol: TAB, ENTER, ..."""
        codes = {"TAB": "\ue004", "ENTER": "\ue007", "SPACE": " ", "ESCAPE": "\ue00c", "SHIFT": "\ue008"}
        actions = []
        held = []
        for key in keys:
            code = codes.get(key, key)
            actions.append({"type": "keyDown", "value": code})
            if key == "SHIFT":
                held.append(code)
            else:
                actions.append({"type": "keyUp", "value": code})
        actions += [{"type": "keyUp", "value": code} for code in held]
        self._ask("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def look(self, width, height, scheme="light", scale=1):
        """A window of this size, in CSS pixels, of a system that is light or dark."""
        self._devtools(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=False
        )
        self._devtools("Emulation.setScrollbarsHidden", hidden=True)
        self._devtools("Emulation.setFocusEmulationEnabled", enabled=True)  # whatever window is in front
        self._devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def screenshot(self, path):
        pathlib.Path(path).write_bytes(base64.b64decode(self._ask("GET", "/screenshot")))

    # --- what it did, since this was asked last ---

    def requests(self):
        """The URLs that were asked for."""
        messages = [json.loads(entry["message"])["message"] for entry in self._ask("POST", "/se/log", {"type": "performance"})]
        return [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]

    def complaints(self):
        """Errors of scripts, refusals of the Content-Security-Policy, answers that failed."""
        messages = [entry["message"] for entry in self._ask("POST", "/se/log", {"type": "browser"})]
        # The browser's own first page complains where there is no network.
        return [message for message in messages if not message.startswith("chrome://")]
