"""A real Consul agent on loopback, in memory, on ports of its own, or on one that is given."""

import base64
import http.client
import json
import os
import shutil
import socket
import subprocess
import tempfile

from waiting import eventually


def bytes_of(value):
    return value if isinstance(value, bytes) else value.encode()


class RealConsul:
    def __init__(self, port=0):
        self._chosen_port = port
        self._directory = tempfile.mkdtemp(prefix="shmconf-consul-")
        self._process = None

    def __enter__(self):
        # Between choosing ports and taking them, somebody else may have.
        for _ in range(5):
            self._choose_ports()
            self._start()
            if eventually(lambda: self._ended() or self._ready()) and not self._ended():
                return self
            self.kill()
        with open(self._log()) as log:
            raise RuntimeError("Consul does not start: " + log.read()[-2000:])

    def __exit__(self, *_):
        self.kill()
        shutil.rmtree(self._directory, ignore_errors=True)

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def put(self, key, value):
        body = value if isinstance(value, (str, bytes)) else json.dumps(value)
        status, answer = self._request("PUT", "/v1/kv/" + key, body)
        assert status == 200 and answer.strip() == b"true", (status, answer)

    def put_many(self, values):
        """Any keys, in as few transactions as Consul takes."""
        operations = [
            {"KV": {"Verb": "set", "Key": key, "Value": base64.b64encode(bytes_of(value)).decode()}}
            for key, value in values.items()
        ]
        for start in range(0, len(operations), 64):
            status, answer = self._request("PUT", "/v1/txn", json.dumps(operations[start : start + 64]))
            assert status == 200, (status, answer)

    def delete_below(self, prefix):
        assert self._request("DELETE", f"/v1/kv/{prefix}?recurse")[0] == 200

    def kill(self):
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self):
        """Empty, on the same ports."""
        self.kill()
        self._start()
        assert eventually(self._ready)

    def _choose_ports(self):
        sockets = [socket.socket() for _ in range(3)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        self.port, self._rpc, self._serf = (each.getsockname()[1] for each in sockets)
        self.port = self._chosen_port or self.port
        for each in sockets:
            each.close()

    def _log(self):
        return os.path.join(self._directory, "log")

    def _start(self):
        ports = dict(
            http=self.port, https=-1, grpc=-1, dns=-1, serf_wan=-1, server=self._rpc, serf_lan=self._serf
        )
        settings = dict(
            bind_addr="127.0.0.1", client_addr="127.0.0.1", node_name="solo", disable_update_check=True, ports=ports
        )
        path = os.path.join(self._directory, "agent.json")
        with open(path, "w") as file:
            json.dump(settings, file)
        binary = os.environ.get("SHMCONF_CONSUL") or os.environ["SHMCONF_BUILT_CONSUL"]
        with open(self._log(), "w") as log:
            self._process = subprocess.Popen(
                [binary, "agent", "-dev", "-config-file=" + path], stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )

    def _ended(self):
        return self._process.poll() is not None

    def _ready(self):
        return self._request("GET", "/v1/kv/ready?consistent")[0] in (200, 404)

    def _request(self, method, target, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, target, body)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except OSError:
            return 0, b""
        finally:
            connection.close()
