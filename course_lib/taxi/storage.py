"""Folders on this machine and in object stores, under one set of verbs.

    place = storage.at("s3://bucket/months")       # or "build/years"
    with place.writing("2021-01.parquet") as part:
        table.to_parquet(part)                     # a path on this machine
    place.names()                                  # ["2021-01.parquet"]

Addresses are those of fsspec. Where a store is and who may use it (endpoint, keys) is not part of the address: fsspec
and the store's own library read it from their settings on each machine, for example FSSPEC_S3_ENDPOINT_URL and
AWS_ACCESS_KEY_ID. A file is there whole or not at all: object stores show an object when its last byte has come, and
other systems get a part under another name, which then takes the file's.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from course_lib.errors import CourseError, UsageError

# Here an upload that breaks off leaves nothing that anybody could see.
_WHOLE_OBJECTS = {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "memory"}
# What tells two contents of one name apart, in the words of the various stores.
_VERSIONS = ("ETag", "etag", "md5Hash", "content_md5", "mtime", "created", "LastModified")


class StorageError(CourseError):
    """A store refused, or doesn't have what was asked for; the message says which address and why."""


class Unreachable(StorageError):
    """A store didn't answer: another attempt may go better."""


@dataclass(frozen=True)
class Held:
    """A file that a place holds: its size, and a word that changes when its content does."""

    bytes: int
    version: str


def is_url(place: str | os.PathLike[str] | None) -> bool:
    """Whether ``place`` is the address of a store, and no path on this machine."""
    text = os.fspath(place) if place is not None else ""
    return "://" in text and not text.startswith(("file://", "local://"))


def at(place: str | os.PathLike[str]) -> Place:
    """The folder that a path or an address names. Raises UsageError for an address of an unknown kind."""
    text = os.fspath(place)
    if not is_url(text):
        path = text.partition("://")[2] if "://" in text else text
        return Place(str(Path(path).expanduser().resolve()))
    made = Place(text.rstrip("/"))
    with _worded(made.url):
        made.system()
    return made


@dataclass(frozen=True)
class Place:
    """A folder: ``url`` is a whole path or an address. It need not be there before something is written.

    Every verb raises StorageError, or Unreachable, in words.
    """

    url: str

    def __str__(self) -> str:
        return self.url

    @property
    def is_remote(self) -> bool:
        """Whether it lies in a store, and not on a disk of this machine."""
        return is_url(self.url)

    def __truediv__(self, name: str) -> Place:
        return Place(f"{self.url}/{name}")

    def system(self) -> Any:
        """fsspec's file system, which remembers no listings: others write there, too."""
        import fsspec

        return fsspec.core.url_to_fs(self.url, use_listings_cache=False)[0]

    def path(self, name: str = "") -> str:
        """The file's path as its file system knows it."""
        return self.system()._strip_protocol(f"{self.url}/{name}" if name else self.url)

    def names(self) -> list[str]:
        """The files directly inside, sorted, without hidden ones; none when the folder isn't there."""
        system = self.system()
        with _worded(self.url):
            try:
                entries = system.ls(self.path(), detail=True, refresh=True)
            except FileNotFoundError:
                return []
        files = (entry["name"].rstrip("/").rsplit("/", 1)[-1] for entry in entries if entry["type"] == "file")
        return sorted(name for name in files if not name.startswith("."))

    def held(self, name: str) -> Held | None:
        """Size and version of a file; None when it isn't there."""
        with _worded(f"{self.url}/{name}"):
            try:
                info = self.system().info(self.path(name), refresh=True)
            except FileNotFoundError:
                return None
        version = next((str(info[key]) for key in _VERSIONS if info.get(key)), "")
        return Held(int(info["size"] or 0), version.strip('"')) if info["type"] == "file" else None

    def read(self, name: str) -> bytes | None:
        """A file's content; None when it isn't there."""
        with _worded(f"{self.url}/{name}"):
            try:
                return self.system().cat_file(self.path(name))
            except FileNotFoundError:
                return None

    @contextlib.contextmanager
    def opened(self, name: str) -> Iterator[BinaryIO]:
        """A file open for reading, from any position."""
        with _worded(f"{self.url}/{name}"), self.system().open(self.path(name), "rb") as file:
            yield file

    def fetch(self, name: str, target: Path) -> Path:
        """A copy of the file at ``target`` on this machine, whole or not at all."""
        from course_lib.taxi.pipeline_files import replacing

        with _worded(f"{self.url}/{name}"), replacing(target) as part:
            self.system().get_file(self.path(name), str(part))
        return target

    @contextlib.contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """A path on this machine to write to; what is there when the block ends well becomes the file ``name``."""
        from course_lib.taxi.pipeline_files import replacing

        if not self.is_remote:
            with replacing(Path(self.url) / name) as part:
                yield part
            return
        folder = tempfile.mkdtemp(prefix="course-upload-")
        try:
            part = Path(folder) / name
            yield part
            self.send(part, name)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def send(self, source: Path, name: str) -> None:
        """Make the file ``source`` of this machine the file ``name`` here."""
        if not self.is_remote:
            with self.writing(name) as part:
                shutil.copyfile(source, part)
            return
        system, target = self.system(), self.path(name)
        with _worded(f"{self.url}/{name}"):
            if _protocols(system) & _WHOLE_OBJECTS:
                system.put_file(str(source), target)
                return
            part = self.path(f".{name}.{uuid.uuid4().hex}.part")
            system.makedirs(self.path(), exist_ok=True)
            system.put_file(str(source), part)
            system.mv(part, target)

    def write(self, name: str, content: bytes) -> None:
        """``content`` as the file ``name``."""
        with self.writing(name) as part:
            part.write_bytes(content)

    def create(self, name: str, content: bytes) -> bool:
        """Make the file unless there is one already; whether it was made. Of two who try at once, one succeeds."""
        with _worded(f"{self.url}/{name}"):
            try:
                self.system().pipe_file(self.path(name), content, mode="create")
            except FileExistsError:
                return False
        return True

    def sweep(self) -> None:
        """Take away the parts that killed processes left: a file takes its name only when it is whole."""
        system = self.system()
        with _worded(self.url), contextlib.suppress(FileNotFoundError):
            for entry in system.ls(self.path(), detail=True, refresh=True):
                name = entry["name"].rstrip("/").rsplit("/", 1)[-1]
                if name.startswith(".") and name.endswith(".part"):
                    self.remove(name)

    def remove(self, name: str) -> None:
        """Take a file away; nothing happens when it isn't there."""
        with _worded(f"{self.url}/{name}"), contextlib.suppress(FileNotFoundError):
            self.system().rm_file(self.path(name))


def _protocols(system: Any) -> set[str]:
    return {system.protocol} if isinstance(system.protocol, str) else set(system.protocol)


@contextlib.contextmanager
def _worded(url: str) -> Iterator[None]:
    """What went wrong at a store, in words and with its address; what isn't the store's passes as it is."""
    try:
        yield
    except CourseError:
        raise
    except ImportError as error:
        raise UsageError(f"{url}: this kind of address needs a package that isn't installed ({error}).") from error
    except ValueError as error:
        if "rotocol" not in str(error):
            raise
        raise UsageError(f"{url} is no address of a store: {error}. For example: s3://bucket/folder.") from error
    except FileNotFoundError as error:
        raise StorageError(f"{url} isn't there ({_first_line(error)}).") from error
    except PermissionError as error:
        raise StorageError(
            f"{url} may not be used with the keys of this machine ({_first_line(error)}). "
            "Set them where the store's library looks, for example AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        ) from error
    except Exception as error:
        name = type(error).__name__
        if name in ("NoCredentialsError", "PartialCredentialsError"):
            raise StorageError(
                f"{url}: this machine has no keys for the store. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
                "here and on every worker."
            ) from error
        if is_url(url) and (isinstance(error, OSError) or type(error).__module__.startswith(("botocore", "aiohttp"))):
            raise Unreachable(
                f"{url}: the store doesn't answer as it should ({name}: {_first_line(error)})."
            ) from error
        raise


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
