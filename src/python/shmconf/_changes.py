"""Changes: told to callbacks by one background thread, and to coroutines."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import weakref
from typing import Any, AsyncIterator, Callable, Iterator, List, NamedTuple, Optional

from . import _reader
from ._display import to_dict

_log = logging.getLogger("shmconf")

# How long a wait may last after its end was asked for.
_SLICE_MS = 250


class Change(NamedTuple):
    """One key that changed. None: there was, or is, no such key."""

    key: str
    old: Any
    new: Any


def differences(before: _reader.Source, after: _reader.Source, path: str) -> Iterator[Change]:
    """What changed at and below a path: key by key; or inside the JSON document that holds it."""
    changed = _reader.changed_keys(before, after, path)
    for key in changed:
        yield Change(key, before.value(key), after.value(key))
    if path and not changed and _document_changed(before, after, path):
        old = _reader.Node(before).get(path)
        new = _reader.Node(after).get(path)
        if to_dict(old) != to_dict(new):
            yield Change(path, old, new)


def _document_changed(before: _reader.Source, after: _reader.Source, path: str) -> bool:
    parts = path.split("/")
    return any(_reader.is_changed(before, after, "/".join(parts[:end])) for end in range(1, len(parts)))


class Subscription:
    """Ends with cancel(), or with its configuration. May be used in a with statement."""

    def __init__(
        self, follower: "Follower", path: str, deliver: Callable[[Change], object], told: _reader.Source
    ) -> None:
        self._follower = follower
        self._path = path
        self._deliver = deliver
        self._told = told
        self._cancelled = False

    def cancel(self) -> None:
        """No call begins after this one; one that is under way goes on to its end."""
        self._cancelled = True
        self._follower.remove(self)

    def __enter__(self) -> "Subscription":
        return self

    def __exit__(self, *_: object) -> None:
        self.cancel()

    def tell(self, now: _reader.Source) -> None:
        if self._told.generation() == now.generation():
            return
        for change in differences(self._told, now, self._path):
            if self._cancelled:
                return
            try:
                self._deliver(change)
            except Exception:
                _log.exception("a callback for changes of %r failed at %r", self._path, change.key)
        # Last, so that a child that is forked meanwhile tells again what it may have missed.
        self._told = now


class Follower:
    """The subscriptions of one configuration, and the thread that tells them while there are any."""

    def __init__(self, source: _reader.Source) -> None:
        self._source = source
        self._subscriptions: List[Subscription] = []
        # Reentrant: a collection of garbage may cancel a subscription wherever this thread is.
        self._lock = threading.RLock()
        self._thread: Optional[threading.Thread] = None
        _followers.add(self)

    def add(self, path: str, deliver: Callable[[Change], object]) -> Subscription:
        subscription = Subscription(self, path.rstrip("/"), deliver, self._source.freeze())
        if self._source.follows:
            with self._lock:
                self._subscriptions.append(subscription)
                self._ensure_thread()
        return subscription

    def remove(self, subscription: Subscription) -> None:
        with self._lock:
            if subscription in self._subscriptions:
                self._subscriptions.remove(subscription)

    def close(self) -> None:
        """Returns when the thread has ended, unless called from it."""
        with self._lock:
            self._subscriptions.clear()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _ensure_thread(self) -> None:
        if self._thread is None:
            run = threading.Thread(
                target=self._run, args=(self._source.waiter(),), name="shmconf-changes", daemon=True
            )
            self._thread = run
            run.start()

    def _run(self, waiter: _reader.Waiter) -> None:
        seen = 0
        while True:
            waiter.wait(_SLICE_MS, seen)
            with self._lock:
                subscriptions = list(self._subscriptions)
                if not subscriptions:
                    self._thread = None
                    return
            now = waiter.freeze()
            if now.generation() != seen:
                self._source.look()  # a waiter finds a new segment before a reader does
            seen = now.generation()
            for subscription in subscriptions:
                subscription.tell(now)

    def restart_after_fork(self) -> None:
        # The thread stayed in the parent. What it left half-done there (its lock, its waiter) is left alone.
        self._lock = threading.RLock()
        self._thread = None
        if self._subscriptions:
            self._ensure_thread()


_followers: "weakref.WeakSet[Follower]" = weakref.WeakSet()


def _restart_all() -> None:
    for follower in list(_followers):
        follower.restart_after_fork()


os.register_at_fork(after_in_child=_restart_all)


class Changes(AsyncIterator[Change]):
    """What changes() answers: changes one by one, none lost from its making on."""

    def __init__(self, follower: Follower, path: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: "asyncio.Queue[Change]" = asyncio.Queue()
        own = weakref.ref(self)

        # Holds no more than a weak reference, so that a loop that was left ends the subscription.
        def deliver(change: Change) -> None:
            changes = own()
            if changes is not None:
                changes._hand_over(change)

        self._subscription = follower.add(path, deliver)

    def _hand_over(self, change: Change) -> None:
        try:
            self._loop.call_soon_threadsafe(self._queue.put_nowait, change)
        except RuntimeError:  # the loop is closed
            self._subscription.cancel()

    def __aiter__(self) -> "Changes":
        return self

    async def __anext__(self) -> Change:
        return await self._queue.get()

    async def aclose(self) -> None:
        self._subscription.cancel()

    def __del__(self) -> None:
        subscription = getattr(self, "_subscription", None)
        if subscription is not None:
            subscription.cancel()
