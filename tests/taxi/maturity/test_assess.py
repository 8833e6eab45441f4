"""The assessment as a whole: levels, next step, directories of every kind."""

import os
import subprocess
import sys

import pytest

from course_lib.taxi import maturity
from course_lib.taxi.maturity.findings import Assessment, Finding
from tests.taxi.maturity.projects import CHECKED, MANAGED, commit, notebook, write


def by_name(found):
    return {one.practice: one for one in found.findings}


def test_a_lone_notebook_is_ad_hoc(tmp_path):
    write(tmp_path, {"analysis.ipynb": notebook("print(1)")})
    found = maturity.assess(tmp_path)
    assert (found.level, found.number) == ("ad hoc", 0)
    assert by_name(found)["code"].found
    assert [one.practice for one in found.of("managed") if one.found] == ["no secrets"]
    assert found.next_step.level == "managed"


def test_a_managed_project_is_managed_and_each_missing_thing_takes_the_level(tmp_path):
    commit(write(tmp_path / "whole", MANAGED))
    whole = maturity.assess(tmp_path / "whole")
    assert whole.level == "managed", whole.table()
    assert whole.shares["managed"] == 1
    for lost in ("README.md", "requirements.txt", ".gitignore"):
        files = {name: text for name, text in MANAGED.items() if name != lost}
        found = maturity.assess(commit(write(tmp_path / lost, files)))
        assert found.level == "ad hoc", lost
        assert found.shares["managed"] == 0.8, lost
        assert found.next_step.where == ""


def test_checked_code_without_runs_is_not_automated_but_shows_in_its_share(tmp_path):
    found = maturity.assess(commit(write(tmp_path, CHECKED)))
    assert found.level == "managed"
    assert found.shares["automated"] == pytest.approx(3 / 5)
    assert found.next_step.practice == "registered models", "the cheapest of what automated lacks"


def finding(level, practice, found, effort=1.0):
    return Finding(level, practice, found, "here" if found else "", "" if found else "gone", "type it", effort)


def test_a_level_holds_only_on_those_below_and_the_next_step_is_the_cheapest_of_the_lowest(tmp_path):
    findings = [
        finding("ad hoc", "a", True),
        finding("managed", "b", False, 4),
        finding("managed", "c", False, 2),
        finding("managed", "d", False, 2),
        finding("automated", "e", True),
        finding("orchestrated", "f", False, 0.5),
        finding("governed", "g", True),
    ]
    found = Assessment(tmp_path, findings)
    assert found.number == 0
    assert found.holds.tolist() == [True, False, False, False, False]
    assert found.shares.tolist() == [1, 0, 1, 0, 1]
    assert found.next_step.practice == "c"
    whole = Assessment(tmp_path, [finding(level, level, True) for level in maturity.LEVELS])
    assert (whole.level, whole.next_step) == ("governed", None)


@pytest.mark.parametrize("kind", ["missing", "file", "empty"])
def test_what_is_no_project_is_said_plainly(tmp_path, kind):
    place = {"missing": tmp_path / "no", "file": tmp_path / "a.txt", "empty": tmp_path / "empty"}[kind]
    (tmp_path / "a.txt").write_text("x", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        maturity.NothingToAssess, match={"missing": "no directory", "file": "is a file", "empty": "empty"}[kind]
    ):
        maturity.assess(place)


def test_nothing_in_the_directory_is_run_or_written(tmp_path):
    trap = "import pathlib\npathlib.Path(__file__).with_name('ran').touch()\n"
    files = {**CHECKED, "conftest.py": trap, "setup.py": trap, "rides/side.py": trap, "sitecustomize.py": trap}
    commit(write(tmp_path, files))
    before = sorted((path, path.stat().st_mtime_ns) for path in tmp_path.rglob("*"))
    maturity.assess(tmp_path)
    assert sorted((path, path.stat().st_mtime_ns) for path in tmp_path.rglob("*")) == before


def test_environments_caches_and_links_to_elsewhere_are_not_looked_into(tmp_path):
    inside, outside = tmp_path / "project", tmp_path / "elsewhere"
    write(
        inside, {"run.py": "print(1)", ".venv/lib/card.py": "x", "node_modules/a/test_x.py": "def test_x(): assert f()"}
    )
    write(inside, {"myenv/pyvenv.cfg": "home = x", "myenv/lib/test_y.py": "def test_y(): assert g()"})
    write(outside, {"README.md": "words " * 50 + "`make run`", "tests/test_z.py": "def test_z(): assert h()"})
    try:
        (inside / "README.md").symlink_to(outside / "README.md")
        (inside / "tests").symlink_to(outside / "tests", target_is_directory=True)
        (inside / "loop").symlink_to(inside, target_is_directory=True)
    except OSError:
        pytest.skip("this system makes no links")
    found = maturity.assess(inside)
    assert found.files == 1
    assert not by_name(found)["how to run"].found
    assert not by_name(found)["tests"].found


def test_an_unreadable_file_is_named_and_the_rest_is_assessed(tmp_path, monkeypatch):
    write(tmp_path, MANAGED)
    (tmp_path / "runs.db").write_bytes(b"SQLite format 3\0 and then nothing")
    write(tmp_path, {"rides/broken.py": "def (:\n", "broken.ipynb": "{", "deep.json": "[" * 100_000})
    from pathlib import Path

    usual = Path.read_bytes

    def refuse(path):
        if path.name == "README.md":
            raise PermissionError(13, "Permission denied")
        return usual(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    found = maturity.assess(tmp_path)
    said = "\n".join(found.unreadable)
    assert "README.md: Permission denied" in said
    assert "runs.db" in said
    assert by_name(found)["locked environment"].found


def test_a_practice_that_breaks_does_not_end_the_assessment(tmp_path):
    write(tmp_path, {"run.py": "print(1)"})

    def breaks(_project):
        raise ZeroDivisionError("oops")

    practices = [*maturity.PRACTICES[:1], maturity.Practice("managed", "odd", 1, "mend it", breaks)]
    found = maturity.assess(tmp_path, practices)
    assert not by_name(found)["odd"].found
    assert "oops" in found.unreadable[0]


def test_git_is_read_without_the_program(tmp_path):
    commit(write(tmp_path, MANAGED))
    code = "import sys; from course_lib.taxi import maturity\nprint(maturity.assess(sys.argv[1]).level)"
    empty = {name: value for name, value in os.environ.items() if name != "PATH"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        env={**empty, "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "managed"


def test_the_registry_is_in_order_and_says_how_to_get_what_is_missing(tmp_path):
    order = [maturity.LEVELS.index(practice.level) for practice in maturity.PRACTICES]
    assert order == sorted(order)
    assert set(order) == {0, 1, 2, 3, 4}
    write(tmp_path, {"run.py": "print(1)"})
    found = maturity.assess(tmp_path)
    for one in found.findings:
        assert bool(one.where) == one.found
        assert bool(one.missing and one.how) != one.found
        assert one.effort > 0
    plain = found.as_dict()
    assert plain["next_step"]["practice"] in {"version control", "data kept out"}
    assert len(found.table()) == len(maturity.PRACTICES)


def test_this_very_project_is_at_least_managed_and_its_checks_are_seen():
    from pathlib import Path

    found = maturity.assess(Path(__file__).resolve().parents[3])
    names = by_name(found)
    here = ["version control", "data kept out", "no secrets", "locked environment", "how to run", "code in modules"]
    for practice in [*here, "tests", "continuous integration", "data contract", "deployment", "monitoring"]:
        assert names[practice].found, names[practice]


def test_the_radar_draws_each_share(tmp_path):
    found = maturity.assess(commit(write(tmp_path, CHECKED)))
    figure = maturity.radar(found)
    (axes,) = figure.axes
    line = next(line for line in axes.lines if len(line.get_ydata()) == 6)
    assert line.get_ydata()[:5] == pytest.approx(found.shares.to_numpy())
    assert "managed" in figure.get_suptitle()
    assert "5 of 5" in axes.get_xticklabels()[1].get_text()
    both = maturity.radar({"before": found, "after": found})
    assert len(both.legends) == 1
    with pytest.raises(maturity.NothingToAssess.__mro__[1], match="one to"):
        maturity.radar({})
