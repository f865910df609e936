"""The ways to a configuration."""

from __future__ import annotations

import datetime
import os
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple, Union

from . import _reader
from ._config import Config, Context
from ._display import DEFAULT_SECRETS

Path = Union[str, "os.PathLike[str]"]
Flag = Union[bool, int, float, str, "os.PathLike[str]", datetime.timedelta, Sequence[str], None]


def _context(reopen: Any, secrets: Iterable[str], arguments: Dict[str, Any]) -> Context:
    if isinstance(secrets, str):
        raise TypeError("secrets is a sequence of words, like ('password', 'token')")
    words = tuple(word.lower() for word in secrets)
    return Context(words, reopen, {**arguments, "secrets": words})


def open(
    name: Optional[str] = None,
    *,
    directory: Optional[Path] = None,
    backup: Optional[Path] = None,
    verify: bool = False,
    allow_backup: bool = True,
    private_copy: bool = False,
    secrets: Iterable[str] = DEFAULT_SECRETS,
) -> Config:
    """The configuration of a name (None: $SHMCONF_NAME), kept by a sidecar that runs already; or its
    backup, where there is neither sidecar nor segment.

    directory, backup: where they are, if not in the default places. verify: check every byte first.
    private_copy: read a copy, so that nothing that is done to the segment's files can kill the process;
    each read makes a system call then, but those of a snapshot(). secrets: words in the names of keys whose values repr() masks."""
    arguments: Dict[str, Any] = dict(
        name=name, directory=directory, backup=backup, verify=verify, allow_backup=allow_backup,
        private_copy=private_copy,
    )
    return Config(_reader.open(_context(open, secrets, arguments), **arguments))


def open_backup(file: Path, *, secrets: Iterable[str] = DEFAULT_SECRETS) -> Config:
    """The configuration in one backup file, which never changes."""
    return Config(_reader.open_backup(_context(open_backup, secrets, {"file": file}), file))


def launch(
    name: Optional[str] = None,
    *,
    prefixes: Union[str, Iterable[str]] = (),
    keys: Union[str, Iterable[str]] = (),
    settings: Optional[Path] = None,
    directory: Optional[Path] = None,
    backup: Optional[Path] = None,
    binary: Optional[Path] = None,
    secrets: Iterable[str] = DEFAULT_SECRETS,
    **flags: Flag,
) -> Config:
    """As open(), after starting a sidecar where the name has none; it ends when the last process that
    launched it has ended, or close()d. Blocks until there is a configuration.

    prefixes, keys: the places in Consul's KV, later ones win. settings: a settings file instead, or as
    well. binary: of shmconf, if it is neither $SHMCONF_BIN nor on PATH. Any other keyword is a flag of
    `shmconf run`: startup_timeout="2s" is --startup-timeout 2s, hardening=False is --hardening=false; None
    leaves it out."""
    sources = [*_each("--prefix", prefixes), *_each("--key", keys)]
    arguments = dict(
        name=name, prefixes=_words(prefixes), keys=_words(keys), settings=settings, directory=directory,
        backup=backup, binary=binary, **flags,
    )
    context = _context(launch, secrets, arguments)
    words = tuple(sources + _flags(flags))
    return Config(_reader.launch(context, name, directory, backup, settings, words, binary))


def from_dict(values: Mapping[str, Any], *, secrets: Iterable[str] = DEFAULT_SECRETS) -> Config:
    """A configuration of these values, without any sidecar: for a service's own tests. Mappings are
    folders or objects; a key with '/' is a path."""
    copied = _copied(values, "")
    context = _context(from_dict, secrets, {"values": copied})
    return Config(_reader.given(context, copied))


def _words(words: Union[str, Iterable[str]]) -> List[str]:
    return [words] if isinstance(words, str) else list(words)


def _each(flag: str, words: Union[str, Iterable[str]]) -> List[str]:
    return [part for word in _words(words) for part in (flag, word)]


def _flags(flags: Mapping[str, Flag]) -> List[str]:
    made: List[str] = []
    for keyword, value in flags.items():
        flag = "--" + keyword.replace("_", "-")
        if value is None:
            continue
        if value is True:
            made.append(flag + "=true")
        elif value is False:  # a settings file or variable may say otherwise
            made.append(flag + "=false")
        elif isinstance(value, (list, tuple)):
            made.extend(_each(flag, value))
        elif isinstance(value, datetime.timedelta):
            made.extend((flag, f"{round(value.total_seconds() * 1000)}ms"))
        else:
            made.extend((flag, os.fspath(value) if isinstance(value, os.PathLike) else str(value)))
    return made


def _copied(values: Mapping[str, Any], path: str) -> Dict[str, Any]:
    """As a dict of one's own, with the keys that are paths taken apart."""
    made: Dict[str, Any] = {}
    apart: List[Tuple[str, Any]] = []
    for key, value in values.items():
        if not isinstance(key, str):
            raise TypeError(f"{path or 'the configuration'}: a key is a str, not {key!r}")
        inner = _copied_value(value, f"{path}/{key}" if path else key)
        if "/" in key:
            apart.append((key, inner))
        else:
            made[key] = inner
    for key, inner in apart:
        _place(made, key, inner)
    return made


def _copied_value(value: Any, path: str) -> Any:
    if isinstance(value, Mapping):
        return _copied(value, path)
    if isinstance(value, (list, tuple)):
        return [_copied_value(element, path) for element in value]
    return value


def _place(folder: Dict[str, Any], path: str, value: Any) -> None:
    """Puts value at a path. Where a plain value stands in its way, as it may in Consul, the path stays
    one name, which is found as well."""
    name, _, rest = path.partition("/")
    inner = folder.setdefault(name, {}) if rest else None
    if not isinstance(inner, dict):
        folder[path] = value
    elif "/" in rest:
        _place(inner, rest, value)
    else:
        _merge(inner, rest, value)


def _merge(folder: Dict[str, Any], name: str, value: Any) -> None:
    known = folder.get(name)
    if isinstance(known, dict) and isinstance(value, dict):
        for inner_name, inner in value.items():
            _merge(known, inner_name, inner)
    else:
        folder[name] = value
