"""The address of a gradebook: SQLite's file, or a database server, whose password nobody is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from course_lib.errors import CourseError, UsageError

_SQLITE = "sqlite:///"
_POSTGRESQL = ("postgresql", "postgresql+psycopg", "postgresql+psycopg2", "postgres")
_HELP = {
    "password authentication failed": "Is the password right? Beside an address, ~/.pgpass and PGPASSWORD can hold it.",
    "no password supplied": "It can stand in the address, in ~/.pgpass or in PGPASSWORD.",
    "permission denied": "Its owner gives the right with `GRANT ALL ON SCHEMA public TO …`, or for tables that are "
    "there, `GRANT ALL ON ALL TABLES IN SCHEMA public TO …`.",
    "does not exist": "`createdb` makes a database, `createuser` a user.",
    "refused": "Is the server running, and is the address right?",
    "could not translate host name": "Is the host's name right?",
    "failed to resolve host": "Is the host's name right?",
    "read-only": "This server takes no changes; give the address of the one that does.",
}


class GradebookError(CourseError):
    """The gradebook could not be read or written. What has been written stays, and grading again goes on from there."""


def sqlite_file(url: str) -> Path | None:
    """SQLite's file; None for another kind of database."""
    return Path(url.removeprefix(_SQLITE)) if url.startswith(_SQLITE) else None


def is_postgresql(url: str) -> bool:
    return url.partition("://")[0] in _POSTGRESQL


def checked(url: str) -> str:
    """The address, as libraries want it. Raises UsageError for what is none."""
    if "://" not in url:
        raise UsageError(f"'{url}' is no address of a gradebook, such as postgresql://user@host/grades.")
    if is_postgresql(url):
        parts = _parts(url)
        if not parts.path.strip("/"):
            raise UsageError(f"{shown(url)} names no database: postgresql://user@host/grades does.")
        return f"postgresql+psycopg://{url.partition('://')[2]}"
    return url


def for_libpq(url: str) -> str:
    """A PostgreSQL address as its own library wants it."""
    return f"postgresql://{url.partition('://')[2]}"


def shown(url: str) -> str:
    """The address without its password."""
    if (file := sqlite_file(url)) is not None:
        return str(file)
    parts = _parts(url)
    user = f"{parts.username}@" if parts.username else ""
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme.partition('+')[0]}://{user}{parts.hostname or ''}{port}{parts.path}"


@contextmanager
def in_words(url: str, *others: type[Exception]) -> Iterator[None]:
    """Make a GradebookError of what a database says; ``others`` are its kinds of exceptions, besides SQLAlchemy's.

    Only where SQLAlchemy has been imported can it have raised anything: it is not imported for that.
    """
    try:
        yield
    except CourseError:
        raise
    except Exception as error:
        if not (isinstance(error, others) or type(error).__module__.startswith("sqlalchemy.")):
            raise
        raise GradebookError(words(url, error)) from None  # the cause may hold the password


def words(url: str, error: BaseException) -> str:
    """What is wrong with the gradebook, and what to do, without its password."""
    said = str(getattr(error, "orig", None) or error).strip()
    for secret in _secrets(url):
        said = said.replace(secret, "***")
    first = " ".join(said.split("\n(Background")[0].split())[:400]
    help_ = next((text for sign, text in _HELP.items() if sign in said), "")
    whole = f"the gradebook {shown(url)} can't be used: {first.rstrip('.')}. {help_}".rstrip()
    return f"{whole} What is written stays written; grading again goes on from there."


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise UsageError(
            "The gradebook's address can't be read. In a name or password, write @ as %40, / as %2F, : as %3A and "
            "% as %25: postgresql://user:password@host:5432/grades."
        ) from None
    return parts


def _secrets(url: str) -> list[str]:
    password = _parts(url).password
    return [secret for secret in {password, unquote(password or "")} if secret]
