"""gunicorn with four workers under `shmconf exec`: one sidecar, and changes that reach all at once."""

import json
import os
import pathlib
import signal
import statistics
import sys
import tempfile
import time

import pytest
from sidecar import children_of
from waiting import eventually

NAME = "prefork"
PREFIX = "config/prefork/"
WORKERS = 4
HOOKS = pathlib.Path(__file__).parent / "gunicorn_hooks.py"


class Prefork:
    def __init__(self, place):
        self._readings = pathlib.Path(tempfile.mkdtemp(dir=place.disk)) / "readings"
        self.service = place.start(self._command, "gunicorn_prefork", READINGS=str(self._readings))
        # A worker that is only just beginning loses gunicorn's signal to end.
        assert eventually(lambda: len(self.workers()) == WORKERS, 60)

    @staticmethod
    def _command(port):
        gunicorn = [sys.executable, "-m", "gunicorn", "--config", str(HOOKS), "--bind", f"127.0.0.1:{port}"]
        sidecar = [os.environ["SHMCONF_BIN"], "exec", "--name", NAME, "--prefix", PREFIX]
        return [*sidecar, "--", *gunicorn, "--workers", str(WORKERS), "app:app"]

    def readings(self):
        if not self._readings.exists():
            return []
        whole = self._readings.read_text().rpartition("\n")[0]
        return [json.loads(line) for line in whole.splitlines()]

    def firsts(self):
        """The first reading of each worker, by its pid."""
        return {each["pid"]: each for each in self.readings() if "first" in each}

    def spread(self, value):
        """From the first worker that saw a value to the last; waits for all."""

        def seen():
            at = {each["pid"]: each["at"] for each in self.readings() if each["value"] == value}
            return at if len(at) == WORKERS else None

        at = eventually(seen, 60)
        assert at, "not every worker saw " + value
        return max(at.values()) - min(at.values())

    def replaced(self, victim):
        """Kills a worker: its replacement's first reading."""
        before = set(self.firsts())
        os.kill(victim, signal.SIGKILL)
        assert eventually(lambda: set(self.firsts()) - before, 60), "the worker is not replaced"
        firsts = self.firsts()
        return firsts[(set(firsts) - before).pop()]

    def workers(self):
        return set(self.firsts())

    def roles(self):
        """The words behind `shmconf` of each process below the service that is one of the sidecar."""
        found = []
        for pid in children_of(self.service.pid):
            words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
            if "gunicorn" not in words:
                found.append(words[1])
        return sorted(found)


@pytest.fixture
def prefork(place, consul):
    consul.put(PREFIX + "message", "hello")
    return Prefork(place)


def test_one_sidecar_for_all_workers(prefork):
    assert prefork.roles() == ["heartbeat", "watch"]
    pages = set()

    def answered():
        pages.add(prefork.service.page())
        return len(pages) > 1

    # Which worker answers is the kernel's choice.
    assert eventually(answered)
    assert pages <= {f"hello (worker {pid})\n" for pid in prefork.workers()}
    for first in prefork.firsts().values():
        assert first["value"] == "hello"


def test_all_workers_see_a_change_within_50_ms(prefork, consul):
    spreads = []
    end = time.monotonic() + 120
    # A loaded machine may be late now and then, not most of the time.
    while len(spreads) < 11 or statistics.median(spreads[-11:]) > 0.05:
        assert time.monotonic() < end, f"never within 50 ms: {spreads}"
        value = f"change {len(spreads)}"
        consul.put(PREFIX + "message", value)
        spreads.append(prefork.spread(value))
    print(f"between the first and the last worker: {statistics.median(spreads) * 1000:.2f} ms")
    assert prefork.service.page().startswith(value)


def test_a_replaced_worker_reads_at_once(prefork, consul):
    consul.put(PREFIX + "message", "newest")
    prefork.spread("newest")
    took = []
    for victim in sorted(prefork.workers())[:2]:
        first = prefork.replaced(victim)
        assert first["value"] == "newest"
        took.append(first["first"])
    consul.kill()
    first = prefork.replaced(sorted(prefork.workers())[2])
    assert first["value"] == "newest", "it needs no Consul"
    took.append(first["first"])
    assert min(took) < 0.01, took
    assert prefork.roles() == ["heartbeat", "watch"]


def test_consul_stops_half_way(prefork, place, consul):
    place.backed_up(NAME)
    consul.kill()
    assert eventually(lambda: prefork.service.status()["configuration"] == "stale")
    assert prefork.service.page().startswith("hello") and prefork.service.status()["error"]
    place.end()
    again = Prefork(place)
    assert again.service.page().startswith("hello")
    assert again.service.status()["configuration"] == "backup"
