"""A segment that goes away, comes back, is damaged, or belongs to another version: a reader keeps what
it has."""

import os
import shutil
import struct

import pytest
from segment import Segment
from waiting import eventually

import shmconf


def snapshot_bytes(service):
    with open(service.segment.snapshot_file(), "rb") as file:
        return bytearray(file.read())


def test_the_directory_is_removed_and_made_again(web, root):
    service = web({"a": "1"})
    told = []
    service.config.on_change("a", lambda change: told.append(change.new))
    shutil.rmtree(service.segment.directory)
    assert service.config.a == "1" and service.config.wait(0) is False
    assert service.config.status.generation
    with Segment(root, "web") as again:
        again.publish({"a": "2"})
        assert service.config.wait(60) is True
        assert service.config.a == "2"
        assert eventually(lambda: told == ["2"])


def test_the_segment_is_retired_and_replaced(web, root):
    service = web({"a": "1"})
    service.segment.remove()
    assert service.config.a == "1" and service.config.status.verdict == "dead"
    with Segment(root, "web") as again:
        again.publish({"a": "2"})
        assert eventually(lambda: service.config.a == "2")


def test_the_publisher_is_gone(web):
    service = web({"a": "1"})
    service.segment.__exit__()
    assert service.config.a == "1" and service.config.wait(0.05) is False
    with service.config.snapshot() as held:
        assert held.a == "1"


def test_files_that_are_cut_short_under_a_private_copy(web, root):
    service = web({"a": "1", "large": "x" * 100_000}, private_copy=True)
    service.publish({"a": "2", "large": "y" * 100_000})
    assert service.config.wait(5) and service.config.a == "2" and service.config.status.error == ""
    os.truncate(service.segment.snapshot_file(), 0)
    os.truncate(service.segment.control_file(), 0)
    assert service.config.a == "2" and service.config["large"] == "y" * 100_000
    assert service.config.wait(0) is False
    status = service.config.status
    assert "restart the sidecar" in status.error and status.problem == status.error
    assert status.verdict == "dead"
    shutil.rmtree(service.segment.directory)
    with Segment(root, "web") as again:
        again.publish({"a": "3"})
        assert eventually(lambda: service.config.a == "3")
        assert service.config.status.error == ""


def test_a_snapshot_of_another_version_is_not_taken(web):
    service = web({"a": "1"})
    newer = snapshot_bytes(service)
    struct.pack_into("<I", newer, 8, 2)
    service.segment.publish_bytes(bytes(newer))
    assert service.config.a == "1" and service.config["a"] == "1"
    assert service.config.wait(0) is False
    service.publish({"a": "2"})
    assert eventually(lambda: service.config.a == "2")


def test_a_page_of_another_version_is_refused_with_words(web):
    service = web({"a": "1"})
    with open(service.segment.control_file(), "r+b") as page:
        page.seek(8)
        page.write(struct.pack("<I", 2))
    with pytest.raises(shmconf.Error) as refused:
        shmconf.open("web", allow_backup=False)
    assert refused.value.code == "wrong_version"
    assert service.config.a == "1"


def test_a_missing_or_truncated_snapshot_is_not_taken(web):
    service = web({"a": "1"})
    service.segment.show(service.segment.generation() + 7)
    assert service.config.a == "1"
    service.segment.publish_bytes(b"")
    assert service.config.a == "1"
    service.segment.publish_bytes(b"nothing like a snapshot")
    assert service.config.a == "1" and service.config.wait(0) is False


def test_any_damage_is_an_error_or_a_value_and_never_a_crash(web):
    service = web({"a/b": "x" * 100, "doc": '{"n": [1, 2, {"m": 3}]}', "c": "1", "counter": "1"})
    sound = bytes(snapshot_bytes(service))
    taken = 0
    for at in range(0, len(sound), 5):
        broken = bytearray(sound)
        broken[at] ^= 0xFF
        generation = service.segment.publish_bytes(service.segment.sealed(broken))
        taken += service.config.status.generation == generation
        for read in READS:
            try:
                read(service.config)
            except (shmconf.Error, KeyError, AttributeError, TypeError, IndexError):
                pass
        try:
            shmconf.open("web", verify=True, allow_backup=False).close()
        except shmconf.Error as error:
            assert error.code in ("damaged", "wrong_version", "not_ready")
    assert taken > len(sound) / 5 / 2, "the damage was read, not kept away from"
    service.publish({"a/b": "whole"})
    assert eventually(lambda: service.config.a.b == "whole")


READS = [
    lambda config: config.a.b,
    lambda config: config["a/b"],
    lambda config: config.doc.n[2].m,
    lambda config: [config.get(name) for name in config],
    lambda config: list(config.a),
    lambda config: "nothing/there" in config,
    repr,
    shmconf.to_dict,
    lambda config: config.status,
    lambda config: config.wait(0),
]


def test_the_backup_is_read_where_there_is_no_segment(web, root, tmp_path):
    service = web({"a": "1", "b/c": "2"})
    backup = tmp_path / "web.snapshot"
    backup.write_bytes(snapshot_bytes(service))
    os.chmod(backup, 0o600)
    service.segment.remove()
    with shmconf.open("web", backup=backup) as config:
        assert config.b.c == "2" and config.status.from_file and config.status.backup_file == str(backup)
        with Segment(root, "web") as again:
            again.publish({"a": "3"})
            assert config.wait(60) is True and config.a == "3"
    with shmconf.open_backup(backup) as config:
        assert config.a == "1" and config.wait(0.01) is False
    backup.write_bytes(b"x" * 500)
    with pytest.raises(shmconf.Error) as damaged:
        shmconf.open_backup(backup)
    assert damaged.value.code == "damaged" and str(backup) in str(damaged.value)


def test_an_encrypted_backup_is_the_sidecars_alone(tmp_path):
    file = tmp_path / "web.snapshot"
    file.write_bytes(b"SHMCONFE" + bytes(400))
    file.chmod(0o600)
    with pytest.raises(shmconf.Error, match="encrypted") as denied:
        shmconf.open_backup(file)
    assert denied.value.code == "denied"
    with pytest.raises(shmconf.Error, match="encrypted") as denied:
        shmconf.open("web", directory=str(tmp_path), backup=str(file))
    assert denied.value.code == "denied"
