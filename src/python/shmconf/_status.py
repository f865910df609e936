"""What is known of the configuration that is read and of the processes behind it."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any, Mapping, Optional


@dataclass(frozen=True)
class Role:
    """One process of the sidecar, as it says of itself. Ages are in seconds; None: never."""

    alive: bool
    contact_age: Optional[float]  # since the last good answer of Consul
    failing_for: Optional[float]  # None: its last query succeeded
    failures: int
    queries: int
    publishes: int
    starts: int
    last_error: str  # kept after recovery: failing_for tells


@dataclass(frozen=True)
class Status:
    """A moment's picture."""

    verdict: str  # "live", "stale", "backup" or "dead"
    source: str  # where the values come from: "consul", "backup", "dev" or "dict"
    age: Optional[float]  # seconds since the last good contact with Consul; None: none yet
    generation: int
    key_count: int = 0
    published: Optional[datetime.datetime] = None  # this generation
    read: Optional[datetime.datetime] = None  # its content, from Consul
    from_file: bool = False  # there is neither sidecar nor segment: the backup file itself is read
    directory: str = ""
    backup_file: str = ""
    problem: str = ""  # why the newest generation cannot be read, and the last one is
    watch: Optional[Role] = None
    heartbeat: Optional[Role] = None
    supervisor: Optional[Role] = None

    @property
    def error(self) -> str:
        """What fails now, in the words of the process that it fails for; "" while nothing does."""
        if self.problem:
            return self.problem
        for role in (self.watch, self.heartbeat):
            if role is not None and role.alive and role.failing_for is not None:
                return role.last_error
        return ""


def _time(seconds: Optional[float]) -> Optional[datetime.datetime]:
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc) if seconds else None


def status_of(told: Mapping[str, Any]) -> Status:
    """From what a source tells; one that follows nothing tells its generation only."""
    if "verdict" not in told:
        return Status(verdict="live", source="dict", age=None, generation=told["generation"])
    known = dict(told)
    for role in ("watch", "heartbeat", "supervisor"):
        known[role] = Role(**known[role])
    for moment in ("published", "read"):
        known[moment] = _time(known[moment])
    return Status(**known)
