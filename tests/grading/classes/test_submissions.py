"""Who handed in what: three layouts, and everything that may be wrong with a folder."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from pathlib import Path

import pytest

from course_lib.errors import UsageError
from course_lib.grading.submissions import find
from course_lib.student_id import BadStudentId, student_id
from tests.grading.classes.demo_course import MODULE, SOLVED, content


@pytest.fixture
def hand_in(course, tmp_path):
    """A folder for hand-ins, the bytes of both notebooks, and what is found in it."""
    notebooks = {name: content(course.answered(SOLVED, name)) for name in course.assignments}

    class HandIn:
        folder = tmp_path
        files = notebooks

        def find(self):
            return find(tmp_path, list(course.assignments.values()))

        def put(self, path, data):
            target = tmp_path / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
            return target

        def zip(self, name, **members):
            with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as archive:
                for member, data in members.items():
                    archive.writestr(member, data)
            return tmp_path / name

    return HandIn()


def one(found):
    (submission,) = found.submissions
    return submission


def test_nbgraders_layout(hand_in):
    for name, data in hand_in.files.items():
        hand_in.put(f"ann/{MODULE}/{name}.ipynb", data)
    hand_in.put(f"ann/{MODULE}/timestamp.txt", b"2026-03-01 12:00:00 UTC\n")
    submission = one(hand_in.find())
    assert (submission.student, submission.module, sorted(submission.files)) == ("ann", MODULE, ["exercises", "quiz"])
    assert submission.timestamp == "2026-03-01 12:00:00 UTC"


@pytest.mark.parametrize(
    ("name", "student"),
    [
        ("ann_exercises.ipynb", "ann"),
        ("ann.ipynb", "ann"),
        ("ann-lee-01_demo-exercises.ipynb", "ann-lee"),
        ("ann_lee_01_exercises (1).ipynb", "ann_lee"),
        ("exercises_demo_ann.ipynb", "exercises_demo_ann"),
        ("Zoë Åström_exercises.ipynb", "Zoë Åström"),
        ("王小明_exercises.ipynb", "王小明"),
        ("s01@uni.example_exercises.ipynb", "s01@uni.example"),
    ],
)
def test_files_named_by_student(hand_in, name, student):
    hand_in.put(name, hand_in.files["exercises"])
    submission = one(hand_in.find())
    assert (submission.student, list(submission.files)) == (student, ["exercises"])


def test_a_quiz_is_told_from_exercises_by_what_is_in_it(hand_in):
    hand_in.put("ann.ipynb", hand_in.files["quiz"])
    assert list(one(hand_in.find()).files) == ["quiz"]


def test_a_zip_of_course_submit(hand_in):
    sums = {f"{name}.ipynb": {"sha256": hashlib.sha256(data).hexdigest()} for name, data in hand_in.files.items()}
    manifest = {"student": "ann", "module": MODULE, "submitted": "2026-03-01T12:00:00+01:00", "files": sums}
    members = {f"{name}.ipynb": data for name, data in hand_in.files.items()}
    hand_in.zip("whatever.zip", **{"manifest.json": json.dumps(manifest), **members})
    submission = one(hand_in.find())
    assert (submission.student, submission.timestamp) == ("ann", "2026-03-01 11:00:00 UTC")
    assert all(not file.notes for file in submission.files.values())


def test_a_zip_whose_notebook_was_changed_says_so(hand_in):
    manifest = {"student": "ann", "module": MODULE, "files": {"quiz.ipynb": "0" * 64}}
    hand_in.zip("a.zip", **{"manifest.json": json.dumps(manifest), "quiz.ipynb": hand_in.files["quiz"]})
    assert "changed after" in one(hand_in.find()).files["quiz"].notes[0]


def test_what_course_submit_packs_is_read(hand_in, tmp_path_factory):
    """The two wings know nothing of each other, so their format is held together here."""
    submit = pytest.importorskip("course_lib.workbook.submit")
    root = tmp_path_factory.mktemp("student")
    for name, data in hand_in.files.items():
        path = root / "modules" / MODULE / f"{name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    submit.submit(MODULE, student="Åsa", to=hand_in.folder, root=root)
    submission = one(hand_in.find())
    assert (submission.student, sorted(submission.files)) == ("Åsa", ["exercises", "quiz"])
    assert submission.timestamp is not None
    assert all(not file.notes and not file.problem for file in submission.files.values())


def test_in_a_student_s_own_folder_the_folder_says_who_it_is(hand_in):
    """As `course submit` leaves them on a hub: one folder each, where nobody else can write."""
    for folder, claimed in (("ann", "ann"), ("bob", "ann")):
        (hand_in.folder / folder).mkdir()
        manifest = json.dumps({"student": claimed, "module": MODULE})
        hand_in.zip(
            f"{folder}/{claimed}-{MODULE}.zip", **{"manifest.json": manifest, "quiz.ipynb": hand_in.files["quiz"]}
        )
    hand_in.zip("bob/other-09_later.zip", **{"manifest.json": json.dumps({"student": "bob", "module": "09_later"})})
    found = hand_in.find()
    assert found.rejected == []
    assert [(s.student, list(s.files), s.notes) for s in found.submissions] == [
        ("ann", ["quiz"], []),
        ("bob", ["quiz"], [f"ann-{MODULE}.zip says that it is from 'ann'; it lay in the folder of bob"]),
    ]
    assert found.submissions[1].files["quiz"].origin == f"bob/ann-{MODULE}.zip/quiz.ipynb"


def test_links_and_pipes_in_a_student_s_own_folder_are_not_read(hand_in, monkeypatch):
    secret = hand_in.zip("ann.zip", **{"quiz.ipynb": hand_in.files["quiz"]})
    (hand_in.folder / "bob").mkdir()
    (hand_in.folder / "bob" / "mine.zip").symlink_to(secret)
    os.mkfifo(hand_in.folder / "bob" / "pipe.zip")
    found = hand_in.find()
    assert [s.student for s in found.submissions] == ["ann"]
    assert {r.origin for r in found.rejected} == {"bob/mine.zip", "bob/pipe.zip"}
    # a file that becomes a link, or a pipe, between the look and the reading
    monkeypatch.setattr(Path, "is_symlink", lambda _: False)
    monkeypatch.setattr(Path, "is_file", lambda _: True)
    found = hand_in.find()
    bob = next(s for s in found.submissions if s.student == "bob")
    assert all("cannot be read" in file.problem for file in bob.files.values())


def test_a_wrong_file_name_is_recognised_and_noted(hand_in):
    hand_in.put(f"ann/{MODULE}/Untitled (3).ipynb", hand_in.files["exercises"])
    submission = one(hand_in.find())
    assert list(submission.files) == ["exercises"]
    assert "was taken for exercises.ipynb" in submission.files["exercises"].notes[0]


def test_of_two_notebooks_the_one_with_the_right_name_is_graded(hand_in):
    hand_in.put(f"ann/{MODULE}/exercises.ipynb", hand_in.files["exercises"])
    hand_in.put(f"ann/{MODULE}/exercises-Copy1.ipynb", hand_in.files["exercises"] + b" ")
    file = one(hand_in.find()).files["exercises"]
    assert file.origin.endswith("/exercises.ipynb")
    assert "two files for exercises" in file.notes[-1]


def test_links_are_not_followed(hand_in, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "secret.ipynb"
    outside.write_bytes(hand_in.files["exercises"])
    folder = hand_in.folder / "ann" / MODULE
    folder.mkdir(parents=True)
    (folder / "exercises.ipynb").symlink_to(outside)
    os.symlink(outside.parent, hand_in.folder / "bob")
    found = hand_in.find()
    assert one(found).files["exercises"].problem == "it is a link; links are not followed"
    assert [(r.origin, r.problem) for r in found.rejected] == [("bob", "it is a link; links are not followed")]


@pytest.mark.parametrize(
    "name", ["../evil.ipynb", "/etc/evil.ipynb", "a/../../evil.ipynb", "..\\evil.ipynb", "C:evil.ipynb"]
)
def test_a_zip_cannot_reach_out_of_itself(hand_in, name):
    path = hand_in.zip("ann-01_demo.zip", **{"exercises.ipynb": hand_in.files["exercises"], "PLACE": b"{}"})
    path.write_bytes(path.read_bytes().replace(b"PLACE", name.encode()[:5].ljust(5, b"x")))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("exercises.ipynb", hand_in.files["exercises"])
        archive.writestr(zipfile.ZipInfo(name), b"{}")
    before = sorted(p.name for p in hand_in.folder.parent.iterdir())
    submission = one(hand_in.find())
    assert list(submission.files) == ["exercises"]
    assert "names a file outside itself" in submission.notes[0]
    assert sorted(p.name for p in hand_in.folder.parent.iterdir()) == before


def test_a_zip_bomb_is_not_unpacked(hand_in):
    hand_in.zip("ann-01_demo.zip", **{"exercises.ipynb": b" " * (60 << 20)})
    file = one(hand_in.find()).files["exercises"]
    assert "is a zip bomb" in file.problem
    assert file.content == b""


def test_a_link_in_a_zip_and_no_zip_at_all(hand_in):
    info = zipfile.ZipInfo("exercises.ipynb")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(hand_in.folder / "ann-01_demo.zip", "w") as archive:
        archive.writestr(info, "/etc/passwd")
    hand_in.put("bob-01_demo.zip", b"no zip")
    ann, bob = hand_in.find().submissions
    assert "is a link" in ann.files["exercises"].problem
    assert "cannot be read" in bob.files["exercises"].problem


@pytest.mark.parametrize(
    "bad", ["../../etc", "a/b", "a\\b", "..", "", "a\nb", "x" * 65, "-rf", "a*", "con", "a;b", "=1+1"]
)
def test_student_ids_that_are_none(bad):
    with pytest.raises(BadStudentId):
        student_id(bad)


def test_a_zip_with_a_path_for_a_student_is_given_to_nobody(hand_in):
    manifest = {"student": "../../root", "module": MODULE}
    hand_in.zip("a.zip", **{"manifest.json": json.dumps(manifest), "quiz.ipynb": hand_in.files["quiz"]})
    hand_in.put("exercises.ipynb", hand_in.files["exercises"])
    found = hand_in.find()
    assert found.submissions == []
    assert [r.origin for r in found.rejected] == ["a.zip", "exercises.ipynb"]
    assert "it has a path in it" in found.rejected[0].problem


def test_names_that_differ_only_in_unicode_form_are_one_student(hand_in):
    hand_in.put(f"Jose\u0301/{MODULE}/exercises.ipynb", hand_in.files["exercises"])
    assert one(hand_in.find()).student == "José"


def test_a_folder_that_is_not_there(course):
    with pytest.raises(UsageError, match="there is no folder"):
        find(Path("nowhere"), list(course.assignments.values()))
