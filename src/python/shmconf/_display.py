"""A configuration as text, with its secrets masked, and as plain data."""

from __future__ import annotations

from typing import Any, List, Sequence

from . import _reader

# The words of `shmconf dump` (src/display/secrets.cc) and of the Node package.
DEFAULT_SECRETS = ("password", "passwd", "passphrase", "secret", "token", "credential", "key")

_MASK = "***"
_MOST_VALUES = 100
_LONGEST_VALUE = 80


def says_secret(path: str, words: Sequence[str]) -> bool:
    """Whether the name of a key, or of a folder above it, says that its value is one."""
    lowered = path.lower()
    return any(word in lowered for word in words)


def to_dict(value: Any) -> Any:
    """A part of a configuration as dicts, lists and plain values of one's own.

    Of a part that follows the newest generation, the values may be of two; take a snapshot() where
    that matters."""
    if isinstance(value, _reader.Node):
        return {name: to_dict(value.get(name)) for name in value}
    if isinstance(value, list):
        return [to_dict(element) for element in value]
    return value


class _Writer:
    def __init__(self, words: Sequence[str]) -> None:
        self._words = words
        self._left = _MOST_VALUES

    def write(self, value: Any, path: str) -> str:
        if isinstance(value, _reader.Node):
            return "{" + self._members(value, path) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(self._each((element, path) for element in value)) + "]"
        self._left -= 1
        if says_secret(path, self._words):
            return f"{_MASK!r}"
        text = repr(value)
        return text if len(text) <= _LONGEST_VALUE else text[:_LONGEST_VALUE] + "..."

    def _each(self, values: Any) -> List[str]:
        written: List[str] = []
        for value, path in values:
            if self._left <= 0:
                written.append("...")
                break
            written.append(self.write(value, path))
        return written

    def _members(self, node: _reader.Node, path: str) -> str:
        written: List[str] = []
        for name in node:
            if self._left <= 0:
                written.append("...")
                break
            written.append(f"{name!r}: {self.write(node.get(name), f'{path}/{name}')}")
        return ", ".join(written)


def describe(node: _reader.Node, words: Sequence[str]) -> str:
    """What repr() shows: the first hundred values, long ones cut, secrets masked."""
    kind = type(node).__name__
    try:
        return f"{kind}({_Writer(words).write(node, _reader.prefix_of(node))})"
    except _reader.Error as error:
        return f"<{kind}: {error}>"
