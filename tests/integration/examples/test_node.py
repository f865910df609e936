"""Node: npm's consul locks and writes, shmconf reads."""

import http.client
import json
import os
import pathlib
import subprocess

import pytest
from place import EXAMPLES


def _packages():
    folder = pathlib.Path(os.environ.get("SHMCONF_NODE_PACKAGES") or os.environ["SHMCONF_BUILT_NODE_PACKAGES"])
    assert (folder / "consul" / "package.json").exists(), (
        f"npm's consul is not in {folder}: run tests/install_node_packages.sh {folder.parent}"
    )
    return folder


@pytest.fixture
def run(place):
    """Runs the program: (pid, the lines that it prints)."""
    own = place.disk / "node_modules"
    own.mkdir()
    (own / "shmconf").symlink_to(os.environ["SHMCONF_NODE_PACKAGE"])
    environment = {**place.environment, "NODE_PATH": f"{own}:{_packages()}"}

    def run_program():
        with open(place.disk / "node.log", "ab") as log:
            process = subprocess.Popen(
                [os.environ["SHMCONF_NODE"], "locked.js"], cwd=EXAMPLES / "node_lock", env=environment, text=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
            )
        try:
            printed, _ = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        assert process.returncode == 0, printed + (place.disk / "node.log").read_text()
        return process.pid, printed.splitlines()

    return run_program


def key(consul, name):
    connection = http.client.HTTPConnection(consul.address, timeout=30)
    connection.request("GET", "/v1/kv/" + name)
    (found,) = json.loads(connection.getresponse().read())
    connection.close()
    return found


def test_what_was_locked_and_written_is_read(run, consul):
    for turn in (1, 2):
        pid, lines = run()
        assert lines == [
            "lock acquired",
            "true",
            "test-zy",
            f"locked by {pid}",
            "lock released",
            "lock released or there was a permanent failure",
        ]
        assert key(consul, "test-node")["LockIndex"] == turn and "Session" not in key(consul, "test-node")


def test_the_pinned_release_is_the_one_with_locks():
    wanted = json.loads((EXAMPLES / "node_lock" / "package.json").read_text())["dependencies"]["consul"]
    assert json.loads((_packages() / "consul" / "package.json").read_text())["version"] == wanted
