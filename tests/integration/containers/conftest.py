"""The image, and what containers of it need, in namespaces that are this run's own (CMakeLists.txt): whatever is
mounted, listened on or left behind here goes with them."""

import os
import pathlib
import subprocess
import sys
import tempfile

import pytest

for folder in ("python", "examples"):
    sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / folder))

from image import Image  # noqa: E402  (found by the path above)
from real_consul import RealConsul  # noqa: E402


@pytest.fixture(scope="session")
def image():
    with tempfile.TemporaryDirectory(prefix="shmconf-image-") as folder:
        yield Image(pathlib.Path(folder))


@pytest.fixture
def consul():
    with RealConsul(port=8500) as started:
        yield started


@pytest.fixture
def hosts(tmp_path):
    """The file with the names of the other containers, as an engine mounts it."""
    path = tmp_path / "hosts"
    path.write_text("127.0.0.1 localhost consul redis\n")
    return path, "/etc/hosts", "ro"


@pytest.fixture
def tmpfs(tmp_path):
    """tmpfs(options) mounts one."""
    made = []

    def mount(options):
        folder = tmp_path / f"tmpfs-{len(made)}"
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)
        made.append(folder)
        return folder

    yield mount
    for folder in made:
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def volume(tmp_path):
    """volume(name, user, group, mode): a folder that lasts."""

    def make(name, user, group, mode):
        folder = tmp_path / name
        folder.mkdir()
        os.chown(folder, user, group)
        folder.chmod(mode)
        return folder

    return make
