"""Hand-ins of every bad kind, and what must become of each: status, points, and words of the report about it."""

from __future__ import annotations

import copy
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from course_lib.grading.limits import MB, Limits
from course_lib.grading.outcome import GRADED, MALFORMED, STUDENT_ERROR, TIMEOUT
from tests.grading.classes.demo_course import MODULE, SOLVED, content

LIMITS = Limits(cell_seconds=3, notebook_seconds=25, memory_bytes=512 * MB, file_bytes=16 * MB, processes=40)
GOOD = ("amina", "bence", "Zoë")


def answer(course, **answers):
    return content(course.answered({**SOLVED, **answers}))


def _huge_output(course):
    return answer(course, total="print('x' * 200_000_000)\n" + SOLVED["total"])


def _big_file(course):
    cells = course.answered(SOLVED)
    cells[3]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x" * (50 << 20)}]
    return content(cells)


def _old_format(course):
    import nbformat

    return json.dumps(nbformat.convert(nbformat.from_dict(json.loads(answer(course))), 3)).encode()


def _without(course, what):
    cells = course.answered(SOLVED)
    for cell in cells:
        if what == "no ids":
            cell["metadata"] = {}
            del cell["id"]
        else:
            cell["id"] = "same"
    return content(cells, nbformat_minor=4 if what == "no ids" else 5)


def _copied_test(course):
    cells = course.answered(SOLVED)
    test = next(cell for cell in cells if cell["id"] == "total-test")
    return content([*cells, copy.deepcopy(test)])


def _as_text(course):
    cells = course.answered(SOLVED)
    for cell in cells:
        if cell["id"] in ("total", "stages"):
            cell["cell_type"] = "markdown"
    return content(cells)


# name: (the file, its status, its points of 11, words that the report must say about it)
BAD = {
    "broken json": (lambda _: b'{"cells": [', MALFORMED, 0, "its JSON is broken"),
    "empty": (lambda _: b"", MALFORMED, 0, "the file is empty"),
    "huge output": (_huge_output, GRADED, 11, ""),
    "big file": (_big_file, GRADED, 11, ""),
    "format 3": (_old_format, MALFORMED, 11, "old format 3"),
    "other kernel": (
        lambda c: content(c.answered(SOLVED), metadata={"kernelspec": {"name": "ir", "language": "R"}}),
        MALFORMED, 11, "kernel",
    ),
    "duplicate ids": (lambda c: _without(c, "duplicate"), GRADED, 11, "id of another cell"),
    "no ids": (lambda c: _without(c, "no ids"), GRADED, 11, "no cell had an id"),
    "copied test": (_copied_test, GRADED, 11, "had been copied"),
    "everything deleted": (lambda _: content([]), GRADED, 0, "was missing"),
    "text for code": (_as_text, GRADED, 11, "was a markdown cell"),
    "endless": (lambda c: answer(c, total="while True: pass"), TIMEOUT, 8, "ran for too long"),
    "fork bomb": (
        lambda c: answer(c, total="import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"),
        TIMEOUT, 8, "",
    ),
    "much memory": (lambda c: answer(c, total="x = bytearray(100 * 2**30)"), STUDENT_ERROR, 8, "MemoryError"),
    "exit": (lambda c: answer(c, total="import os\nos._exit(1)"), STUDENT_ERROR, 8, "ended Python"),
    "kills its parent": (
        lambda c: answer(c, total="import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\n" + SOLVED["total"]),
        None, None, "sent a signal",
    ),
    "kills everybody": (lambda c: answer(c, total="import os\nos.kill(-1, 9)\n" + SOLVED["total"]), None, None, ""),
    "closes its output": (
        lambda c: answer(c, total="import os, sys\nsys.stdout.close() if hasattr(sys.stdout, 'close') else 0\n"
                          "os.close(1)\nos.close(2)\n" + SOLVED["total"]),
        None, 11, "",
    ),
    "deletes its folder": (
        lambda c: answer(c, total="import os, shutil\nshutil.rmtree(os.getcwd(), True)\n" + SOLVED["total"]),
        GRADED, 11, "",
    ),
    "fills the disk": (
        lambda c: answer(c, total="with open('big', 'wb') as f:\n    while True: f.write(b'x' * 2**20)"),
        STUDENT_ERROR, 8, "",
    ),
}  # fmt: skip
# what only a sandbox can hold
DANGEROUS = {"fork bomb", "much memory", "kills its parent", "kills everybody", "fills the disk"}


def hand_in(folder: Path, student: str, exercises: bytes, course) -> None:
    place = folder / student / MODULE
    place.mkdir(parents=True)
    (place / "exercises.ipynb").write_bytes(exercises)
    (place / "quiz.ipynb").write_bytes(content(course.answered(SOLVED, "quiz")))


def good_class(folder: Path, course) -> None:
    hand_in(folder, "amina", answer(course), course)
    hand_in(folder, "bence", answer(course, total="def total(values):\n    return len(values)"), course)
    hand_in(folder, "Zoë", content(course.released("exercises")), course)


class Odd(NamedTuple):
    """Something odd in the folder of hand-ins: ``put`` puts it there; ``student`` it must be given to, None: nobody."""

    put: Callable
    student: str | None
    points: float | None
    words: str


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _zipped(folder: Path, name: str, members: dict[str, bytes]) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, data in members.items():
            archive.writestr(zipfile.ZipInfo(member) if ".." in member else member, data)
    _write(folder / name, packed.getvalue())


def _two_notebooks(folder: Path, course) -> None:
    _write(folder / "odd" / MODULE / "exercises.ipynb", answer(course))
    _write(folder / "odd" / MODULE / "exercises (1).ipynb", content(course.released("exercises")))


def _link(folder: Path, course) -> None:
    outside = folder.parent / "outside.ipynb"
    _write(outside, answer(course))
    (folder / "odd" / MODULE).mkdir(parents=True)
    (folder / "odd" / MODULE / "exercises.ipynb").symlink_to(outside)


def _linked_folder(folder: Path, course) -> None:
    _write(folder.parent / "outside" / MODULE / "exercises.ipynb", answer(course))
    (folder / "odd").symlink_to(folder.parent / "outside")


def _manifest(student: str) -> bytes:
    return json.dumps({"student": student, "module": MODULE}).encode()


ODD = {
    "wrong file name": Odd(
        lambda f, c: _write(f / "odd" / MODULE / "Untitled7.ipynb", answer(c)), "odd", 11, "was taken for exercises"
    ),
    "two notebooks": Odd(_two_notebooks, "odd", 11, "two files for exercises"),
    "a link to a file": Odd(_link, "odd", 0, "links are not followed"),
    "a link to a folder": Odd(_linked_folder, None, None, "links are not followed"),
    "a zip with ../": Odd(
        lambda f, c: _zipped(f, "odd-01_demo.zip", {"exercises.ipynb": answer(c), "../evil.ipynb": b"{}"}),
        "odd", 11, "names a file outside itself",
    ),
    "a zip bomb": Odd(
        lambda f, _: _zipped(f, "odd-01_demo.zip", {"exercises.ipynb": b" " * (60 << 20)}), "odd", 0, "is a zip bomb"
    ),
    "no zip": Odd(lambda f, _: _write(f / "odd-01_demo.zip", b"PK no zip"), "odd", 0, "cannot be read"),
    "an id with a path": Odd(
        lambda f, c: _zipped(f, "a.zip", {"manifest.json": _manifest("../../amina"), "exercises.ipynb": answer(c)}),
        None, None, "it has a path in it",
    ),
    "an id that is none": Odd(
        lambda f, c: _write(f / "-rf" / MODULE / "exercises.ipynb", answer(c)), None, None, "is no student id"
    ),
    "names that are not ASCII": Odd(
        lambda f, c: _write(f / "王小明 Ñandú" / MODULE / "exercises.ipynb", answer(c)), "王小明 Ñandú", 11, ""
    ),
    "somebody else's name": Odd(
        lambda f, c: _zipped(f, "b.zip", {"manifest.json": _manifest("odd"), "exercises.ipynb": answer(c)}),
        "odd", 11, "",
    ),
}  # fmt: skip
