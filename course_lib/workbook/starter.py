"""A starter: files that students copy and begin from, released beside the notebooks as they are.

They lie in ``solutions/<module>/capstone/starter``; what else lies in ``capstone`` (a reference, say) is never
released. Students work in copies, so that a starter may be replaced; where somebody changed it, a copy stays.
"""

from __future__ import annotations

from course_lib.paths import is_litter
from course_lib.workbook.files import write_bytes
from course_lib.workbook.install import UNCHANGED, WRITTEN, Installed, keep_copy
from course_lib.workbook.modules import Module

FOLDER = "capstone"


def starter_files(module: Module) -> dict[str, bytes]:
    """The content of each file of a module's starter by its name inside the release folder; empty without one."""
    home = module.solutions / FOLDER / "starter"
    files = sorted(path for path in home.rglob("*") if path.is_file() and not is_litter(path.relative_to(home)))
    return {f"{FOLDER}/{path.relative_to(home).as_posix()}": _plain(path.read_bytes()) for path in files}


def install_starter(module: Module) -> list[Installed]:
    """Bring the starter in ``modules/`` up to date. Raises CourseError when a file can't be written."""
    return [_install(module, name, content) for name, content in starter_files(module).items()]


def stale_starter(module: Module) -> dict[str, str]:
    """What differs from the starter in ``solutions/``, by name inside the release folder, and how."""
    found = {}
    for name, content in starter_files(module).items():
        path = module.release / name
        if not path.is_file():
            found[name] = "is missing"
        elif _plain(path.read_bytes()) != content:
            found[name] = "is not the starter in solutions/"
    return found


def _install(module: Module, name: str, content: bytes) -> Installed:
    path = module.release / name
    if not path.exists():
        write_bytes(path, content)
        return Installed(path, WRITTEN)
    if _plain(path.read_bytes()) == content:
        return Installed(path, UNCHANGED)
    copy = keep_copy(path)
    write_bytes(path, content)
    return Installed(path, WRITTEN, f"what was there is now {copy.name}")


def _plain(content: bytes) -> bytes:
    """With the same line ends on every system; a starter holds texts only."""
    return content.replace(b"\r\n", b"\n")
