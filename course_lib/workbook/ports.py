"""Find a port to listen on. Never a fixed one: on macOS the system holds 5000, elsewhere a neighbour does."""

from __future__ import annotations

import socket

from course_lib.errors import CourseError, UsageError

HOST = "127.0.0.1"


class PortInUse(CourseError):
    """Somebody else listens on the port asked for."""


def find_free_port(wanted: int | None = None, *, host: str = HOST) -> int:
    """``wanted`` if it can be had, any free port if none is wanted.

    Raises PortInUse, which names a port that is free, and UsageError for a number that is no port.
    """
    if wanted is not None and not 1 <= wanted <= 65535:
        raise UsageError(f"{wanted} is no port: a port is a number from 1 to 65535")
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((host, wanted or 0))
        except PermissionError as error:
            raise PortInUse(
                f"this system lets nobody but its administrator use port {wanted}; try one above 1023"
            ) from error
        except (OSError, OverflowError) as error:
            free = find_free_port(host=host)
            raise PortInUse(f"port {wanted} is in use. Type --port {free}, or leave --port out.") from error
        return probe.getsockname()[1]
