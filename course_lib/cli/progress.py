"""Progress bars: on stderr, and a line or nothing at all where nobody watches a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any


@contextmanager
def count_progress(what: str, unit: str) -> Iterator[Callable[[int, int], None] | None]:
    """A bar that is told (done, all), or None where nobody watches."""
    if not sys.stderr.isatty():
        yield None
        return
    from tqdm import tqdm

    with tqdm(desc=what, unit=unit, file=sys.stderr, leave=False) as bar:

        def move(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield move


def step_bar(total: int, unit: str, name: str | None = None) -> Any:
    """A bar on which each step shows, also one that ends right after another: the next may take long."""
    from tqdm import tqdm

    return tqdm(total=total, desc=name, unit=unit, file=sys.stderr, leave=False, mininterval=0, miniters=1)


class CellProgress:
    """Called with (notebook, cells done, cells); shows one bar at a time, and a line for logs."""

    def __init__(self) -> None:
        self._name = ""
        self._bar: Any = None

    def __call__(self, name: str, done: int, cells: int) -> None:
        """Move the notebook's bar on; a name not seen before opens the next one."""
        if name != self._name:
            self._open(name, cells)
        if self._bar is not None:
            self._bar.update(done - self._bar.n)

    def _open(self, name: str, cells: int) -> None:
        self.close()
        self._name = name
        if sys.stderr.isatty():
            self._bar = step_bar(cells, "cell", name)
        else:
            print(f"running   {name} ({cells} cells)", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Take the current bar away."""
        if self._bar is not None:
            self._bar.close()
        self._bar = None

    def __enter__(self) -> CellProgress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
