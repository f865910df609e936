"""Values as the types that a dataclass asks for."""

from __future__ import annotations

import datetime
import enum
import math
import pathlib
import re
import typing
from typing import Any, Callable, Dict, Optional, Tuple

from . import _reader
from ._display import to_dict

# Accepted texts are those of the reader's other languages (parse.h).
_INTEGER = re.compile(r"[+-]?[0-9]+", re.ASCII)
_FLOAT = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?", re.ASCII)
_DURATION = re.compile(r"(([0-9]+(\.[0-9]*)?|\.[0-9]+)(h|ms|m|s))+", re.ASCII)
_DURATION_PART = re.compile(r"([0-9.]+)(h|ms|m|s)", re.ASCII)
_MILLISECONDS = {"h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
_BOOLS = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}
_SPACE = " \t\r\n"


class Mismatch(Exception):
    """The value is not of the type."""


def _bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    known = _BOOLS.get(value.strip(_SPACE).lower()) if isinstance(value, str) else None
    if known is None:
        raise Mismatch
    return known


def _int(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip(_SPACE)):
        return int(value)
    raise Mismatch


def _float(value: Any) -> float:
    number = math.nan
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        number = float(value)
    elif isinstance(value, str) and _FLOAT.fullmatch(value.strip(_SPACE)):
        number = float(value)
    if not math.isfinite(number):
        raise Mismatch
    return number


def _str(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise Mismatch


def _bytes(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    return _str(value).encode("utf-8")


def _duration(value: Any) -> datetime.timedelta:
    if isinstance(value, str):
        text = value.strip(_SPACE)
        if _DURATION.fullmatch(text):
            parts = _DURATION_PART.findall(text)
            return datetime.timedelta(milliseconds=sum(float(n) * _MILLISECONDS[unit] for n, unit in parts))
    if isinstance(value, datetime.timedelta):
        return value
    return datetime.timedelta(milliseconds=_int(value))


def _none(value: Any) -> None:
    if value is not None:
        raise Mismatch


_SIMPLE: Dict[Any, Tuple[str, Callable[[Any], Any]]] = {
    bool: ("a bool (true or false)", _bool),
    int: ("an int", _int),
    float: ("a float", _float),
    str: ("a str", _str),
    bytes: ("bytes", _bytes),
    datetime.timedelta: ("a duration, like 30s or 15m", _duration),
    pathlib.Path: ("a path", lambda value: pathlib.Path(_str(value))),
    type(None): ("nothing", _none),
    Any: ("anything", to_dict),
    object: ("anything", to_dict),
}


def simple(hint: Any) -> Optional[Tuple[str, Callable[[Any], Any]]]:
    """What a type without parts is called, and the function that makes one of a value or raises
    Mismatch; None for other types."""
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return _enumeration(hint)
    if typing.get_origin(hint) is typing.Literal:
        return _choice(typing.get_args(hint))
    try:
        return _SIMPLE.get(hint)
    except TypeError:  # not hashable
        return None


def _choice(choices: Tuple[Any, ...]) -> Tuple[str, Callable[[Any], Any]]:
    def convert(value: Any) -> Any:
        for choice in choices:
            try:
                if _SIMPLE[type(choice)][1](value) == choice:
                    return choice
            except Mismatch:
                continue
        raise Mismatch

    return "one of " + ", ".join(map(repr, choices)), convert


def _enumeration(kind: "type[enum.Enum]") -> Tuple[str, Callable[[Any], Any]]:
    name, convert_value = _choice(tuple(member.value for member in kind))
    return name, lambda value: kind(convert_value(value))


def kind_of(value: Any) -> str:
    """What a value is, for an error's text; never the value itself, which may be a secret."""
    if isinstance(value, _reader.Node):
        return "a folder or object"
    if value is None:
        return "null"
    if isinstance(value, str):
        return "a text that is none" if value else "an empty text"
    if isinstance(value, bytes):
        return "bytes that are no UTF-8"
    return "a list" if isinstance(value, list) else f"the {type(value).__name__}"
