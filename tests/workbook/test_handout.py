"""A course is published without its solutions; an update reaches a student's copy and loses nothing of theirs."""

import json
import os
import subprocess
import sys
from contextlib import suppress
from copy import deepcopy as copy_of
from datetime import datetime
from pathlib import Path

import nbformat
import pytest

from course_lib.errors import CourseError, UsageError
from course_lib.workbook import pristine
from course_lib.workbook.handout import hand_out
from course_lib.workbook.handout_merge import CannotMerge, merged, worked_in
from course_lib.workbook.handout_note import NOTE, told, write_note
from course_lib.workbook.notebook_io import notebook_text, parse_notebook
from course_lib.workbook.publish import publish

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 3, 4, 5, 6, 7)
EXERCISES, LESSON = "modules/01_small/exercises.ipynb", "modules/01_small/lesson.ipynb"
TASK = "def double(n):\n    # YOUR CODE HERE\n    raise NotImplementedError()"


def notebook(*cells, tasks=()):
    """A released notebook; ``tasks`` are cells with a grade id: (id, source, is an answer)."""
    made = [nbformat.v4.new_markdown_cell(text, id=f"text{i}") for i, text in enumerate(cells)]
    for name, source, answer in tasks:
        cell = nbformat.v4.new_code_cell(source, id=name)
        cell.metadata["nbgrader"] = {
            "grade_id": name,
            "solution": answer,
            "grade": not answer,
            "locked": not answer,
            "schema_version": 3,
            **({} if answer else {"points": 2}),
        }
        made.append(cell)
    return pristine.embed(nbformat.v4.new_notebook(cells=made))


def exercises(hint="Think.", test="assert double(2) == 4", task=TASK):
    return notebook("# Exercises", hint, tasks=[("double", task, True), ("double-test", test, False)])


class Authors:
    """A small course under Git, and where it is published."""

    def __init__(self, folder: Path) -> None:
        self.root, self.repository = folder / "course", str(folder / "release.git")
        self.write(EXERCISES, exercises())
        self.write(LESSON, notebook("# Lesson", "A first step."))
        for name in ("modules/start.ipynb", "README.md", "notes/plan.md", "pyproject.toml"):
            self.write(name, f"{name}, first edition\n")
        for name in (
            "solutions/01_small/exercises.md",
            "tests/test_it.py",
            "nbgrader_config.py",
            "deploy/x",
            ".ci/run",
        ):
            self.write(name, "the answer is 42\n")
        self.git("init", "-q", "-b", "main")
        self.publish()

    def git(self, *words):
        who = {
            f"GIT_{role}_{what}": "author@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
        }
        subprocess.run(["git", "-C", self.root, *words], check=True, capture_output=True, env=os.environ | who)

    def write(self, name, content):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else notebook_text(content), encoding="utf-8")

    def publish(self):
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "an edition")
        return publish(self.root, self.repository)


@pytest.fixture
def authors(tmp_path):
    return Authors(tmp_path)


@pytest.fixture
def copy(authors, tmp_path):
    folder = tmp_path / "workbook"
    assert hand_out(folder, authors.repository, now=NOW).first
    return folder


def read(path):
    return parse_notebook(path.read_text(encoding="utf-8"), path)


def answer(path, text, *, output=None):
    """The student answers the task, and keeps a cell of their own behind it."""
    work = read(path)
    at = next(i for i, cell in enumerate(work.cells) if cell.get("id") == "double")
    work.cells[at].source = text
    work.cells[at].execution_count = 3
    work.cells[at].outputs = [nbformat.v4.new_output("stream", text=output)] if output else []
    work.cells.insert(at + 1, nbformat.v4.new_code_cell("double(21)  # my own try"))
    path.write_text(notebook_text(work), encoding="utf-8")


def sources(path):
    return [cell.source for cell in read(path).cells]


def test_students_get_the_modules_and_no_answers(copy):
    files = {
        path.relative_to(copy).as_posix() for path in copy.rglob("*") if path.is_file() and ".git" not in path.parts
    }
    assert files == {EXERCISES, LESSON, "modules/start.ipynb", "README.md", "notes/plan.md", "pyproject.toml"}
    everything = subprocess.run(["git", "-C", copy, "log", "--all", "-p"], capture_output=True, text=True).stdout
    assert "first edition" in everything
    assert "the answer is 42" not in everything


def test_the_course_itself_is_published_whole_and_without_an_answer(tmp_path):
    if not (ROOT / ".git").exists():
        pytest.skip("this copy of the course is no Git checkout")
    hand_out(tmp_path / "workbook", publish(ROOT, str(tmp_path / "release.git")).repository)
    files = {path.relative_to(tmp_path / "workbook") for path in (tmp_path / "workbook").rglob("*") if path.is_file()}
    top = {path.parts[0] for path in files}
    needed = {"modules", "course_lib", "Makefile", "pyproject.toml", "requirements.lock", "environment.yml"}
    assert needed <= top
    assert not {"solutions", "tests", "deploy", ".ci", "nbgrader_config.py"} & top
    names = {path.as_posix() for path in files}
    assert {path.relative_to(ROOT).as_posix() for path in ROOT.glob("modules/0*/*.ipynb")} <= names
    for name in names:
        if name.startswith("modules/"):
            text = (tmp_path / "workbook" / name).read_text(encoding="utf-8")
            assert not any(mark in text for mark in ("BEGIN SOLUTION", "BEGIN HIDDEN TESTS", "BEGIN MARK SCHEME")), name


def test_only_what_was_committed_is_published_and_the_author_s_index_stays(authors):
    authors.write("README.md", "half a thought")
    authors.git("add", "README.md")
    again = publish(authors.root, authors.repository)
    assert not again.new
    staged = subprocess.run(
        ["git", "-C", authors.root, "diff", "--cached", "--name-only"], capture_output=True, text=True
    )
    assert staged.stdout.split() == ["README.md"]


def test_everybody_may_read_what_somebody_careful_has_published(authors, tmp_path):
    careful = os.umask(0o077)
    try:
        (tmp_path / "empty").mkdir(mode=0o755)
        publish(authors.root, str(tmp_path / "empty"))
    finally:
        os.umask(careful)
    files = [path for path in (tmp_path / "empty").rglob("*") if "hooks" not in path.parts]
    assert all(path.stat().st_mode & 0o004 for path in files)
    assert all(path.stat().st_mode & 0o001 for path in files if path.is_dir())


def test_a_repository_behind_a_command_is_published_to_as_well(authors, tmp_path, monkeypatch):
    """As ``kubectl exec`` reaches one in a cluster."""
    monkeypatch.setenv("GIT_ALLOW_PROTOCOL", "ext:file")
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", tmp_path / "far.git"], check=True)
    far = f"ext::env git %s {tmp_path / 'far.git'}"
    assert publish(authors.root, far).new
    assert not publish(authors.root, far).new
    assert hand_out(tmp_path / "workbook", far, now=NOW).first


def test_a_copy_is_a_clean_clone_before_and_after_an_update(authors, copy):
    authors.write(LESSON, notebook("# Lesson", "A better step."))
    authors.write("notes/new.md", "new\n")
    (authors.root / "notes/plan.md").unlink()
    authors.publish()
    done = hand_out(copy, now=NOW)
    assert sorted(done.renewed) == [LESSON, "notes/new.md", "notes/plan.md"]
    assert (done.first, done.merged, done.beside, done.saved) == (False, [], {}, {})
    assert "A better step." in sources(copy / LESSON)
    assert not (copy / "notes/plan.md").exists()
    status = subprocess.run(["git", "-C", copy, "status", "--porcelain"], capture_output=True, text=True, check=True)
    assert status.stdout == ""
    assert not hand_out(copy, now=NOW).anything


def test_answers_move_into_the_new_edition(authors, copy):
    answer(copy / EXERCISES, "def double(n):\n    return 2 * n", output="four")
    mine = (copy / EXERCISES).read_bytes()
    authors.write(EXERCISES, exercises(hint="Think of two.", test="assert double(3) == 6"))
    authors.publish()
    done = hand_out(copy, now=NOW)
    assert (done.merged, done.renewed, done.beside) == ([EXERCISES], [], {})
    assert sources(copy / EXERCISES) == [
        "# Exercises",
        "Think of two.",
        "def double(n):\n    return 2 * n",
        "double(21)  # my own try",
        "assert double(3) == 6",
    ]
    cell = read(copy / EXERCISES).cells[2]
    assert (cell.outputs[0].text, cell.execution_count) == ("four", 3)
    assert (copy / done.saved[EXERCISES]).read_bytes() == mine
    assert len({cell["id"] for cell in read(copy / EXERCISES).cells}) == 5


def test_cells_of_the_student_s_own_stay_in_their_places_and_order(authors, copy):
    work = read(copy / EXERCISES)
    for at, text in ((3, "last"), (2, "c"), (2, "b"), (1, "a"), (0, "first")):
        work.cells.insert(at + 1 if at else 0, nbformat.v4.new_markdown_cell(text, id="same"))
    (copy / EXERCISES).write_text(notebook_text(work), encoding="utf-8")
    authors.write(EXERCISES, exercises(test="assert double(3) == 6"))
    authors.publish()
    hand_out(copy, now=NOW)
    order = ["first", "# Exercises", "Think.", "a", TASK, "b", "c", "assert double(3) == 6", "last"]
    assert sources(copy / EXERCISES) == order
    nbformat.validate(read(copy / EXERCISES))


def test_a_task_that_is_new_or_gone_costs_no_answer(authors, copy):
    answer(copy / EXERCISES, "def double(n):\n    return 2 * n")
    tasks = [
        ("halve", "def halve(n):\n    raise NotImplementedError()", True),
        ("halve-test", "assert halve(4) == 2", False),
    ]
    authors.write(EXERCISES, notebook("# Exercises", "Think.", tasks=tasks))
    authors.publish()
    assert hand_out(copy, now=NOW).merged == [EXERCISES]
    assert "def double(n):\n    return 2 * n" in sources(copy / EXERCISES)
    assert "def halve(n):\n    raise NotImplementedError()" in sources(copy / EXERCISES)
    own = next(cell for cell in read(copy / EXERCISES).cells if cell.source.startswith("def double"))
    assert "nbgrader" not in own.metadata


def test_a_new_placeholder_replaces_one_that_nobody_answered(authors, copy):
    work = read(copy / EXERCISES)
    work.cells.append(nbformat.v4.new_markdown_cell("a note of mine"))
    (copy / EXERCISES).write_text(notebook_text(work), encoding="utf-8")
    better = TASK.replace("n)", "n: int)")
    authors.write(EXERCISES, exercises(task=better))
    authors.publish()
    hand_out(copy, now=NOW)
    assert better in sources(copy / EXERCISES)
    assert TASK not in sources(copy / EXERCISES)
    assert "a note of mine" in sources(copy / EXERCISES)


def test_a_lesson_that_was_only_run_is_renewed_and_the_run_one_kept(authors, copy):
    work = read(copy / LESSON)
    work.metadata["widgets"] = {"state": "open"}
    (copy / LESSON).write_text(notebook_text(work), encoding="utf-8")
    authors.write(LESSON, notebook("# Lesson", "A better step."))
    authors.publish()
    done = hand_out(copy, now=NOW)
    assert done.renewed == [LESSON]
    assert "A better step." in sources(copy / LESSON)
    assert "widgets" in read(copy / done.saved[LESSON]).metadata


@pytest.mark.parametrize("broken", [False, True])
def test_what_can_not_be_moved_stays_with_the_new_one_beside_it(authors, copy, broken):
    name = EXERCISES if broken else LESSON
    tried = read(copy / LESSON)
    tried.cells[1].source += " I tried more."
    mine = '{"cells": [<<<<<<< ' if broken else notebook_text(tried)
    (copy / name).write_text(mine, encoding="utf-8")
    for edition in ("second", "third"):
        authors.write(name, exercises(hint=edition) if broken else notebook("# Lesson", edition))
        authors.publish()
        done = hand_out(copy, now=NOW)
        assert (copy / name).read_text(encoding="utf-8") == mine
        assert edition in sources(copy / done.beside[name])
    assert done.beside[name].endswith(".new-2026-03-04-2.ipynb")


def test_nearly_a_notebook_never_stops_an_update():
    """Whatever stands in one place of a student's file: it is merged, or it can't be, and nothing else happens."""
    old, new = (notebook_text(exercises(hint=hint)).encode() for hint in ("one", "two"))
    whole = json.loads(old)
    for way in places(whole):
        for odd in (None, 1, [], [1], {"a": 1}, "\ud800"):
            data = replaced(whole, way, odd)
            mine = json.dumps(data).encode()
            with suppress(CannotMerge):
                nbformat.validate(nbformat.reads(merged(EXERCISES, old, mine, new).decode(), 4))
            assert worked_in(EXERCISES, mine) in (True, False)


def places(value, way=()):
    """The way to everything in some JSON."""
    yield way
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from places(one, (*way, key))


def replaced(whole, way, odd):
    if not way:
        return odd
    data = copy_of(whole)
    place = data
    for key in way[:-1]:
        place = place[key]
    place[way[-1]] = odd
    return data


def test_plain_files_links_and_folders_of_the_student_stay(authors, copy):
    (copy / "README.md").write_text("my notes\n")
    (copy / "pyproject.toml").unlink()
    (copy / "pyproject.toml").symlink_to(copy / "README.md")
    (copy / "notes/plan.md").unlink()
    (copy / "notes/plan.md").mkdir()
    for name in ("README.md", "pyproject.toml", "notes/plan.md"):
        authors.write(name, "second edition\n")
    authors.publish()
    done = hand_out(copy, now=NOW)
    assert (copy / "README.md").read_text() == "my notes\n"
    assert (copy / "pyproject.toml").is_symlink()
    assert (copy / "notes/plan.md").is_dir()
    assert set(done.beside) == {"README.md", "pyproject.toml", "notes/plan.md"}
    assert all((copy / new).read_text() == "second edition\n" for new in done.beside.values())


def test_withdrawn_files_stay_only_where_they_were_worked_in(authors, copy):
    (copy / "notes/plan.md").write_text("mine now\n")
    for name in ("notes/plan.md", "README.md"):
        (authors.root / name).unlink()
    authors.publish()
    hand_out(copy, now=NOW)
    assert (copy / "notes/plan.md").read_text() == "mine now\n"
    assert not (copy / "README.md").exists()


def test_a_student_s_own_commits_stay(authors, copy):
    (copy / "README.md").write_text("my notes\n")
    who = ["-c", "user.name=me", "-c", "user.email=me@example.org"]
    subprocess.run(["git", "-C", copy, *who, "commit", "-qam", "mine"], check=True)
    mine = subprocess.run(["git", "-C", copy, "rev-parse", "HEAD"], capture_output=True, text=True).stdout
    authors.write(LESSON, notebook("# Lesson", "A better step."))
    authors.publish()
    assert hand_out(copy, now=NOW).renewed == [LESSON]
    assert subprocess.run(["git", "-C", copy, "rev-parse", "HEAD"], capture_output=True, text=True).stdout == mine
    assert (copy / "README.md").read_text() == "my notes\n"


def test_a_clone_made_by_hand_is_brought_up_to_date_too(authors, tmp_path):
    folder = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", authors.repository, folder], check=True)
    answer(folder / EXERCISES, "def double(n):\n    return n + n")
    authors.write(EXERCISES, exercises(hint="second"))
    authors.publish()
    assert hand_out(folder, now=NOW).merged == [EXERCISES]
    assert {"second", "def double(n):\n    return n + n"} <= set(sources(folder / EXERCISES))


def test_an_update_that_was_stopped_halfway_is_finished_by_the_next(authors, copy, monkeypatch):
    answer(copy / EXERCISES, "def double(n):\n    return 2 * n")
    authors.write(EXERCISES, exercises(hint="second"))
    authors.write(LESSON, notebook("# Lesson", "second"))
    authors.publish()
    from course_lib.workbook import handout

    def full(path, content):
        if path.name == "lesson.ipynb":
            raise CourseError("no space left on device")
        path.write_bytes(content)

    with monkeypatch.context() as broken:
        broken.setattr(handout, "write_bytes", full)
        with pytest.raises(CourseError, match="no space"):
            hand_out(copy, now=NOW)
    hand_out(copy, now=NOW)
    assert sources(copy / LESSON) == ["# Lesson", "second"]
    assert sources(copy / EXERCISES).count("double(21)  # my own try") == 1
    assert "def double(n):\n    return 2 * n" in sources(copy / EXERCISES)


def test_a_repository_that_is_gone_leaves_the_copy_as_it_was(authors, copy):
    before = {path: path.read_bytes() for path in copy.rglob("*.ipynb")}
    Path(authors.repository).rename(authors.repository + ".away")
    with pytest.raises(CourseError, match="git fetch"):
        hand_out(copy, now=NOW)
    assert {path: path.read_bytes() for path in copy.rglob("*.ipynb")} == before


def test_asked_wrongly(authors, tmp_path):
    with pytest.raises(UsageError, match="no copy of the course yet"):
        hand_out(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="author's checkout"):
        hand_out(authors.root, authors.repository)
    with pytest.raises(UsageError, match="no Git checkout"):
        publish(tmp_path, authors.repository)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/file").touch()
    with pytest.raises(UsageError, match="no bare Git repository"):
        publish(authors.root, str(tmp_path / "folder"))


def test_the_student_is_told_what_became_of_their_files(authors, copy):
    answer(copy / EXERCISES, "def double(n):\n    return 2 * n")
    authors.write(EXERCISES, exercises(hint="second"))
    authors.publish()
    done = hand_out(copy, now=NOW)
    write_note(copy, done, NOW)
    note = (copy / NOTE).read_text(encoding="utf-8")
    assert f"{EXERCISES}: renewed, with your answers in it" in note
    assert done.saved[EXERCISES] in note
    write_note(copy, hand_out(copy, now=NOW), NOW)
    assert (copy / NOTE).read_text(encoding="utf-8") == note
    assert told(hand_out(copy, now=NOW)) == ["Nothing new."]


def test_the_commands(authors, tmp_path):
    def course(*words, root):
        return subprocess.run(
            [sys.executable, "-m", "course_lib", *words],
            env=os.environ | {"COURSE_ROOT": str(root)},
            capture_output=True,
            text=True,
        )

    authors.write("README.md", "second edition\n")
    authors.git("commit", "-qam", "second")
    published = course("publish", authors.repository, "--json", root=authors.root)
    assert json.loads(published.stdout)["new"] is True
    folder = tmp_path / "workbook"
    assert course("update", root=folder).returncode == 2
    assert course("update", "--from", authors.repository, root=folder).returncode == 0
    assert (folder / "README.md").read_text() == "second edition\n"
    again = course("update", "--json", root=folder)
    assert json.loads(again.stdout)["renewed"] == []
    assert "Nothing new." in again.stderr
    assert course("lab", "--hub", root=folder).returncode == 2
