"""A directory as an assessor sees it: its files, read when asked for and never run.

Environments, caches and what other tools keep for themselves are not looked into, nor is anything that a symbolic
link brings in from outside. A file that can't be read is noted, and the rest is looked at all the same.
"""

from __future__ import annotations

import ast
import fnmatch
import json
import os
import re
import stat
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from course_lib.taxi.maturity.findings import NothingToAssess

#: Folders that hold no work of the project's own.
SKIPPED = {
    *(".git", ".hg", ".svn", ".jj", "node_modules", "site-packages", "__pycache__", ".ipynb_checkpoints"),
    *(".venv", "venv", ".tox", ".nox", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".cache"),
    *(".idea", ".vscode", ".terraform", ".eggs", ".import_linter_cache", ".virtual_documents"),
}
MOST_FILES = 50_000
LONGEST_TEXT = 2_000_000  # bytes; what is longer is data, not text that somebody wrote


@dataclass(frozen=True)
class File:
    """A regular file: its name relative to the directory with ``/``, where it lies, and its size in bytes.

    ``base`` is the last part of the name, ``suffix`` its ending in small letters.
    """

    name: str
    path: Path
    size: int
    base: str = field(init=False, compare=False)
    suffix: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "base", self.name.rpartition("/")[2])
        object.__setattr__(self, "suffix", self.path.suffix.lower())


@dataclass
class Project:
    """The files of a directory; texts, syntax trees and JSON are read once, when first asked for."""

    root: Path
    unreadable: dict[str, str] = field(default_factory=dict)
    _texts: dict[str, str] = field(default_factory=dict)
    _trees: dict[str, ast.Module | None] = field(default_factory=dict)

    @classmethod
    def open(cls, directory: str | os.PathLike[str]) -> Project:
        """The project in ``directory``. Raises NothingToAssess, which says why there is none."""
        given = Path(directory).expanduser()
        try:
            if not given.exists():
                raise NothingToAssess(f"There is no directory {given}.")
            if not given.is_dir():
                raise NothingToAssess(f"{given} is a file. Name the directory that holds the project.")
            if not any(given.iterdir()):
                raise NothingToAssess(f"{given} is empty: there is nothing to assess yet.")
        except OSError as error:
            raise NothingToAssess(f"{given} can't be read: {error.strerror or error}.") from error
        return cls(given.resolve())

    @cached_property
    def files(self) -> list[File]:
        """Every file that counts, in the order of their names."""
        found: list[File] = []
        for file in self._walk(self.root, ""):
            found.append(file)
            if len(found) >= MOST_FILES:
                self.unreadable["…"] = f"only the first {MOST_FILES:,} files were looked at"
                break
        return sorted(found, key=lambda file: file.name)

    def _walk(self, folder: Path, prefix: str) -> Iterator[File]:
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            self.unreadable[prefix or "."] = error.strerror or str(error)
            return
        folders = []
        for entry in entries:
            name = prefix + entry.name
            try:
                if entry.is_symlink() and not self._leads_inside(entry):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry)
                    continue
                facts = entry.stat()
            except OSError as error:
                self.unreadable[name] = error.strerror or str(error)
                continue
            if stat.S_ISREG(facts.st_mode):  # a pipe would be waited for
                yield File(name, Path(entry.path), facts.st_size)
        for entry in folders:
            if entry.name not in SKIPPED and not os.path.exists(os.path.join(entry.path, "pyvenv.cfg")):
                yield from self._walk(Path(entry.path), f"{prefix}{entry.name}/")

    def _leads_inside(self, entry: os.DirEntry) -> bool:
        """Whether a link leads to a file of this directory; linked folders would be seen twice, or for ever."""
        target = Path(entry.path).resolve()
        return target.is_file() and target.is_relative_to(self.root)

    def named(self, *patterns: str) -> list[File]:
        """Files whose name (with folders, where the pattern has any) matches, whatever the case of the letters."""
        wholes = _any_of([pattern for pattern in patterns if "/" in pattern])
        bases = _any_of([pattern for pattern in patterns if "/" not in pattern])
        return [
            file
            for file in self.files
            if (bases and bases.match(file.base)) or (wholes and "/" in file.name and wholes.match(file.name))
        ]

    def ending(self, *suffixes: str) -> list[File]:
        """Files with one of these endings (``.py``)."""
        return sorted((file for one in suffixes for file in self._by_ending.get(one, ())), key=lambda file: file.name)

    @cached_property
    def _by_ending(self) -> dict[str, list[File]]:
        found: dict[str, list[File]] = {}
        for file in self.files:
            found.setdefault(file.suffix, []).append(file)
        return found

    def text(self, file: File) -> str:
        """The file as text; empty for one that can't be read, is no text, or is too long to have been written."""
        if file.name not in self._texts:
            self._texts[file.name] = self._read(file)
        return self._texts[file.name]

    def _read(self, file: File) -> str:
        if file.size > LONGEST_TEXT:
            return ""
        try:
            content = file.path.read_bytes()
        except OSError as error:
            self.unreadable[file.name] = error.strerror or str(error)
            return ""
        return "" if b"\0" in content else content.decode("utf-8", errors="replace")

    def json(self, file: File) -> Any:
        """The file's JSON; None where it is none."""
        try:
            return json.loads(self.text(file))
        except (ValueError, RecursionError):
            return None

    def yaml(self, file: File) -> Any:
        """The file's (first) YAML document; None where it is none."""
        import yaml

        try:
            return next(iter(yaml.safe_load_all(self.text(file))), None)
        except (yaml.YAMLError, ValueError, RecursionError):
            return None

    def tree(self, file: File) -> ast.Module | None:
        """The syntax tree of a Python file or of a notebook's code; None where there is no valid Python."""
        if file.name not in self._trees:
            source = self.notebook_code(file) if file.suffix == ".ipynb" else self.text(file)
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # of other people's backslashes
                    self._trees[file.name] = ast.parse(source)
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                if source.strip() and file.suffix == ".py":
                    self.unreadable[file.name] = "is no valid Python"
                self._trees[file.name] = None
        return self._trees[file.name]

    def notebook_code(self, file: File) -> str:
        """The code cells of a notebook, one after another, without lines that only IPython understands."""
        content = self.json(file)
        cells = content.get("cells") if isinstance(content, dict) else None
        if not isinstance(cells, list):
            return ""
        sources = [
            cell.get("source", "") for cell in cells if isinstance(cell, dict) and cell.get("cell_type") == "code"
        ]
        texts = ["".join(map(str, source)) if isinstance(source, list) else str(source) for source in sources]
        # a line magic that is alone in its block must not leave the block empty
        return "\n".join(re.sub(r"(?m)^(\s*)[%!?].*$", r"\1pass", text) for text in texts)

    @cached_property
    def notebooks(self) -> list[File]:
        """Jupyter's notebooks."""
        return self.ending(".ipynb")

    @cached_property
    def modules(self) -> list[File]:
        """Python files that are no tests."""
        return [file for file in self.ending(".py") if not is_test(file) and file.base != "conftest.py"]

    @cached_property
    def tests(self) -> list[File]:
        """Python files that pytest or unittest would pick up by their names."""
        return [file for file in self.ending(".py") if is_test(file)]


def _any_of(patterns: list[str]) -> re.Pattern[str] | None:
    """One expression for several patterns of a shell, whatever the case of the letters; None for no pattern."""
    return re.compile("|".join(map(fnmatch.translate, patterns)), re.IGNORECASE) if patterns else None


def is_test(file: File) -> bool:
    """Whether a Python file is there to test the others."""
    return file.suffix == ".py" and (
        file.base.startswith("test_") or file.base.endswith("_test.py") or file.base == "tests.py"
    )
