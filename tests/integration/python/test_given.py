"""from_dict: the same object, for a service's own tests."""

import pytest

import shmconf


def test_reads_like_any_other():
    config = shmconf.from_dict({"redis": {"host": "x", "port": 6379}, "redis/db": 0, "servers": [{"name": "a"}]})
    assert config.redis.host == config["redis/host"] == config.redis["host"] == "x"
    assert config.redis.db == 0 and config.redis.port == 6379
    assert config.servers[0].name == "a"
    assert list(config) == ["redis", "servers"] and "redis/host" in config and config.get("no", 1) == 1
    with pytest.raises(AttributeError, match="nearest is 'redis/host'"):
        config.redis.hots


def test_paths_are_taken_apart_and_merged():
    values = {"a/b/c": 1, "a/b": {"d": 2}, "a": {"e": 3, "b": {"f": 4}}, "x": "plain", "x/y": "below"}
    config = shmconf.from_dict(values)
    assert (config.a.b.c, config.a.b.d, config.a.e, config.a.b.f) == (1, 2, 3, 4)
    assert config.x == "plain" and config["x/y"] == "below"


def test_keeps_a_copy():
    given = {"a": {"b": [1, {"c": 2}]}}
    config = shmconf.from_dict(given)
    given["a"]["b"].append(5)
    given["a"]["b"][1]["c"] = 5
    assert shmconf.to_dict(config) == {"a": {"b": [1, {"c": 2}]}}


def test_the_rest_of_the_interface_is_there():
    with shmconf.from_dict({"a": 1}) as config:
        with config.snapshot() as snapshot:
            assert snapshot.a == 1
        assert config.wait(0.01) is False
        assert config.status.verdict == "live" and config.status.source == "dict"
        config.on_change("a", print).cancel()


def test_refuses_what_is_no_configuration():
    with pytest.raises(TypeError, match="a key is a str, not 5"):
        shmconf.from_dict({"a": {5: 1}})
    with pytest.raises(TypeError, match="shmconf.open"):
        shmconf.Config({"a": 1})
    with pytest.raises(TypeError, match="comes from"):
        type(shmconf._reader.source_of(shmconf.from_dict({})))()
