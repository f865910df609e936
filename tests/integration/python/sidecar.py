"""The real sidecar: what a test starts of it, and what of it runs."""

import os
import signal
import subprocess


class Run:
    """`shmconf run` for a service, with the token and settings of nobody else."""

    def __init__(self, root, disk, consul_address, prefix, name="web", more=()):
        self._command = [os.environ["SHMCONF_BIN"], "run", "--name", name, "--dir", root, "--prefix", prefix]
        self._command += ["--consul", consul_address, "--backup", str(disk / f"{name}.snapshot"), *more]
        self._log = open(disk / f"{name}.log", "ab")
        self._process = None
        self.start()

    def start(self):
        self._process = subprocess.Popen(
            self._command, stdout=self._log, stderr=self._log, stdin=subprocess.DEVNULL
        )

    def kill_all(self):
        """SIGKILL: the supervisor, and with it its children."""
        children = children_of(self._process.pid)
        for pid in (self._process.pid, *children):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self._process.wait()

    def stop(self):
        if self._process.poll() is None:
            self._process.terminate()
        self._process.wait(timeout=60)
        self._log.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        self._log.close()


def children_of(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def supervisors(root):
    """The launched supervisors that keep a segment in this root."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
            with open(f"/proc/{entry}/stat") as file:
                state = file.read().rsplit(")", 1)[1].split()[0]
        except OSError:
            continue
        in_root = b"--report=" + os.fsencode(root) in words
        if words[:2] == [b"shmconf", b"launch"] and in_root and state != "Z":
            found.append(int(entry))
    return found
