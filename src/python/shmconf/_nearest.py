"""The existing key that a missing one was probably meant to be."""

from __future__ import annotations

import difflib
from typing import List, Optional

from . import _reader

# Comparing takes about 20 us a name.
_MOST_NAMES = 1000


def nearest_key(node: _reader.Node, name: str) -> Optional[str]:
    """The key whose name is most like `name`, below the deepest part of it that exists; None where
    there is nothing at all."""
    *folders, last = name.split("/")
    for at, folder in enumerate(folders):
        child = node.get(folder)
        if not isinstance(child, _reader.Node):
            last = "/".join([*folders[at:], last])
            break
        node = child
    names = _worth_comparing(last, list(node))
    found = difflib.get_close_matches(last.split("/")[0], names, n=1, cutoff=0.0)
    return _reader.prefix_of(node) + found[0] if found else None


def _worth_comparing(name: str, names: List[str]) -> List[str]:
    if len(names) <= _MOST_NAMES:
        return names
    alike = [other for other in names if other[:1] == name[:1] and abs(len(other) - len(name)) <= 3]
    return (alike or names)[:_MOST_NAMES]
