"""What an engine starts: a command in an image, in namespaces of its own."""

import contextlib
import dataclasses
import itertools
import os
import pathlib
import shutil
import signal
import subprocess
import time

from waiting import eventually

_NUMBERS = itertools.count()
ENTER = pathlib.Path(__file__).with_name("enter.sh")


@dataclasses.dataclass
class Setting:
    """Of one container: user is (uid, gid), mounts are (source, target, "ro" or "rw")."""

    root: str
    user: tuple
    groups: tuple = ()
    environment: dict = dataclasses.field(default_factory=dict)
    mounts: list = dataclasses.field(default_factory=list)


class Container:
    """Started with `with`; its process is 1 in its own PID namespace, and dies with this object."""

    def __init__(self, setting, words, folder):
        self._setting = setting
        self._words = words
        self._log = folder / f"container-{next(_NUMBERS)}.log"
        self._process = None

    def __enter__(self):
        command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "bash", ENTER, self._setting.root]
        for source, target, mode in self._setting.mounts:
            command += ["--mount", f"{source}:{target}:{mode}"]
        for name, value in self._setting.environment.items():
            command += ["--env", f"{name}={value}"]
        command += ["--user", "{}:{}".format(*self._setting.user)]
        command += ["--groups", ",".join(map(str, self._setting.groups))]
        with open(self._log, "xb") as log:
            self._process = subprocess.Popen(
                [*command, "--", *self._words], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        # Until then it is still the script.
        assert eventually(lambda: not self.running or self._has_entered()), self.log()
        return self

    def __exit__(self, *_):
        # Process 1 itself, so that all the others have ended, too, when unshare has.
        with contextlib.suppress(OSError, AssertionError):
            self.signal(signal.SIGKILL)
        self._process.wait()

    @property
    def pid(self):
        """Of its process 1, as seen from here."""
        with open(f"/proc/{self._process.pid}/task/{self._process.pid}/children") as children:
            found = children.read().split()
        assert found, "it has ended: " + self.log()
        return int(found[0])

    @property
    def running(self):
        return self._process.poll() is None

    @property
    def process(self):
        return self._process

    @property
    def log_file(self):
        return self._log

    def log(self):
        return self._log.read_text(errors="replace")[-4000:]

    def status(self, field):
        """Of /proc/PID/status."""
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return line.split(":", 1)[1].split()
        raise KeyError(field)

    def execute(self, words):
        """A further command in it, as its user: `docker exec`, a probe."""
        uid, gid = self._setting.user
        command = [shutil.which("nsenter"), f"--target={self.pid}", "--mount", "--pid", "--root", "--wd=/"]
        command += [f"--setuid={uid}", f"--setgid={gid}", "--", *words]
        return subprocess.run(
            command, env=self._setting.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
        )

    def signal(self, number):
        os.kill(self.pid, number)

    def end(self, seconds=60):
        """(exit code, seconds that it took) once its process 1 has ended."""
        start = time.monotonic()
        code = self._process.wait(seconds)
        return code, time.monotonic() - start

    def _has_entered(self):
        try:
            return self.status("Uid")[0] == str(self._setting.user[0]) and self.status("NoNewPrivs") == ["1"]
        except (OSError, AssertionError):
            return False


def output_of(setting, words, folder):
    """(exit code, what it wrote) of a container that ends by itself."""
    with Container(setting, words, folder) as container:
        code, _ = container.end()
        return code, container.log()
