"""The example programs as services, with the real parts that they need."""

import pathlib
import shutil
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "python"))

from place import Place  # noqa: E402  (found by the path above)
from real_consul import RealConsul  # noqa: E402


@pytest.fixture
def consul():
    with RealConsul() as started:
        yield started


@pytest.fixture
def place(tmp_path, consul):
    """Where one test's services keep segment and backup; empty of processes at its end."""
    root = tempfile.mkdtemp(prefix="shmconf-example-", dir="/dev/shm")
    made = Place(pathlib.Path(root), tmp_path, consul.address)
    try:
        yield made
        made.end()
    finally:
        shutil.rmtree(root, ignore_errors=True)
