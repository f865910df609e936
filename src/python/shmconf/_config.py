"""The configuration as an object."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, NoReturn, Optional, Tuple, Type, TypeVar

from . import _binding, _display, _reader
from ._changes import Change, Changes, Follower, Subscription
from ._status import Status, status_of

T = TypeVar("T")

# Waiting lets Python look for signals this often, so that Ctrl-C works.
_SLICE_MS = 100


@dataclass(frozen=True)
class Context:
    """What a source was opened with."""

    secrets: Tuple[str, ...]
    reopen: Callable[..., Any]  # for a process that gets the configuration pickled
    arguments: Dict[str, Any]


class Node(_reader.Node):
    """One place of the configuration: what lies below it are its attributes and its items."""

    __slots__ = ()

    def __repr__(self) -> str:
        return _display.describe(self, _reader.source_of(self).context.secrets)

    def __dir__(self) -> List[str]:
        return [*object.__dir__(self), *(name for name in self if name.isidentifier())]

    def _ipython_key_completions_(self) -> List[str]:
        return list(self)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a part of a configuration does not pickle: pickle the whole, or its shmconf.to_dict()")


class Snapshot(Node):
    """One generation, held until the end of its with statement."""

    __slots__ = ()

    def __enter__(self) -> "Snapshot":
        return self

    def __exit__(self, *_: object) -> None:
        _reader.source_of(self).close()


class Config(Node):
    """The newest configuration of a name. One serves all threads."""

    __slots__ = ("_follower", "_waited", "_bound", "__weakref__")
    _follower: Follower
    _waited: int
    _bound: Dict[Tuple[type, str], Tuple[int, Any]]

    def __init__(self, source: _reader.Source) -> None:
        self._follower = Follower(source)
        self._waited = source.generation()
        self._bound = {}

    def snapshot(self) -> Snapshot:
        """For values that belong together: all of one generation."""
        return Snapshot(_reader.source_of(self).freeze())

    def on_change(self, path: str, function: Callable[[Change], object]) -> Subscription:
        """Calls function(Change(key, old, new)) for each key at or below path ("": all) whose value
        changes from now on, in a background thread; states in between may be skipped. What it raises is
        logged. path may lead into a JSON document. Goes on until it is cancelled or close()d."""
        return self._follower.add(path, function)

    def changes(self, path: str = "") -> Changes:
        """As on_change(), for `async for`."""
        return Changes(self._follower, path)

    def wait(self, timeout: Optional[float] = None) -> bool:
        """Waits until the generation is another one than when wait() last answered True (or at the
        start), at most timeout seconds. Whether it is."""
        after = self._waited
        source = _reader.source_of(self)
        end = None if timeout is None else time.monotonic() + timeout
        waiter = source.waiter() if source.follows else None
        while True:
            left = _SLICE_MS if end is None else min(_SLICE_MS, round((end - time.monotonic()) * 1000))
            if waiter is None:
                time.sleep(max(left, 0) / 1000)
            elif waiter.wait(max(left, 0), after):
                self._waited = waiter.freeze().generation()
                source.look()  # a waiter finds a new segment before a reader does
                return True
            if left <= 0:
                return False

    @property
    def status(self) -> Status:
        """Where the values come from, how old they are, and how the sidecar does."""
        return status_of(_reader.source_of(self).status())

    def bind(self, settings: Type[T], path: str = "") -> T:
        """The configuration at path as an instance of a dataclass; the same one for as long as the
        generation stays. Raises BindingError, which names each key that does not fit."""
        source = _reader.source_of(self)
        known = self._bound.get((settings, path))
        if known is not None and known[0] == source.generation():
            bound: T = known[1]
            return bound
        now = source.freeze()
        bound = _binding.fill(settings, Node(now), path, self.status.source)
        self._bound[settings, path] = (now.generation(), bound)
        return bound

    def close(self) -> None:
        """Lets the segment go. Reading fails from then on, and a launched sidecar ends with its last
        user."""
        self._follower.close()
        _reader.source_of(self).close()

    def __enter__(self) -> "Config":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> Tuple[Any, ...]:  # type: ignore[override]
        context = _reader.source_of(self).context
        return _reopen, (context.reopen, context.arguments)


def _reopen(function: Callable[..., Config], arguments: Dict[str, Any]) -> Config:
    return function(**arguments)
