"""What a Git repository holds, read from its files: it works where the program git isn't installed."""

from __future__ import annotations

import os
import re
import struct
from dataclasses import dataclass, field
from pathlib import Path

_HASH = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


class NoRepository(Exception):
    """There is no repository, or it can't be read; the text says which."""


@dataclass(frozen=True)
class Repository:
    """A repository as one directory sees it: ``tracked`` are the files under that directory, relative to it."""

    root: Path
    branch: str
    commit: str
    tracked: frozenset[str] = field(repr=False)


def find(directory: Path) -> Repository:
    """The repository that ``directory`` is, or lies in. Raises NoRepository."""
    for folder in (directory, *directory.parents):
        git = folder / ".git"
        if not os.path.lexists(git):
            continue
        try:
            return _read(folder, _git_folder(git), directory)
        except (OSError, ValueError, struct.error, IndexError) as error:
            raise NoRepository(f"there is a .git, but it can't be read ({type(error).__name__}: {error})") from error
    raise NoRepository("there is no Git repository")


def _git_folder(git: Path) -> Path:
    """Where the repository's own files are: a worktree or a submodule has a file that names the place."""
    if git.is_dir():
        return git
    named = git.read_text(encoding="utf-8").strip().removeprefix("gitdir:").strip()
    return (git.parent / named).resolve()


def _read(root: Path, git: Path, directory: Path) -> Repository:
    common = git
    if (git / "commondir").is_file():
        common = (git / (git / "commondir").read_text(encoding="utf-8").strip()).resolve()
    head = (git / "HEAD").read_text(encoding="utf-8").strip()
    branch = head.removeprefix("ref:").strip() if head.startswith("ref:") else ""
    commit = _resolve(branch, git, common) if branch else head
    if not _HASH.fullmatch(commit):
        raise NoRepository("there is a Git repository without a single commit")
    prefix = directory.relative_to(root).as_posix()
    prefix = "" if prefix == "." else f"{prefix}/"
    width = 32 if re.search(r"(?i)objectformat\s*=\s*sha256", _text(common / "config")) else 20
    names = _index(git / "index", width)
    tracked = frozenset(name[len(prefix) :] for name in names if name.startswith(prefix))
    return Repository(root, branch.removeprefix("refs/heads/") or "no branch", commit, tracked)


def _resolve(reference: str, git: Path, common: Path) -> str:
    """The commit that a branch is at; empty where it has none yet."""
    for folder in (git, common):
        if text := _text(folder / reference).strip():
            return text
    for line in _text(common / "packed-refs").splitlines():
        commit, _, name = line.partition(" ")
        if name == reference:
            return commit
    # refs in a table (git's reftable): the log of HEAD says where it is
    last = _text(git / "logs" / "HEAD").strip().splitlines()
    return last[-1].split(" ")[1] if last else ""


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _index(path: Path, width: int) -> list[str]:
    """The names of all tracked files. Format: gitformat-index, versions 2 to 4; ``width`` is a hash's bytes."""
    if not path.is_file():
        return []
    content = path.read_bytes()
    signature, version, count = struct.unpack_from(">4sII", content)
    if signature != b"DIRC" or version not in (2, 3, 4):
        raise ValueError(f"an index of version {version}")
    names, at, previous = [], 12, b""
    for _ in range(count):
        start = at
        at += 40 + width
        (flags,) = struct.unpack_from(">H", content, at)
        at += 4 if version >= 3 and flags & 0x4000 else 2
        keep = b""
        if version == 4:  # each name says how much of the name before to cut off
            cut, at = _varint(content, at)
            keep = previous[: len(previous) - cut]
        end = content.index(b"\0", at)
        previous = keep + content[at:end]
        names.append(previous.decode("utf-8", errors="replace"))
        at = end + 1 if version == 4 else start + (end - start) // 8 * 8 + 8
    return names


def _varint(content: bytes, at: int) -> tuple[int, int]:
    """Git's variable-width number: seven bits a byte, each longer form counting on where the shorter ends."""
    value = content[at] & 0x7F
    while content[at] & 0x80:
        at += 1
        value = (value + 1) << 7 | content[at] & 0x7F
    return value, at + 1
