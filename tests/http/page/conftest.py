"""The page as a browser shows it: a real Consul, a real sidecar that serves it, a real browser."""

import http.client
import pathlib
import shutil
import socket
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "integration" / "python"))

from browser import Browser  # noqa: E402  (what follows is found by the path above)
from real_consul import RealConsul  # noqa: E402
from sidecar import Run  # noqa: E402
from waiting import eventually  # noqa: E402


class Service:
    """`shmconf run --http` for the keys below a prefix."""

    def __init__(self, consul, prefix, *flags):
        self.prefix = prefix
        self._consul = consul
        self._root = tempfile.mkdtemp(prefix="shmconf-page-", dir="/dev/shm")
        self._disk = pathlib.Path(tempfile.mkdtemp(prefix="shmconf-page-"))
        # Between choosing a port and taking it, somebody else may have.
        for _ in range(3):
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self._port = probe.getsockname()[1]
            more = ("--http", f"127.0.0.1:{self._port}", "--startup-timeout", "1s", *flags)
            self.run = Run(self._root, self._disk, consul.address, prefix, more=more)
            # Only from its first generation on does the server tell of changes.
            if eventually(lambda: self.asked("/readyz")[0] == 200 and b"generation" in self.asked("/api/history")[1]):
                return
            self.run.stop()
        raise AssertionError("no page: " + (self._disk / "web.log").read_text())

    @property
    def url(self):
        return f"http://127.0.0.1:{self._port}/"

    def put(self, key, value):
        self._consul.put(self.prefix + key, value)

    def asked(self, path):
        """(code, body); (0, b"") where nothing answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            return 0, b""
        finally:
            connection.close()

    def end(self):
        self.run.stop()
        shutil.rmtree(self._root, ignore_errors=True)
        shutil.rmtree(self._disk, ignore_errors=True)


# innerText holds what is folded up, too.
VISIBLE_TEXT = """
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
let text = '';
while (texts.nextNode()) {
  const element = texts.currentNode.parentElement;
  if (!element.checkVisibility() || element.closest('.unseen')) continue;
  const goesOn = element.matches('mark') || texts.currentNode.previousSibling?.tagName === 'MARK';
  text += (goesOn ? '' : '\\n') + texts.currentNode.data;
}
return text;
"""


class Page:
    """The page of a service, open in the browser."""

    def __init__(self, browser, service):
        self.browser = browser
        self.service = service

    def open(self, width=1280, height=900, scheme="light"):
        self.browser.look(width, height, scheme)
        self.browser.open(self.service.url)
        self.await_(lambda: self.text("verdict-word") not in ("", "Looking"))
        return self

    def run(self, script, *arguments):
        return self.browser.run(script, *arguments)

    def text(self, identifier):
        return self.run("return document.getElementById(arguments[0]).textContent", identifier)

    def seen(self):
        """The text that can be seen, a line for each element that is one."""
        return self.run(VISIBLE_TEXT)

    def shows(self, *texts):
        shown = self.seen()
        return all(text in shown for text in texts)

    def count(self, selector):
        return self.run("return document.querySelectorAll(arguments[0]).length", selector)

    def await_(self, condition):
        assert eventually(condition), self.seen()

    def search(self, text):
        self.run(
            "const field = document.getElementById('search'); field.value = arguments[0];"
            "field.dispatchEvent(new Event('input'));",
            text,
        )

    def click(self, identifier):
        self.run("document.getElementById(arguments[0]).click()", identifier)


@pytest.fixture(scope="session")
def consul():
    with RealConsul() as started:
        yield started


@pytest.fixture(scope="session")
def browser():
    with Browser() as started:
        yield started


@pytest.fixture
def open_page(browser):
    """open_page(service, ...): the page, which asks nothing of anybody else, and has nothing to complain of."""

    def opened(service, **look):
        urls.append(service.url)
        return Page(browser, service).open(**look)

    urls = []
    yield opened
    elsewhere = [url for url in browser.requests() if not url.startswith((*urls, "about:blank"))]
    complaints = browser.complaints()
    browser.open("about:blank")
    assert elsewhere == []
    assert complaints == []
