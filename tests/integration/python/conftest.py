"""A service's configuration of a test's own, and the real parts that it comes from."""

import json
import os
import shutil
import tempfile
import types

import pytest
from real_consul import RealConsul
from segment import Segment

import shmconf


@pytest.fixture
def root():
    """A root of segments on tmpfs, which the reader's environment names."""
    path = tempfile.mkdtemp(prefix="shmconf-python-", dir="/dev/shm")
    before = os.environ.get("SHMCONF_DIR")
    os.environ["SHMCONF_DIR"] = path
    yield path
    if before is None:
        del os.environ["SHMCONF_DIR"]
    else:
        os.environ["SHMCONF_DIR"] = before
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def segment(root):
    """Publishes the service "web"."""
    with Segment(root, "web") as made:
        yield made


@pytest.fixture
def web(segment):
    """web({...}) publishes and opens: the segment, and the configuration that follows it."""
    opened = []

    def publish(values, **options):
        segment.publish(values)
        config = shmconf.open("web", **options)
        opened.append(config)
        return types.SimpleNamespace(config=config, publish=segment.publish, segment=segment)

    yield publish
    for config in opened:
        config.close()


@pytest.fixture(scope="session")
def consul():
    with RealConsul() as started:
        yield started


@pytest.fixture
def own_consul():
    """One that a test may stop."""
    with RealConsul() as started:
        yield started


@pytest.fixture(scope="session")
def demo():
    """The document of the demo that shows python-consul with redis."""
    return json.dumps(
        {
            "redis_config": {
                "redis_host": "127.0.0.1",
                "redis_port": 6379,
                "redis_db": 0,
                "redis_password": "aaaa1111",
            },
            "show_message": "this is a python-consul-redis demo",
        }
    )
