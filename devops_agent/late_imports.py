"""Imports that wait until what they give is used.

Libraries import for uses that this program does not make of them: a log of their own, hubs, HTTP clients.
"""

import importlib
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


class _Later(type):
    """A class that stands for what a module holds, which is imported when it is called or looked into."""

    def _is_stand_in(cls) -> bool:
        return "_stands_for" in vars(cls)

    def _real(cls) -> Any:
        module, name = vars(cls)["_stands_for"]
        real = getattr(importlib.import_module(module), name)
        if real is cls:
            raise ImportError(f"{module}.{name} is used at once: it cannot be put off.")
        return real

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if not cls._is_stand_in():
            return super().__call__(*args, **kwargs)
        real = cls._real()
        return real(*map(_real, args), **{name: _real(value) for name, value in kwargs.items()})

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__") or not cls._is_stand_in():
            raise AttributeError(name)
        return getattr(cls._real(), name)


def _real(value: Any) -> Any:
    return value._real() if isinstance(value, _Later) and value._is_stand_in() else value


class _LaterModule(ModuleType):
    """Gives stand-ins to the thread that puts it off, as long as it does; else what is in the module."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        finder: _Finder = self.__spec__.loader  # type: ignore[assignment,union-attr]
        if finder.is_at_work():
            return finder.stand_in(self.__name__, name)
        return getattr(importlib.import_module(self.__name__), name)


# Seconds that another thread waits for what is put off: this one may wait for a module that it imports.
_PATIENCE = 10.0
# For who replaces the list of finders. It is never changed: another thread may be going through it.
_REPLACING = threading.Lock()


class _Finder:
    """Gives modules whose contents stand for those of the real ones, to the thread that made it."""

    def __init__(self, names: Sequence[str]) -> None:
        self.has_ended = threading.Event()
        self._names = names
        self._owner = threading.get_ident()
        self._stand_ins: dict[tuple[str, str], _Later] = {}

    def is_at_work(self) -> bool:
        """Whether this thread puts off; another one waits for the end of that."""
        if threading.get_ident() != self._owner:
            self.has_ended.wait(_PATIENCE)
        return not self.has_ended.is_set()

    def stand_in(self, module: str, name: str) -> _Later:
        """What stands for that of a module."""
        told = {"_stands_for": (module, name), "__module__": module}
        return self._stand_ins.setdefault((module, name), _Later(name, (Exception,), told))

    def has_made(self, module: object) -> bool:
        """Whether a module is one of its own."""
        return isinstance(module, _LaterModule) and module.__spec__.loader is self  # type: ignore[union-attr]

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if not any(f"{name}.".startswith(f"{each}.") for each in self._names):
            return None
        # what another thread imports is the real one, if the package above it is
        if threading.get_ident() != self._owner and not self.has_made(
            sys.modules.get(name.rpartition(".")[0])
        ):
            return None
        return ModuleSpec(name, self, is_package=True)  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _LaterModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        pass


@contextmanager
def put_off(*names: str) -> Iterator[None]:
    """Has the modules that what is imported meanwhile imports, in this thread, imported when they are used.

    Args:
        *names: The modules, with all in them; one that is imported already is given as it is. Another thread
            that uses one of them meanwhile waits for the end of this.
    """
    finder = _Finder(names)
    with _REPLACING:
        sys.meta_path = [finder, *sys.meta_path]
    try:
        yield
    finally:
        with _REPLACING:
            sys.meta_path = [each for each in sys.meta_path if each is not finder]
        for name in [name for name, module in [*sys.modules.items()] if finder.has_made(module)]:
            del sys.modules[name]
            parent, _, child = name.rpartition(".")
            if finder.has_made(vars(sys.modules.get(parent, sys)).get(child)):
                delattr(sys.modules[parent], child)
        finder.has_ended.set()
