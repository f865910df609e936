"""config/shmconf.schema.json, by which editors judge a settings file, and `shmconf check` agree."""

import copy
import json
import os
import pathlib
import subprocess

import jsonschema
import pytest

CONFIG = pathlib.Path(__file__).parents[2] / "config"
SCHEMA = json.loads((CONFIG / "shmconf.schema.json").read_text())
REFERENCE_TEXT = (CONFIG / "shmconf.json").read_text()
# Its comments have lines of their own.
REFERENCE = json.loads("\n".join(line for line in REFERENCE_TEXT.splitlines() if not line.lstrip().startswith("//")))


def valid_by_schema(document):
    return jsonschema.Draft7Validator(SCHEMA).is_valid(document)


def valid_by_check(document, directory):
    file = directory / "settings.json"
    file.write_text(json.dumps(document))
    checked = subprocess.run([os.environ["SHMCONF_BIN"], "check", str(file)], capture_output=True, text=True, timeout=30)
    assert checked.returncode in (0, 2), checked.stderr
    return checked.returncode == 0


def changed(path, value):
    """The reference with another value at a path like consul/wait."""
    document = copy.deepcopy(REFERENCE)
    *sections, name = path.split("/")
    place = document
    for section in sections:
        place = place[section]
    place[name] = value
    return document


def test_is_a_schema():
    jsonschema.Draft7Validator.check_schema(SCHEMA)


def test_the_reference_file_is_valid(tmp_path):
    jsonschema.validate(REFERENCE, SCHEMA, cls=jsonschema.Draft7Validator)
    assert valid_by_check(REFERENCE, tmp_path)


GOOD = [
    ("name", "a.B_c-9"), ("directory", "/run/x y"), ("sources", [{"key": "a"}, {"prefix": "a/b.c/"}, {"key": "a/"}]),
    ("heartbeat_interval", "1h30m"), ("startup_timeout", "0s"), ("consul/wait", "100ms"), ("consul/max_body_bytes", 1024),
    ("consul/address", "10.0.0.1:8500"), ("consul/address", "unix:///run/consul.sock"), ("consul/address", "[::1]:8500"),
    ("consul/address", "https://consul.example/"), ("consul/address", ""), ("consul/consistency", "stale"),
    ("log/format", "json"), ("log/level", "off"), ("backup_file", ""), ("$schema", "elsewhere.json"),
]
BAD = [
    ("name", ""), ("name", "we b"), ("name", "-a"), ("name", "a" * 65), ("name", 5), ("directory", "a\nb"), ("group", "a b"),
    ("sources", {}), ("sources", [{"prefix": "config/web"}]), ("sources", [{"prefix": "a/", "key": "b"}]), ("sources", [{}]),
    ("sources", [{"key": ""}]), ("sources", [{"key": "/a"}]), ("sources", [{"prefix": "a//b/"}]), ("sources", [{"key": "a/../b"}]),
    ("sources", [{"kee": "a"}]), ("allow_empty", "yes"), ("hardening", 1), ("heartbeat_interval", "15"), ("heartbeat_interval", 15),
    ("heartbeat_interval", ""), ("heartbeat_interval", "1m1h"), ("startup_timeout", "5 s"), ("consul/wait", None),
    ("consul/address", "ftp://x"), ("consul/address", "localhost"), ("consul/address", "http://u:p@h:1"),
    ("consul/address", "http://h/path"), ("consul/address", "unix://run/x"), ("consul/consistency", "stalee"),
    ("consul/consistency", ""), ("consul/max_body_bytes", 1023), ("consul/max_body_bytes", "1024"), ("consul/max_body_bytes", -1),
    ("consul/tls", 5), ("consul/tls/verify", "true"), ("consul/tokn", "x"), ("consul/token", "a\nb"), ("log/level", "loud"),
    ("log/format", "xml"), ("log", []), ("nothing", 1), ("$schema", 7),
]


@pytest.mark.parametrize("path, value", GOOD, ids=repr)
def test_both_accept(path, value, tmp_path):
    document = changed(path, value)
    assert (valid_by_schema(document), valid_by_check(document, tmp_path)) == (True, True)


@pytest.mark.parametrize("path, value", BAD, ids=repr)
def test_both_refuse(path, value, tmp_path):
    document = changed(path, value)
    assert (valid_by_schema(document), valid_by_check(document, tmp_path)) == (False, False)
