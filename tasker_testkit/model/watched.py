"""Data that tells which of its texts somebody reads; in every other respect it is what it was made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Tell = Callable[[str], None]
"""Is told the place of each text that is read."""


def watched(value: Any, is_watched: Callable[[str], bool], tell: Tell, place: str) -> Any:
    """The JSON value, ``place`` by name, with dicts that tell where a text is read for which ``is_watched``.

    Only what holds such texts is another object than before. Whoever copies a dict or shows all of it has read it.
    """
    if isinstance(value, Mapping):
        inner = {key: watched(one, is_watched, tell, f"{place}.{key}") for key, one in value.items()}
        if all(inner[key] is value[key] for key in inner) and not _texts(value.values(), is_watched):
            return value
        return Watched(inner, place, is_watched, tell)
    if isinstance(value, list):
        found = [watched(one, is_watched, tell, f"{place}[{index}]") for index, one in enumerate(value)]
        return value if all(one is other for one, other in zip(found, value, strict=True)) else found
    return value


def _texts(values: Any, is_watched: Callable[[str], bool]) -> bool:
    """Whether one of these values, or an item of one that is a list, is such a text."""
    return any(
        is_watched(value) if isinstance(value, str) else isinstance(value, list) and _texts(value, is_watched)
        for value in values
    )


def _reading(name: str) -> Callable[..., Any]:
    """The dict's method of that name, which reads every value."""
    method = getattr(dict, name)

    def read(self: Watched, *arguments: Any) -> Any:
        for key in dict.keys(self):
            self.tell(key)
        return method(self, *arguments)

    return read


class Watched(dict[str, Any]):
    """A dict that tells which of its texts are read."""

    __slots__ = ("_is_watched", "_place", "_tell")

    def __init__(self, values: Mapping[str, Any], place: str, is_watched: Callable[[str], bool], tell: Tell) -> None:
        super().__init__(values)
        self._place, self._is_watched, self._tell = place, is_watched, tell

    def tell(self, key: str) -> None:
        """Somebody reads that key."""
        if key in self and _texts([super().__getitem__(key)], self._is_watched):
            self._tell(f"{self._place}.{key}")

    def copy(self) -> Watched:
        """A copy that tells the same; its values haven't been read yet."""
        return Watched(dict(dict.items(self)), self._place, self._is_watched, self._tell)

    def __getitem__(self, key: str) -> Any:
        self.tell(key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None, /) -> Any:
        """As a dict's."""
        self.tell(key)
        return super().get(key, default)

    def setdefault(self, key: str, default: Any = None, /) -> Any:
        """As a dict's."""
        self.tell(key)
        return super().setdefault(key, default)

    def pop(self, key: str, /, *default: Any) -> Any:
        """As a dict's."""
        self.tell(key)
        return super().pop(key, *default)

    def __iter__(self) -> Iterator[str]:
        return super().__iter__()  # of its own, so that dict(...) and ** go through the methods

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return dict, (), None, None, iter(self.items())

    items, values, popitem = map(_reading, ("items", "values", "popitem"))
    __eq__, __ne__, __or__, __ror__, __repr__ = map(_reading, ("__eq__", "__ne__", "__or__", "__ror__", "__repr__"))
    __hash__ = None
