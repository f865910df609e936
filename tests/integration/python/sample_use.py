"""What mypy --strict is to accept of a service; never run."""

import asyncio
from dataclasses import dataclass, field
from typing import Dict, List, Optional

import shmconf


@dataclass
class Redis:
    host: str
    port: int = 6379
    password: Optional[str] = None


@dataclass
class Settings:
    redis: Redis
    names: List[str] = field(default_factory=list)


def told(change: shmconf.Change) -> None:
    print(change.key, change.old, change.new)


async def follow(config: shmconf.Config) -> None:
    async for change in config.changes("redis"):
        key: str = change.key
        print(key)


def main() -> None:
    config = shmconf.launch("web", prefixes=["config/web/"], startup_timeout="2s", allow_empty=True)
    host: str = config.redis.host
    port: int = config["redis/port"]
    names: List[str] = list(config)
    with config.snapshot() as snapshot:
        values: Dict[str, object] = {name: snapshot[name] for name in snapshot}
    settings: Settings = config.bind(Settings)
    redis: Redis = config.bind(Redis, "redis")
    with config.on_change("redis", told):
        changed: bool = config.wait(1.5)
    status: shmconf.Status = config.status
    age: Optional[float] = status.age
    try:
        print(config.none, config.get("none", 5), "none" in config, len(config))
    except shmconf.MissingKey as missing:
        print(missing.key)
    except shmconf.Error as error:
        print(error.code)
    with shmconf.from_dict({"redis": {"host": "x"}}) as given, shmconf.open("web") as read:
        print(given, read)
    asyncio.run(follow(config))
    print(host, port, names, values, settings, redis, changed, age)
