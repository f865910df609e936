"""launch: the sidecar starts with the service and ends with it."""

import datetime
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from sidecar import supervisors
from waiting import eventually

import shmconf

PREFIX = "python/launch/"


@pytest.fixture
def web(root, tmp_path, consul):
    """The arguments of a launch of "web", whose sidecar is gone at the end."""
    consul.put(PREFIX + "redis/host", "a")
    consul.put(PREFIX + "common/name", "common")
    yield dict(name="web", prefixes=[PREFIX], consul=consul.address, backup=tmp_path / "web.snapshot")
    assert eventually(lambda: not supervisors(root), 60), "the sidecar outlives its users"
    assert eventually(lambda: not os.path.exists(os.path.join(root, "web")))


def test_the_sidecar_lives_as_long_as_its_users(web, root, consul):
    config = shmconf.launch(**web)
    assert config.redis.host == "a"
    assert len(supervisors(root)) == 1
    consul.put(PREFIX + "redis/host", "b")
    assert eventually(lambda: config.redis.host == "b")
    second = shmconf.launch(**web)
    assert len(supervisors(root)) == 1, "a second caller attaches"
    config.close()
    assert second.redis.host == "b" and second.status.verdict == "live"
    time.sleep(2)  # a sidecar that believed itself alone would have ended by now
    assert len(supervisors(root)) == 1
    second.close()


def test_garbage_is_no_user(web):
    shmconf.launch(**web)


def test_keywords_become_flags(web, root, consul):
    consul.put("python/launch-key", "k")
    with shmconf.launch(
        "web",
        prefixes=PREFIX,
        keys=["python/launch-key"],
        consul=consul.address,
        backup=web["backup"],
        startup_timeout=datetime.timedelta(seconds=3),
        allow_empty=True,
        require_configuration=False,
        hardening=False,
        group=None,
        log_level="debug",
    ) as config:
        assert config["python/launch-key"] == "k" and config.redis.host == "a"
        with open(f"/proc/{supervisors(root)[0]}/cmdline") as file:
            words = file.read().split("\0")
        assert words[words.index("--startup-timeout") + 1] == "3000ms"
        assert {"--allow-empty=true", "--require-configuration=false", "--hardening=false"} <= set(words)
        assert not any(word.startswith("--group") for word in words)


def test_settings_from_a_file(web, tmp_path, consul):
    settings = tmp_path / "settings.json"
    settings.write_text(
        json.dumps(
            {
                "sources": [{"prefix": PREFIX}],
                "consul": {"address": "http://" + consul.address},
                "backup_file": str(web["backup"]),
            }
        )
    )
    with shmconf.launch("web", settings=settings) as config:
        assert config.common.name == "common"


def test_what_cannot_be_says_what_to_do(web, tmp_path, monkeypatch):
    cases = [
        (dict(web, consul="127.0.0.1:1", startup_timeout="100ms"), "absent", "Consul"),
        (dict(web, no_such_flag="x"), "invalid", "no-such-flag"),
        (dict(web, startup_timeout="soon"), "invalid", "soon"),
        (dict(web, name="not/a/name"), "invalid", "not/a/name"),
        (dict(web, settings=tmp_path / "none.json"), "invalid", "none.json"),
        (dict(web, binary=tmp_path / "none"), "absent", "SHMCONF_BIN"),
    ]
    for arguments, code, word in cases:
        with pytest.raises(shmconf.Error) as failed:
            shmconf.launch(**arguments)
        assert (failed.value.code, word in str(failed.value)) == (code, True), (word, str(failed.value))


def test_consul_down_is_served_from_the_backup(web, root, own_consul):
    own_consul.put(PREFIX + "redis/host", "kept")
    arguments = dict(web, consul=own_consul.address, startup_timeout="200ms")
    with shmconf.launch(**arguments):
        assert eventually(lambda: web["backup"].exists())
    assert eventually(lambda: not supervisors(root), 60)
    own_consul.kill()
    with shmconf.launch(**arguments) as config:
        assert config.redis.host == "kept"
        assert config.status.verdict == "backup" and config.status.source == "backup"
        assert eventually(lambda: "refused" in config.status.error.lower() or config.status.error)


SERVICE = """
import json, os, sys, time
import shmconf
config = shmconf.launch(**json.loads(sys.argv[1]))
print(config.redis.host, flush=True)
sys.stdin.read()
"""


def service(arguments):
    words = json.dumps({**arguments, "backup": str(arguments["backup"])})
    return subprocess.Popen(
        [sys.executable, "-c", SERVICE, words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_many_at_once_make_one_sidecar(web, root):
    services = [service(web) for _ in range(6)]
    assert [each.stdout.readline() for each in services] == ["a\n"] * 6
    assert len(supervisors(root)) == 1
    for each in services[:5]:
        each.stdin.close()
        assert each.wait(60) == 0
    assert len(supervisors(root)) == 1
    services[5].stdin.close()
    assert services[5].wait(60) == 0


def test_sigkill_of_the_last_user_ends_the_sidecar(web, root):
    killed = service(web)
    assert killed.stdout.readline() == "a\n"
    assert len(supervisors(root)) == 1
    killed.send_signal(signal.SIGKILL)
    killed.wait()


def test_a_sidecar_that_was_killed_comes_back_with_the_next_launch(web, root, consul):
    with shmconf.launch(**web) as config:
        for pid in supervisors(root):
            os.kill(pid, signal.SIGKILL)
        assert eventually(lambda: not supervisors(root))
        assert config.redis.host in ("a", "b")
        with shmconf.launch(**web):
            consul.put(PREFIX + "redis/host", "back")
            assert eventually(lambda: config.redis.host == "back")


def worker(config, queue, stop):
    config.on_change("redis", lambda change: queue.put(change.new))
    queue.put(config.redis.host)
    stop.wait(60)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_of_one_launch(web, root, consul, method):
    context = multiprocessing.get_context(method)
    queue, stop = context.Queue(), context.Event()
    consul.put(PREFIX + "redis/host", "a")
    config = shmconf.launch(**web)
    workers = [context.Process(target=worker, args=(config, queue, stop)) for _ in range(3)]
    for each in workers:
        each.start()
    assert {queue.get(timeout=60) for _ in workers} == {"a"}
    config.close()
    time.sleep(2)
    assert len(supervisors(root)) == 1, "the workers use it still"
    consul.put(PREFIX + "redis/host", method)
    assert [queue.get(timeout=60) for _ in workers] == [method] * 3
    stop.set()
    for each in workers:
        each.join()


def test_launching_lets_other_threads_run(web):
    ticks = []
    done = threading.Event()

    def tick():
        while not done.is_set():
            ticks.append(1)
            time.sleep(0.001)

    ticking = threading.Thread(target=tick)
    ticking.start()
    try:
        with pytest.raises(shmconf.Error):
            shmconf.launch(**dict(web, consul="127.0.0.1:1", startup_timeout="500ms"))
    finally:
        done.set()
        ticking.join()
    assert len(ticks) > 20
