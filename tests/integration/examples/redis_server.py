"""A Redis of a test's own, from Debian's packages and without their service."""

import shutil
import subprocess

import redis
from place import free_port
from waiting import eventually


def _command():
    """Debian's redis-server is a link to redis-check-rdb, of package redis-tools: one program, which goes by
    the name that it is called by."""
    installed = shutil.which("redis-server")
    program = installed or shutil.which("redis-check-rdb")
    assert program, "neither redis-server nor redis-check-rdb is there: install Debian's redis-tools"
    return program


class RedisServer:
    def __init__(self, folder, password, port=0):
        """port: 0 for one of its own."""
        self._chosen_port = port
        self._folder = folder
        self._password = password
        self._process = None

    def __enter__(self):
        # Between choosing a port and taking it, somebody else may have.
        for _ in range(5):
            self.port = self._chosen_port or free_port()
            self._start()
            if eventually(lambda: self._process.poll() is not None or self._answers()) and self._process.poll() is None:
                return self
            self.__exit__()
        raise RuntimeError("Redis does not start: " + (self._folder / "redis.log").read_text()[-2000:])

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()

    def client(self, database=0):
        return redis.Redis("127.0.0.1", self.port, database, self._password)

    def databases_of_others(self):
        """The databases that connections other than this one have selected."""
        with self.client(15) as mine:
            return {int(each["db"]) for each in mine.client_list()} - {15}

    def _answers(self):
        try:
            return self.client().ping()
        except redis.exceptions.ConnectionError:
            return False

    def _start(self):
        words = ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--requirepass", self._password]
        words += ["--save", "", "--appendonly", "no", "--dir", str(self._folder)]
        with open(self._folder / "redis.log", "ab") as log:
            self._process = subprocess.Popen(
                words, executable=_command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
