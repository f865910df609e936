"""Keys as attributes and items."""

import pytest

import shmconf


def test_attributes_and_items_read_the_same(web):
    config = web({"redis/host": "127.0.0.1", "redis/cache/size": "7", "name": "web"}).config
    assert config.redis.host == config["redis/host"] == config["redis"]["host"] == "127.0.0.1"
    assert config.redis.cache.size == config["redis/cache"].size == config.redis["cache/size"] == "7"
    assert config.name == "web"


def test_reads_follow_the_newest_generation_also_through_parts_that_were_kept(web):
    service = web({"redis/host": "a"})
    redis = service.config.redis
    assert (redis.host, redis["host"], service.config.redis.host) == ("a", "a", "a")
    service.publish({"redis/host": "b", "redis/port": "1"})
    assert (redis.host, redis["host"], redis.port, service.config.redis.host) == ("b", "b", "1", "b")
    service.publish({"other": "c"})
    with pytest.raises(AttributeError):
        redis.host
    assert "redis" not in service.config and len(redis) == 0


def test_values_are_str_where_they_are_utf8_and_bytes_where_not(web):
    config = web({"text": "größer", "empty": "", "binary": b"\xff\x00", "nul": "a\0b", "number": "6379"}).config
    assert config.text == "größer"
    assert config.empty == ""
    assert config.binary == b"\xff\x00"
    assert config.nul == "a\0b"
    assert config.number == "6379"


def test_keys_of_any_spelling_are_read_as_items(web):
    config = web({"größe/ß": "1", "with space": "2", "a//b": "3", "x#y": "4", "a.b/c": "5"}).config
    assert config.größe.ß == config["größe/ß"] == "1"
    assert (config["with space"], config["a//b"], config["x#y"], config["a.b"].c) == ("2", "3", "4", "5")
    assert config["a"][""]["b"] == "3"
    assert config.get("\udfff") is None and "\udfff" not in config


def test_get_answers_the_default_for_what_is_not_there(web):
    config = web({"redis/host": "a"}).config
    assert config.get("redis/host", "b") == "a"
    assert config.get("redis/port") is None
    assert config.get("redis/port", 6379) == 6379
    assert config.get(key="redis/port", default=1) == 1
    assert config.redis.get("host") == "a"
    assert config.get("redis").host == "a"


def test_in_iteration_and_len(web):
    config = web({"b": "1", "a/x": "2", "a-b": "3", "a/y/z": "4", "a/": ""}).config
    assert list(config) == ["a-b", "a", "b"] and len(config) == 3
    assert list(config.a) == ["x", "y"] and len(config.a) == 2
    assert "a" in config and "a/x" in config and "a/y" in config and "a/q" not in config and 5 not in config
    assert {name: config[name] for name in config if name != "a"} == {"a-b": "3", "b": "1"}
    assert config and not config.get("a/y/z/none")


def test_a_key_wins_over_the_folder_of_its_name_which_a_slash_reads(web):
    config = web({"a": "value", "a/b": "below"}).config
    assert config.a == "value"
    assert config["a/"].b == config["a/b"] == "below"


def test_a_folder_key_is_read_by_its_name_and_hides_nothing(web):
    config = web({"redis/": "", "redis/host": "a", "empty/": ""}).config
    assert config["redis/"] == "" and config.redis.host == "a"
    assert len(config.empty) == 0


def test_own_names_win_over_keys_which_items_read(web):
    config = web({"status": "1", "get": "2", "wait": "3", "redis/status": "4", "__doc__": "5", "_x": "6"}).config
    assert isinstance(config.status, shmconf.Status)
    assert config["status"] == "1" and config.get("get") == "2" and config["wait"] == "3"
    assert callable(config.get) and callable(config.wait)
    assert config.redis.status == "4", "a part has no name of its own but get"
    assert config["__doc__"] == "5" and config["_x"] == config._x == "6"


def test_what_is_missing_is_an_attribute_error_that_names_the_nearest_key(web):
    config = web({"redis/host": "a", "redis/port": "1", "demo-config": "2"}).config
    with pytest.raises(AttributeError, match="no key 'redis/hots'; the nearest is 'redis/host'$"):
        config.redis.hots
    with pytest.raises(KeyError) as missing:
        config["redis/prot"]
    assert str(missing.value) == "there is no key 'redis/prot'; the nearest is 'redis/port'"
    with pytest.raises(AttributeError, match=r"the nearest is 'demo-config', read as \['demo-config'\]"):
        config.demo_config
    with pytest.raises(KeyError, match="'reddis/host'; the nearest is 'redis'"):
        config["reddis/host"]
    assert not hasattr(config, "other") and getattr(config, "other", 5) == 5
    assert not hasattr(config, "__deepcopy__")


def test_a_configuration_is_read_only(web):
    config = web({"a/b": "1"}).config
    with pytest.raises(AttributeError, match="read-only; change it in Consul"):
        config.a = 1
    with pytest.raises(AttributeError, match="read-only"):
        del config.a.b
    with pytest.raises(TypeError):
        config["a"] = 1
    with pytest.raises(TypeError, match="a key is a str"):
        config[5]


def test_ten_thousand_keys(web):
    values = {f"group{i % 100}/key{i}": str(i) for i in range(10000)}
    config = web(values).config
    assert len(config) == 100 and sum(len(config[group]) for group in config) == 10000
    assert all(config[key] == value for key, value in values.items())
    with pytest.raises(AttributeError, match="the nearest is 'group77'"):
        config.grup77


def test_opening(root, segment):
    with pytest.raises(shmconf.Error) as absent:
        shmconf.open("nothing", allow_backup=False)
    assert absent.value.code == "absent" and "nothing" in str(absent.value)
    with pytest.raises(shmconf.Error) as invalid:
        shmconf.open("not/a/name")
    assert invalid.value.code == "invalid"
    with pytest.raises(shmconf.Error) as early:
        shmconf.open("web", allow_backup=False)
    assert early.value.code == "not_ready"
    segment.publish({"a": "1"})
    with shmconf.open("web", directory=root, verify=True) as config:
        assert config.a == "1"
    with pytest.raises(shmconf.Error, match="was closed"):
        config.a
    assert "closed" in repr(config)
