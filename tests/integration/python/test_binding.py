"""bind: a dataclass filled from the configuration."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import pathlib
from dataclasses import dataclass, field
from typing import Any, Dict, List, Literal, Optional, Tuple, Union

import pytest

import shmconf


class Mode(enum.Enum):
    FAST = "fast"
    SAFE = "safe"


@dataclass
class Redis:
    host: str
    port: int = 6379
    password: Optional[str] = None


@dataclass
class Settings:
    redis: Redis
    timeout: datetime.timedelta = datetime.timedelta(seconds=1)
    ratio: float = 0.5
    debug: bool = False
    names: List[str] = field(default_factory=list)
    ports: Dict[str, int] = field(default_factory=dict)
    mode: Mode = Mode.SAFE
    level: Literal["info", "debug", 3] = "info"
    either: Union[int, str] = 0
    demo: Any = field(default=None, metadata={"key": "demo-config"})
    backup: Optional[Redis] = None
    home: pathlib.Path = pathlib.Path("/")
    raw: bytes = b""
    pair: Tuple[int, ...] = ()
    derived: int = field(init=False, default=5)


@dataclass
class RedisConfig:
    redis_host: str
    redis_port: int
    redis_db: int
    redis_password: str


@dataclass
class Demo:
    redis_config: RedisConfig
    show_message: str


@dataclass
class Even:
    number: int

    def __post_init__(self):
        if self.number % 2:
            raise ValueError("number must be even")


def test_texts_become_what_the_fields_ask_for(web):
    values = {
        "redis/host": "x",
        "redis/port": " 7000\n",
        "timeout": "1m30s",
        "ratio": "0.25",
        "debug": "YES",
        "names": '["a", "b"]',
        "ports/a": "1",
        "ports/b": "2",
        "mode": "fast",
        "level": "3",
        "either": "text",
        "demo-config": '{"a": [1]}',
        "backup/host": "y",
        "home": "/srv",
        "raw": b"\xff",
        "pair": "[1, 2]",
    }
    bound = web(values).config.bind(Settings)
    assert bound.redis == Redis("x", 7000) and bound.backup == Redis("y")
    assert bound.timeout == datetime.timedelta(seconds=90)
    assert (bound.ratio, bound.debug, bound.names, bound.ports) == (0.25, True, ["a", "b"], {"a": 1, "b": 2})
    assert (bound.mode, bound.level, bound.either, bound.demo) == (Mode.FAST, 3, "text", {"a": [1]})
    assert (bound.home, bound.raw, bound.pair) == (pathlib.Path("/srv"), b"\xff", (1, 2))


def test_documents_and_dicts_bind_as_well(web, demo):
    bound = web({"demo-config": demo}).config.bind(Demo, "demo-config")
    assert bound.redis_config == RedisConfig("127.0.0.1", 6379, 0, "aaaa1111")
    assert shmconf.from_dict({"redis": {"host": "x"}}).bind(Settings).redis == Redis("x")


def test_defaults_and_what_is_optional_may_be_absent(web):
    bound = web({"redis/host": "x"}).config.bind(Settings)
    assert bound == Settings(Redis("x"))


def test_one_instance_a_generation(web):
    service = web({"redis/host": "a"})
    first = service.config.bind(Settings)
    assert service.config.bind(Settings) is first
    assert service.config.bind(Redis, "redis") is service.config.bind(Redis, "redis")
    service.publish({"redis/host": "b"})
    assert service.config.bind(Settings).redis.host == "b" and first.redis.host == "a"


def test_each_key_that_does_not_fit_is_named_with_type_and_source_but_not_its_value(web):
    values = {"redis/port": "hunter2", "ratio": "nan", "names": '["a", 5]', "timeout": "soon", "ports/a": "x"}
    with pytest.raises(shmconf.BindingError) as wrong:
        web(values).config.bind(Settings)
    assert wrong.value.code == "wrong_type" and isinstance(wrong.value, shmconf.Error)
    assert set(wrong.value.problems) == {
        "redis/host: there is no such key; expected a str (source: consul)",
        "redis/port: expected an int, found a text that is none (source: consul)",
        "timeout: expected a duration, like 30s or 15m, found a text that is none (source: consul)",
        "ratio: expected a float, found a text that is none (source: consul)",
        "names/1: expected a str, found the int (source: consul)",
        "ports/a: expected an int, found a text that is none (source: consul)",
    }
    assert "hunter2" not in str(wrong.value)


@pytest.mark.parametrize(
    "name, value",
    [
        ("debug", "maybe"),
        ("debug", 1),
        ("ratio", True),
        ("mode", "slow"),
        ("level", "4"),
        ("either", None),
        ("redis", "x"),
        ("names", "a,b"),
        ("raw", 5),
        ("backup", "x"),
        ("ports", [1]),
        ("home", 1.5),
        ("pair", ["x"]),
    ],
)
def test_wrong_types(name, value):
    with pytest.raises(shmconf.BindingError, match=f"^{name}.*: expected .*source: dict"):
        shmconf.from_dict({"redis/host": "x", name: value}).bind(Settings)


def test_a_dataclass_may_refuse_values_itself():
    with pytest.raises(shmconf.BindingError, match="^box: number must be even"):
        shmconf.from_dict({"box/number": 3}).bind(Even, "box")


def test_absent_path_and_wrong_use():
    config = shmconf.from_dict({"a": {"b": 1}})
    with pytest.raises(shmconf.BindingError, match="^redis/host: there is no such key"):
        config.bind(Redis, "redis")
    with pytest.raises(TypeError, match="dataclass"):
        config.bind(dict)
    hidden = dataclass(type("Hidden", (), {"__annotations__": {"b": "Nowhere"}}))
    with pytest.raises(TypeError, match="Hidden: .*'Nowhere' is not defined.*at the top of their module"):
        config.bind(hidden, "a")
    unknown = dataclasses.make_dataclass("Unknown", [("b", set)])
    with pytest.raises(TypeError, match="a/b: bind.. cannot make"):
        config.bind(unknown, "a")
