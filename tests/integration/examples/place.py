"""A place of its own for a service: its segment, its backup, its environment, its port."""

import http.client
import json
import os
import pathlib
import socket
import subprocess

from sidecar import supervisors
from waiting import eventually

EXAMPLES = pathlib.Path(__file__).parents[3] / "config" / "examples"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Service:
    """A program that serves HTTP on a port that it is given."""

    def __init__(self, process, port, log):
        self._process = process
        self._port = port
        self._log = log

    @property
    def pid(self):
        return self._process.pid

    @property
    def running(self):
        return self._process.poll() is None

    def get(self, path="/"):
        """(code, body); (0, "") where nothing answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException):
            return 0, ""
        finally:
            connection.close()

    def page(self, path="/"):
        code, body = self.get(path)
        assert code == 200, (code, body, self.log())
        return body

    def status(self):
        return json.loads(self.page("/status"))

    def log(self):
        return self._log.read_text(errors="replace")[-4000:]

    def stop(self):
        if self.running:
            self._process.terminate()
            try:
                self._process.wait(60)  # gunicorn gives its workers 30 s
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()


class Place:
    def __init__(self, root, disk, consul_address):
        self.root = root
        self.disk = disk
        self._consul_address = consul_address
        self._services = []

    @property
    def environment(self):
        """Of nobody else's Consul and settings."""
        others = ("CONSUL_", "SHMCONF_", "PORT")
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(others)},
            "CONSUL_HTTP_ADDR": self._consul_address,
            "SHMCONF_BIN": os.environ["SHMCONF_BIN"],
            "SHMCONF_DIR": str(self.root),
            "STATE_DIRECTORY": str(self.disk),
        }

    def start(self, command, folder, **variables):
        """command(port) in a folder of the examples; back when the service answers."""
        log = self.disk / "service.log"
        # Between choosing a port and taking it, somebody else may have.
        for _ in range(5):
            port = free_port()
            environment = {**self.environment, **variables, "PORT": str(port)}
            with open(log, "ab") as output:
                process = subprocess.Popen(
                    command(port), cwd=EXAMPLES / folder, env=environment, stdin=subprocess.DEVNULL,
                    stdout=output, stderr=output,
                )
            service = Service(process, port, log)
            self._services.append(service)
            if eventually(lambda: not service.running or service.get("/status")[0], 60) and service.running:
                return service
            service.stop()
        raise AssertionError("the service does not start: " + service.log())

    def backed_up(self, name):
        """Waits for the backup of what was published first."""
        assert eventually(lambda: (self.disk / f"{name}.snapshot").exists()), "no backup"

    def end(self):
        """Ends the services, and waits for the sidecars that they launched."""
        for service in self._services:
            service.stop()
        assert eventually(lambda: not supervisors(str(self.root)), 60), "a sidecar outlives its service"
        assert eventually(lambda: not self.segments()), self.segments()

    def segments(self):
        return [entry.name for entry in self.root.iterdir() if not entry.name.startswith(".")]
