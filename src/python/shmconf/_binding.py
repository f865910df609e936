"""A dataclass filled from a configuration."""

from __future__ import annotations

import dataclasses
import sys
import types
import typing
from typing import Any, List, Type, TypeVar

from . import _conversion, _reader
from ._conversion import Mismatch, kind_of
from ._errors import BindingError

T = TypeVar("T")

_UNIONS = (typing.Union,) if sys.version_info < (3, 10) else (typing.Union, types.UnionType)
_ABSENT = object()


def fill(settings: Type[T], root: _reader.Node, path: str, source: str) -> T:
    """An instance of settings from what lies at path. Fields are read from the key of their name, or
    metadata={"key": "..."}. source is where errors say that the values came from."""
    if not (isinstance(settings, type) and dataclasses.is_dataclass(settings)):
        raise TypeError(f"bind() fills a dataclass, not {settings!r}")
    filler = _Filler(source)
    node = root.get(path, _ABSENT) if path else root
    made = filler.dataclass(settings, node, path)
    if filler.problems:
        raise BindingError(filler.problems)
    return typing.cast(T, made)


class _Filler:
    """Collects every problem before it gives up; what it answers until then may be None."""

    def __init__(self, source: str) -> None:
        self._source = source
        self.problems: List[str] = []

    def dataclass(self, kind: Any, value: Any, path: str) -> Any:
        if value is not _ABSENT and not isinstance(value, _reader.Node):
            return self._mismatch(path, f"a folder or object for {kind.__name__}", value)
        try:
            hints = typing.get_type_hints(kind)
        except NameError as unknown:
            raise TypeError(f"{kind.__name__}: {unknown}: define its types at the top of their module") from unknown
        found = len(self.problems)
        given = {}
        for field in dataclasses.fields(kind):
            if not field.init:
                continue
            key = field.metadata.get("key", field.name)
            at = f"{path}/{key}" if path else key
            inner = _ABSENT if value is _ABSENT else value.get(key, _ABSENT)
            if inner is not _ABSENT:
                given[field.name] = self._value(hints[field.name], inner, at)
            elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
                given[field.name] = self._absent(hints[field.name], at)
        if len(self.problems) > found:
            return None
        try:
            return kind(**given)
        except (TypeError, ValueError) as error:  # its own __post_init__
            self.problems.append(f"{path or 'the configuration'}: {error}")
            return None

    def _value(self, hint: Any, value: Any, path: str) -> Any:
        simple = _conversion.simple(hint)
        if simple is not None:
            name, convert = simple
            try:
                return convert(value)
            except Mismatch:
                return self._mismatch(path, name, value)
        if dataclasses.is_dataclass(hint):
            return self.dataclass(hint, value, path)
        origin, inner = typing.get_origin(hint) or hint, typing.get_args(hint)
        if origin in _UNIONS:
            return self._any_of(inner, value, path)
        if origin is list or (origin is tuple and len(inner) == 2 and inner[1] is Ellipsis):
            return self._list(origin, inner[0] if inner else Any, value, path)
        if origin is dict and (not inner or inner[0] is str):
            return self._dict(inner[1] if inner else Any, value, path)
        raise TypeError(f"{path}: bind() cannot make a {hint!r}")

    def _any_of(self, hints: Any, value: Any, path: str) -> Any:
        before = len(self.problems)
        for hint in hints:
            made = self._value(hint, value, path)
            if len(self.problems) == before:
                return made
            if hint is not hints[-1] or type(None) is hint:
                # Optional[T]: the complaint about T is the one that helps.
                first = self.problems[before:]
                del self.problems[before:]
        self.problems[before:] = self.problems[before:] or first
        return None

    def _list(self, kind: Any, hint: Any, value: Any, path: str) -> Any:
        if not isinstance(value, list):
            return self._mismatch(path, "a list", value)
        return kind(self._value(hint, element, f"{path}/{i}") for i, element in enumerate(value))

    def _dict(self, hint: Any, value: Any, path: str) -> Any:
        if not isinstance(value, _reader.Node):
            return self._mismatch(path, "a folder or object", value)
        return {name: self._value(hint, value.get(name), f"{path}/{name}") for name in value}

    def _absent(self, hint: Any, path: str) -> Any:
        if dataclasses.is_dataclass(hint):
            return self.dataclass(hint, _ABSENT, path)  # its fields may all have defaults
        if typing.get_origin(hint) in _UNIONS and type(None) in typing.get_args(hint):
            return None
        simple = _conversion.simple(hint)
        expected = simple[0] if simple else getattr(hint, "__name__", str(hint))
        self.problems.append(f"{path}: there is no such key; expected {expected} (source: {self._source})")
        return None

    def _mismatch(self, path: str, expected: str, value: Any) -> None:
        self.problems.append(f"{path}: expected {expected}, found {kind_of(value)} (source: {self._source})")
