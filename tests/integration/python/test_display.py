"""What people see of a configuration."""

import shmconf


def test_repr_masks_secrets(web, demo):
    values = {"redis/host": "x", "redis/Password": "hunter2", "api_key": "k1", "tokens/a": "t1", "demo-config": demo}
    text = repr(web(values).config)
    assert text.startswith("Config({") and "'host': 'x'" in text and "'redis_port': 6379" in text
    for secret in ("hunter2", "k1", "t1", "aaaa1111"):
        assert secret not in text
    assert text.count("'***'") == 4


def test_repr_of_a_part_knows_where_it_lies(web):
    config = web({"secrets/a/b": "hunter2", "plain/a": "x"}).config
    assert repr(config.secrets.a) == "Node({'b': '***'})" and repr(config.plain) == "Node({'a': 'x'})"


def test_the_words_are_a_setting(web):
    config = web({"password": "shown", "pin": "1234"}, secrets=["PIN"]).config
    assert repr(config) == "Config({'password': 'shown', 'pin': '***'})"
    assert repr(config.snapshot()) == "Snapshot({'password': 'shown', 'pin': '***'})"
    assert "1" in repr(shmconf.from_dict({"key": 1}, secrets=()))


def test_repr_shows_values_in_lists_and_cuts_what_is_long(web):
    config = web({"array": '[1, {"token": "x"}]', "long": "y" * 1000}).config
    assert repr(config).startswith("Config({'array': [1, {'token': '***'}], 'long': 'yyy")
    assert len(repr(config)) < 200
    many = shmconf.from_dict({f"name{i}": i for i in range(1000)})
    assert len(repr(many)) < 3000 and repr(many).endswith("...})")


def test_dir_and_completion(web):
    config = web({"redis/host": "x", "demo-config": "y"}).config
    assert "redis" in dir(config) and "status" in dir(config) and "demo-config" not in dir(config)
    assert [name for name in dir(config.redis) if not name.startswith("_")] == ["get", "host"]
    assert config._ipython_key_completions_() == ["demo-config", "redis"]


def test_to_dict(web):
    assert shmconf.to_dict(web({"a/b": "1", "a/c/d": "2", "e": '{"f": [1]}'}).config) == {
        "a": {"b": "1", "c": {"d": "2"}},
        "e": {"f": [1]},
    }
