"""JSON documents open up."""

import json

import pytest

import shmconf

WIDE = {
    "text": "x",
    "int": 6379,
    "large": 2**63,
    "float": 1.5,
    "exponent": 1e3,
    "true": True,
    "false": False,
    "null": None,
    "empty": {},
    "none": [],
    "list": [1, "two", [3, [4]], {"five": 5, "six": [{"seven": 7}]}],
}


def test_fields_are_typed(web, demo):
    config = web({"demo-config": demo}).config
    document = config["demo-config"]
    assert document.redis_config.redis_port == 6379 and type(document.redis_config.redis_port) is int
    assert document.redis_config.redis_password == "aaaa1111"
    assert config["demo-config/redis_config/redis_host"] == document["redis_config/redis_host"] == "127.0.0.1"
    assert list(document) == ["redis_config", "show_message"] and len(document.redis_config) == 4
    assert shmconf.to_dict(document) == json.loads(demo)


def test_every_type(web):
    document = web({"wide": json.dumps(WIDE)}).config.wide
    for name in ("text", "int", "large", "float", "exponent", "true", "false", "null", "none"):
        assert document[name] == WIDE[name] and type(document[name]) is type(WIDE[name]), name
    assert len(document.empty) == 0
    assert "null" in document and document.get("null", 5) is None
    assert shmconf.to_dict(document) == WIDE


def test_lists_are_lists_and_their_objects_open_up(web):
    config = web({"wide": json.dumps(WIDE), "array": "[1, {\"a\": 2}]"}).config
    assert config.wide.list[:3] == [1, "two", [3, [4]]]
    assert config.wide.list[3].five == 5 and config.wide.list[3].six[0].seven == 7
    assert config.array[0] == 1 and config.array[1].a == config.array[1]["a"] == 2


def test_a_list_is_its_readers_own(web):
    config = web({"array": "[1, [2]]"}).config
    config.array.append(3)
    config.array[1].append(3)
    config["array"].clear()
    assert config.array == config["array"] == [1, [2]]


def test_pointers_as_the_reader_spells_them(web, demo):
    config = web({"demo-config": demo, "slash": json.dumps({"a/b": 1, "c": 1.5, "d": None})}).config
    assert config["demo-config#/redis_config/redis_port"] == 6379
    assert config["slash#/a~1b"] == 1 and config["slash#/c"] == 1.5 and config["slash#/d"] is None


def test_fields_whose_names_hold_a_slash(web):
    config = web({"document": json.dumps({"a/b": {"c": 1}, "a": {"b": {"d": 2}}})}).config
    assert config.document["a/b"].c == config["document/a/b/c"] == 1
    assert config["document/a/b/d"] == config.document.a.b.d == 2


def test_a_kv_path_wins_over_a_field_of_the_same_path_and_both_are_seen(web):
    values = {"doc": json.dumps({"a": 1, "b": {"x": 1, "y": 1}, "c": 1}), "doc/a": "kv", "doc/b/x": "kv"}
    config = web(values).config
    assert config.doc.a == config["doc/a"] == "kv"
    assert config.doc.b.x == "kv" and config.doc.b.y == 1
    assert config.doc.c == 1
    assert sorted(config.doc) == ["a", "b", "c"] and sorted(config.doc.b) == ["x", "y"]


def test_what_is_no_document_stays_a_text(web):
    config = web({"broken": '{"a": ', "number": "5", "deep": "[" * 100 + "]" * 100}).config
    assert config.broken == '{"a": ' and config.number == "5"
    assert config.deep == "[" * 100 + "]" * 100


def test_documents_follow_the_newest_generation(web):
    service = web({"doc": '{"a": {"b": 1}}'})
    inner = service.config.doc.a
    assert inner.b == 1
    service.publish({"doc": '{"a": {"b": 2}}'})
    assert inner.b == 2
    service.publish({"doc": '{"a": {"b": 2}}', "other": "x"})
    assert inner.b == 2
    service.publish({"doc": '{"a": 3}'})
    with pytest.raises(AttributeError):
        inner.b
    assert service.config.doc.a == 3


def test_a_document_that_did_not_change_is_not_parsed_again(web, monkeypatch):
    big = json.dumps({f"name{i}": i for i in range(20000)})
    service = web({"doc": big, "other": "1"})
    parsed = []
    monkeypatch.setattr(json.JSONDecoder, "decode", counted(parsed, json.JSONDecoder.decode))
    for turn in range(3):
        service.publish({"doc": big, "other": str(turn)})
        assert service.config.doc.name19999 == 19999 and service.config.other == str(turn)
    assert len(parsed) == 1
    service.publish({"doc": big[:-1] + ', "more": 1}', "other": "1"})
    assert service.config.doc.more == 1 and len(parsed) == 2


def counted(calls, function):
    def counting(*arguments):
        calls.append(1)
        return function(*arguments)

    return counting
