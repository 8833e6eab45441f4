"""Whether the workers of a cluster have what this process has: the same results need the same code.

``versions`` is a function that says what results depend on where it is called, by name: of Python, of libraries, and
of this package's own code (``course_lib``: a hash).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from course_lib.errors import CourseError

if TYPE_CHECKING:
    from distributed import Client

Versions = Callable[[], dict[str, str]]
_MOST = 5  # differences that are told


class OtherVersions(CourseError):
    """A worker has other versions than this process, or lacks something."""


@lru_cache
def digest(versions: Versions) -> str:
    """All of them as one word, as they were when this process first asked."""
    return hashlib.sha256(repr(sorted(versions().items())).encode()).hexdigest()


def check(client: Client, versions: Versions) -> None:
    """Raise OtherVersions, naming worker and difference, unless all workers have the same as this process."""
    here = versions()
    for worker, there in client.run(versions, on_error="return").items():
        if isinstance(there, BaseException):
            raise OtherVersions(f"The worker {worker} {cannot(there)}")
        if told := differences(here, there):
            raise OtherVersions(f"The worker {worker} has {told}")


def cannot(error: BaseException) -> str:
    """That a worker can't run this package at all, in words that follow its name."""
    return (
        f"can't run this course's code ({type(error).__name__}: {error}). "
        "Install the course there as here, with the same lock file, and restart it."
    )


def differences(here: Mapping[str, str], there: Mapping[str, Any]) -> str:
    """What a worker has otherwise, in words that follow "the worker has"; nothing where all is the same."""
    names = [name for name in {**here, **there} if name != "course_lib" and there.get(name) != here.get(name)]
    words = [f"{name} {there.get(name, 'missing')} (here {here.get(name, 'missing')})" for name in names[:_MOST]]
    words += [f"{len(names) - _MOST} more"] if len(names) > _MOST else []
    words += ["another course_lib"] if there.get("course_lib") != here.get("course_lib") else []
    if not words:
        return ""
    return f"other versions: {', '.join(words)}. Its results could differ: install the same there and restart it."
