"""Tornado: a greeting that follows its key, and the class whose foo follows foo."""

import subprocess
import sys

import pytest
from place import EXAMPLES
from waiting import eventually

KEY = "python-web-service/greeting"


def start(place):
    return place.start(lambda port: [sys.executable, "greeting.py"], "tornado_greeting")


def test_the_greeting_follows_its_key(place, consul):
    service = start(place)
    assert service.page() == "Hello World"
    consul.put(KEY, "Hello Consul")
    assert eventually(lambda: service.page() == "Hello Consul")
    consul.put(KEY, "Grüß Gott".encode())
    assert eventually(lambda: service.page() == "Grüß Gott")
    consul.delete_below(KEY)
    assert eventually(lambda: service.page() == "Hello World")
    assert service.running and service.status() == {"configuration": "live", "error": ""}


def test_consul_stops_half_way(place, consul):
    consul.put(KEY, "Hello Consul")
    service = start(place)
    assert service.page() == "Hello Consul"
    place.backed_up("python-web-service")
    consul.kill()
    assert eventually(lambda: service.status()["configuration"] == "stale")
    assert service.page() == "Hello Consul" and service.status()["error"]
    place.end()
    again = start(place)
    assert again.page() == "Hello Consul"
    assert again.status()["configuration"] == "backup" and again.status()["error"]


LISTEN = """
import runpy, sys, tornado.web
tornado.web.Application.listen = lambda self, port: sys.exit(f"listens on {port}")
runpy.run_path("greeting.py")
"""


def test_the_default_port(place):
    # Not really taken, since another program may have it.
    asked = subprocess.run(
        [sys.executable, "-c", LISTEN], cwd=EXAMPLES / "tornado_greeting", env=place.environment, timeout=60,
        stderr=subprocess.PIPE, text=True,
    )
    assert "listens on 8888\n" in asked.stderr, asked.stderr


FOLLOW = """
import sys
from config import Config
config = Config()
for line in sys.stdin:
    print(repr(config.foo), flush=True)
"""


@pytest.fixture
def foo(place):
    """foo() is what the class says now, in a process that is never restarted."""
    with subprocess.Popen(
        [sys.executable, "-c", FOLLOW], cwd=EXAMPLES / "tornado_greeting", env=place.environment, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:

        def ask():
            process.stdin.write("\n")
            process.stdin.flush()
            return process.stdout.readline()

        yield ask
        process.stdin.close()


def test_foo_follows_foo(foo, consul):
    assert foo() == "None\n"
    for value in ("bar", "baz"):
        consul.put("foo", value)
        assert eventually(lambda: foo() == f"'{value}'\n")
    consul.delete_below("foo")
    assert eventually(lambda: foo() == "None\n")


def test_the_class_takes_three_lines():
    lines = (EXAMPLES / "tornado_greeting" / "config.py").read_text().strip().splitlines()
    assert len(lines[lines.index("class Config:") :]) == 3
