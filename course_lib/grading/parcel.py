"""A class's setting as bytes, for workers that don't see this machine's files: tests, limits, and what students were
given beside their notebooks.

Hidden tests are in it, so it goes from process to process and is never written down; the files of the release are, at
the other end, for students have them anyway.
"""

from __future__ import annotations

import dataclasses
import pickle
import zlib
from pathlib import Path

from course_lib.grading.worker import Setting


def pack(setting: Setting) -> bytes:
    """The setting with the contents of its files."""
    files = {module: _contents(folder) for module, folder in setting.support.items()}
    return zlib.compress(pickle.dumps((dataclasses.replace(setting, support={}), files)))


def unpack(parcel: bytes, folder: Path) -> Setting:
    """The setting, with the release's files in a folder of this machine. Only for what `pack` of ours has made."""
    setting, files = pickle.loads(zlib.decompress(parcel))
    for module, contents in files.items():
        setting.support[module] = folder / module
        (folder / module).mkdir()
        for name, content in contents.items():
            path = folder / module / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    return setting


def _contents(folder: Path) -> dict[str, bytes]:
    """By their names in the folder, all files but notebooks."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".ipynb"
    }
