"""A dict whose large values are copied only when somebody reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar


class Unread:
    """A large value that nobody has read; ``read`` makes it. Only code that goes past a dict's methods sees one."""

    __slots__ = ("read",)
    __pydantic_serializer__: ClassVar[Any]
    """Set by who knows pydantic, which writes a dict past its methods."""

    def __init__(self, read: Callable[[], Any]) -> None:
        self.read = read

    def __repr__(self) -> str:
        return "<a large value that wasn't read yet; read it from its dict: [key], get(key), items()>"


def _reading(name: str) -> Callable[..., Any]:
    """The dict's method of that name, which needs every value."""
    method = getattr(dict, name)

    def read(self: Thawing, *arguments: Any) -> Any:
        for key, value in dict.items(self):
            if type(value) is Unread:
                dict.__setitem__(self, key, value.read())
        return method(self, *arguments)

    return read


class Thawing(dict[str, Any]):
    """A dict with ``Unread`` values: each becomes what it stands for when it is read. A copy of it is a plain dict.

    It is one in every respect that Python code can see. Code in C that reads past its methods (validation by pydantic,
    orjson) meets an ``Unread``, and says so, unless the value was read before.
    """

    __slots__ = ()

    def __getitem__(self, key: str) -> Any:
        value = super().__getitem__(key)
        if type(value) is Unread:
            value = self[key] = value.read()
        return value

    def get(self, key: str, default: Any = None, /) -> Any:
        """As a dict's."""
        try:
            return self[key]
        except KeyError:
            return default

    def setdefault(self, key: str, default: Any = None, /) -> Any:
        """As a dict's."""
        return self[key] if key in self else super().setdefault(key, default)

    def pop(self, key: str, /, *default: Any) -> Any:
        """As a dict's."""
        self.get(key)
        return super().pop(key, *default)

    def __iter__(self) -> Iterator[str]:
        return super().__iter__()  # of its own, so that dict(...) and ** go through the methods

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return dict, (), None, None, iter(self.items())

    items, values, copy, popitem = map(_reading, ("items", "values", "copy", "popitem"))
    __eq__, __ne__, __or__, __ror__, __repr__ = map(_reading, ("__eq__", "__ne__", "__or__", "__ror__", "__repr__"))
    __hash__ = None
