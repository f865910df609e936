"""A segment that a test publishes into, without sidecar and Consul."""

import base64
import json
import os
import struct
import subprocess


class Segment:
    """Ends, but leaves its files, at the end of its with statement."""

    def __init__(self, root, name):
        self.directory = os.path.join(root, name)
        self._process = subprocess.Popen(
            [os.environ["SHMCONF_SEGMENT_PUBLISHER"], root, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._answer()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(timeout=60)

    def _answer(self):
        line = self._process.stdout.readline()
        assert line and not line.startswith("error"), line
        return int(line)

    def _tell(self, line):
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self._answer()

    def publish(self, values):
        """Values are texts, bytes, or anything else as JSON. Answers the generation."""
        export = [{"key": key, "flags": 0, "value": _base64(value)} for key, value in values.items()]
        return self._tell("publish " + json.dumps(export))

    def publish_flags(self, key, value, flags):
        return self._tell("publish " + json.dumps([{"key": key, "flags": flags, "value": _base64(value)}]))

    def step(self, count=1):
        return self._tell(f"step {count}")

    def remove(self):
        self._tell("remove")

    # --- by hand, past the publisher ---

    def control_file(self):
        return os.path.join(self.directory, "control.v1")

    def generation(self):
        with open(self.control_file(), "rb") as page:
            return struct.unpack_from("<Q", page.read(), 64)[0]

    def snapshot_file(self, generation=None):
        number = self.generation() if generation is None else generation
        return os.path.join(self.directory, f"snapshot.v1.{number:016x}")

    def show(self, generation):
        """Stores the generation word, as a publisher does after it has put the file there."""
        with open(self.control_file(), "r+b") as page:
            page.seek(64)
            page.write(struct.pack("<Q", generation))

    def sealed(self, data):
        """The bytes with a header that is a sound one of the next generation, whatever is behind it."""
        aside = os.path.join(self.directory, "aside")
        with open(aside, "wb") as file:
            file.write(data)
        self._tell(f"seal {aside}")
        with open(aside, "rb") as file:
            return file.read()

    def publish_bytes(self, data):
        """A next generation of these bytes."""
        generation = self.generation() + 1
        aside = os.path.join(self.directory, "aside")
        with open(aside, "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(data)
        os.rename(aside, self.snapshot_file(generation))
        self.show(generation)
        return generation


def _base64(value):
    if isinstance(value, str):
        value = value.encode()
    elif not isinstance(value, bytes):
        value = json.dumps(value).encode()
    return base64.b64encode(value).decode()
