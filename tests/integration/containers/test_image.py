"""The image by itself: what is in it, and what a sidecar in it needs, writes and leaves."""

import json
import os
import pathlib
import signal
import ssl
import stat

import pytest
from container import Container, Setting, output_of
from waiting import eventually

READER = (10002, 10002)
SHMCONF = "/opt/shmconf/bin/shmconf"
RUN = ["--name", "web", "--prefix", "config/web/"]


@pytest.fixture
def configuration(tmpfs):
    return tmpfs("size=64m,mode=0750,uid=10001,gid=10001")


@pytest.fixture
def state(volume):
    return volume("state", 10001, 10001, 0o700)


@pytest.fixture
def setting(image, hosts, configuration, state):
    return Setting(
        image.root, image.user, environment={**image.environment, "CONSUL_HTTP_ADDR": "http://consul:8500"},
        mounts=[(configuration, "/run/shmconf", "rw"), (state, "/var/lib/shmconf", "rw"), hosts],
    )


@pytest.fixture
def service(image, configuration):
    """Of another user and another container; it only reads, by its group."""
    return Setting(
        image.root, READER, (image.user[1],), {"SHMCONF_DIR": "/run/shmconf", "SHMCONF_NAME": "web"},
        [(configuration, "/run/shmconf", "ro")],
    )


@pytest.fixture
def sidecar(image, setting, consul, tmp_path):
    consul.put("config/web/a", "1")
    with Container(setting, [*image.entrypoint, *image.command, *RUN], tmp_path) as started:
        yield started


def wait_for(container, key, value):
    waited = container.execute([SHMCONF, "wait", "--name", "web", "--key", key, "--equals", value, "--timeout", "30s"])
    assert waited.returncode == 0, (waited.stderr, container.log())


def test_it_is_small_and_holds_nothing_that_is_not_needed(image):
    files = image.files()
    size = sum(size for _, _, _, size in files.values())
    print(f"{size / 1e6:.1f} MB in {len(files)} files and folders")
    assert size < 60_000_000
    assert not [path for path in files if pathlib.Path(path).name in ("sh", "bash", "busybox", "dash")]
    assert not [path for path, (mode, *_) in files.items() if mode & (stat.S_ISUID | stat.S_ISGID)]
    writable = [path for path, (mode, uid, *_) in files.items() if uid != 0 or mode & 0o022]
    assert sorted(writable) == ["/run/shmconf", "/var/lib/shmconf"]


def test_authorities_are_where_its_openssl_looks(image):
    default = ssl.get_default_verify_paths().openssl_cafile  # of the same library
    assert "BEGIN CERTIFICATE" in (image.root / default.lstrip("/")).read_text()


def test_it_starts_as_nobody_special(image):
    assert image.user == (10001, 10001)
    assert image.entrypoint == [SHMCONF]


def test_another_user_reads_what_it_publishes(sidecar, service, consul, tmp_path):
    wait_for(sidecar, "a", "1")
    assert output_of(service, [SHMCONF, "get", "a"], tmp_path) == (0, "1\n")
    consul.put("config/web/a", "2")
    wait_for(sidecar, "a", "2")
    assert output_of(service, [SHMCONF, "get", "a"], tmp_path) == (0, "2\n")
    service.groups = ()
    code, words = output_of(service, [SHMCONF, "get", "a"], tmp_path)
    assert code == 5 and "ermission denied" in words


def test_it_has_no_rights_and_writes_nowhere_else(image, sidecar, state, configuration):
    wait_for(sidecar, "a", "1")
    assert eventually(lambda: (state / "web.snapshot").exists()), sidecar.log()
    assert sidecar.status("Uid") == ["10001"] * 4 and sidecar.status("Groups") == []
    for capabilities in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert int(sidecar.status(capabilities)[0], 16) == 0
    root = pathlib.Path(f"/proc/{sidecar.pid}/root")
    with pytest.raises(OSError, match="Read-only file system"):
        (root / "opt" / "file").touch()
    assert os.listdir(root / "dev" / "shm") == []
    assert {entry.name for entry in configuration.iterdir()} == {"web", ".web.lock"}
    assert {entry.name.removesuffix(".prev") for entry in state.iterdir()} == {"web.snapshot"}
    assert stat.S_IMODE((state / "web.snapshot").stat().st_mode) == 0o600


def test_sigterm_ends_it_in_time_and_leaves_the_configuration(sidecar, service, tmp_path):
    wait_for(sidecar, "a", "1")
    sidecar.signal(signal.SIGTERM)
    code, seconds = sidecar.end()
    assert code == 0 and seconds < 5, (code, seconds, sidecar.log())
    assert output_of(service, [SHMCONF, "get", "a"], tmp_path) == (0, "1\n")


def test_without_consul_it_starts_with_the_backup(image, setting, consul, configuration, tmp_path):
    consul.put("config/web/a", "1")
    words = [*image.entrypoint, *image.command, *RUN]
    with Container(setting, words, tmp_path) as first:
        wait_for(first, "a", "1")
        backup = tmp_path / "state" / "web.snapshot"
        assert eventually(backup.exists), first.log()
        first.signal(signal.SIGTERM)
        first.end()
    consul.kill()
    for entry in (configuration / "web").iterdir():  # another machine, or another pod
        entry.unlink()
    (configuration / "web").rmdir()
    with Container(setting, [*words, "--startup-timeout", "1s"], tmp_path) as second:
        waited = second.execute([SHMCONF, "wait", "--name", "web", "--after", "0", "--timeout", "30s"])
        assert waited.returncode == 0, (waited.stderr, second.log())
        told = json.loads(second.execute([SHMCONF, "status", "--name", "web", "--json"]).stdout)
        assert told["verdict"] == "backup", told
        assert second.execute([SHMCONF, "get", "--name", "web", "a"]).stdout == "1\n"


def test_as_an_entry_point_it_is_its_command(setting, consul, tmp_path):
    """Process 1 of the container, with the command's exit code."""
    consul.put("config/web/a", "1")
    words = [SHMCONF, "exec", *RUN, "--", SHMCONF, "get", "--raw"]
    assert output_of(setting, [*words, "a"], tmp_path)[0] == 0
    code, log = output_of(setting, [*words, "nothing"], tmp_path)
    assert code == 1, log
