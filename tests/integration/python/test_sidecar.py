"""The package on the real sidecar and the real Consul."""

import os
import signal

import pytest
from sidecar import Run, children_of
from waiting import eventually

import shmconf

PREFIX = "python/sidecar/"


@pytest.fixture
def run(root, tmp_path, own_consul, demo):
    own_consul.put(PREFIX + "redis/host", "a")
    own_consul.put(PREFIX + "demo-config", demo)
    with Run(root, tmp_path, own_consul.address, PREFIX) as started:
        yield started


@pytest.fixture
def config(run):
    def opened():
        try:
            return shmconf.open("web", allow_backup=False)
        except shmconf.Error:
            return None

    made = eventually(opened)
    yield made
    made.close()


def test_what_consul_holds_arrives(config, own_consul):
    assert config.redis.host == "a"
    assert config["demo-config"].redis_config.redis_port == 6379
    own_consul.put(PREFIX + "redis/host", "b")
    assert config.wait(30) and eventually(lambda: config.redis.host == "b")
    own_consul.put(PREFIX + "binary", b"\xff\x00")
    assert eventually(lambda: config.get("binary") == b"\xff\x00")
    own_consul.delete_below(PREFIX + "redis/")
    assert eventually(lambda: "redis" not in config)


def test_callbacks_of_a_real_change(config, own_consul):
    told = []
    config.on_change("demo-config/show_message", told.append)
    own_consul.put(PREFIX + "demo-config", {"show_message": "hello"})
    assert eventually(lambda: told)
    assert told[0].new == "hello" and told[0].old.startswith("this is")


def test_consul_goes_and_comes_back(config, own_consul):
    assert eventually(lambda: config.status.verdict == "live")
    own_consul.kill()
    assert eventually(lambda: config.status.verdict == "stale")
    status = config.status
    assert config.redis.host == "a" and status.error and status.age >= 0
    # Each process finds it out for itself.
    assert eventually(lambda: config.status.watch.failing_for is not None)
    assert config.status.watch.alive
    own_consul.restart()
    own_consul.put(PREFIX + "redis/host", "c")
    assert eventually(lambda: config.redis.host == "c")
    assert eventually(lambda: config.status.verdict == "live" and config.status.error == "")


def test_the_sidecar_is_killed_and_restarted(config, run, own_consul):
    told = []
    config.on_change("redis", told.append)
    run.kill_all()
    assert config.redis.host == "a" and config.wait(0.2) is False
    own_consul.put(PREFIX + "redis/host", "b")
    run.start()
    assert eventually(lambda: config.redis.host == "b")
    assert eventually(lambda: told and told[-1].new == "b")


def test_its_processes_are_killed_in_turn(config, run, own_consul):
    for n in range(3):
        for pid in children_of(run._process.pid):
            os.kill(pid, signal.SIGKILL)
        own_consul.put(PREFIX + "redis/host", f"turn{n}")
        assert eventually(lambda: config.redis.host == f"turn{n}")


def test_the_directory_is_removed_under_a_running_sidecar(config, root, own_consul):
    redis = config.redis
    assert redis.host == "a"
    for file in os.listdir(os.path.join(root, "web")):
        os.unlink(os.path.join(root, "web", file))
    os.rmdir(os.path.join(root, "web"))
    assert redis.host == "a"
    own_consul.put(PREFIX + "redis/host", "b")
    # Without a word of its own: the sidecar retires the segment that was taken from under it.
    assert eventually(lambda: redis.host == "b", 60)


def test_consul_down_at_the_start_is_served_from_the_backup(config, run, root, tmp_path, own_consul):
    assert eventually(lambda: (tmp_path / "web.snapshot").exists())
    run.stop()
    own_consul.kill()
    os.system(f"rm -rf {root}/web")
    with shmconf.open("web", backup=tmp_path / "web.snapshot") as file_only:
        assert file_only.redis.host == "a" and file_only.status.from_file
    with Run(root, tmp_path, own_consul.address, PREFIX, more=["--startup-timeout", "200ms"]):
        assert eventually(lambda: config.status.verdict == "backup")
        assert config.status.source == "backup" and config.redis.host == "a"
