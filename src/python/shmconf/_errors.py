"""What the package raises."""

from __future__ import annotations

from typing import List

from . import _reader
from ._nearest import nearest_key

Error = _reader.Error


class MissingKey(AttributeError, KeyError):
    """There is nothing at a path. An AttributeError where an attribute was read, a KeyError where an
    item was; one class, so that either clause catches it."""

    def __init__(self, node: _reader.Node, name: str) -> None:
        super().__init__(name)
        self.key = _reader.prefix_of(node) + name
        self._node = node
        self._name = name

    # When somebody asks for it: hasattr() and getattr() with a default never do.
    def __str__(self) -> str:
        try:
            nearest = nearest_key(self._node, self._name)
        except Error:
            nearest = None
        text = f"there is no key {self.key!r}"
        if nearest is None:
            return text
        last = nearest.rsplit("/", 1)[-1]
        spelling = "" if last.isidentifier() else f", read as [{last!r}]"
        return f"{text}; the nearest is {nearest!r}{spelling}"

    def __reduce__(self) -> "tuple[type, tuple[str]]":
        return AttributeError, (str(self),)


class BindingError(Error):
    """The configuration does not fit the dataclass. problems: one line for each key that does not."""

    def __init__(self, problems: List[str]) -> None:
        super().__init__("\n".join(problems))
        self.code = "wrong_type"
        self.problems = problems

    def __reduce__(self) -> "tuple[type, tuple[List[str]]]":
        return BindingError, (self.problems,)
