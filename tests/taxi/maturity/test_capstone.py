"""The capstone as a whole: the starter earns nothing, the reference all, and half the way half the points."""

import json

import pytest

from course_lib.errors import UsageError
from course_lib.taxi import maturity
from course_lib.taxi.maturity import capstone
from tests.taxi.maturity.capstones import HOME, ROOT, keep_entries, reference, replace

FUNCTIONS = ("split", "train", "predict", "data", "state")
RECORDED = (*FUNCTIONS, "pipeline", "tracking", "audit", "model")


def said(result):
    return "\n".join(f"{one.name}: {one.found}" for step in result.steps for one in step.checks if not one.ok)


def test_the_starter_is_ad_hoc_and_earns_nothing(tmp_path):
    folder = capstone.start(tmp_path / "mine")
    assert sorted(path.name for path in folder.iterdir()) == ["TASK.md", "trips.csv", "trips_analysis_FINAL_v2.ipynb"]
    result = capstone.check(folder)
    assert (result.earned, result.points) == (0, 20)
    assert [step.points for step in result.steps] == [4] * 5
    for step in result.steps:
        for one in step.checks:
            assert one.expected
            assert one.found
            assert one.hint
    assert maturity.assess(folder).level == "ad hoc"
    json.dumps(result.as_dict())


def test_what_tools_left_beside_the_starter_is_not_handed_on(tmp_path):
    home = tmp_path / "course" / "modules" / capstone.starting.MODULE / "capstone"
    home.mkdir(parents=True)
    for name in ("TASK.md", "trips.csv", "TASK.md.bak", "trips.csv.part", ".hidden"):
        (home / name).write_text("x", encoding="utf-8")
    folder = capstone.start(tmp_path / "mine", root=tmp_path / "course")
    assert sorted(path.name for path in folder.iterdir()) == ["TASK.md", "trips.csv"]


def test_the_starter_is_as_bad_as_the_task_says():
    import nbformat

    from course_lib.taxi.environment import notebook_problems

    book = nbformat.read(HOME / "starter" / "trips_analysis_FINAL_v2.ipynb", as_version=4)
    assert "out of order" in [problem.kind for problem in notebook_problems(book)]
    code = "\n".join(cell.source for cell in book.cells if cell.cell_type == "code")
    for fault in ('"fare_amount"', "train_test_split(X, y, test_size=0.2)", "C:/Users/kim", "DB_PASSWORD"):
        assert fault in code
    assert "random_state" not in code
    assert code.count("train_test_split(X, y") == 3, "copied from cell to cell"
    leaky = next(cell for cell in book.cells if "fare_amount" in cell.source and cell.get("outputs"))
    assert "5.9 minutes" in (HOME / "starter" / "TASK.md").read_text(encoding="utf-8").replace("\n", " ")
    assert "5.89" in leaky.outputs[0]["data"]["text/plain"]
    assert (HOME / "starter" / "trips.csv").stat().st_size < 1_000_000


def test_the_reference_earns_everything(tmp_path):
    folder = reference(tmp_path / "reference")
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    heard = []
    result = capstone.check(folder, progress=heard.append)
    assert (result.earned, result.points) == (20, 20), said(result)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before, "it works on a copy"
    assert "your tests" in heard


def lone_code(folder):
    """Step 1 is done, nothing else."""
    (folder / "capstone.toml").unlink()
    (folder / ".github" / "workflows" / "ci.yml").unlink()
    (folder / ".github" / "CODEOWNERS").unlink()
    for file in (folder / "tests").iterdir():
        file.unlink()


def no_more_than_checked(folder):
    """Steps 1 and 2."""
    keep_entries(folder, *FUNCTIONS)
    (folder / ".github" / "CODEOWNERS").unlink()


def no_more_than_recorded(folder):
    """Steps 1 to 3: a script that trains, records and registers, with no steps, no contract and no gate."""
    keep_entries(folder, *RECORDED)
    (folder / ".github" / "CODEOWNERS").unlink()
    ungated(folder)
    script = (
        '"""Train and record."""\n\nfrom rides import data, model, records\n\n'
        'if __name__ == "__main__":\n'
        '    train, valid = data.split(data.read("data/trips.csv"))\n'
        "    records.record(model.train(train), train, valid)\n"
    )
    (folder / "rides" / "pipeline.py").write_text(script, encoding="utf-8")


def no_more_than_orchestrated(folder):
    """Steps 1 to 4: all but card, gate and owners."""
    keep_entries(folder, *RECORDED, "service", "monitor", "report")
    (folder / ".github" / "CODEOWNERS").unlink()
    ungated(folder)
    replace(folder, "rides/pipeline.py", ('    Step("card"', '    # Step("card"'))


def ungated(folder):
    """Whatever was trained last becomes the champion."""
    replace(folder, "rides/records.py", ('alias="challenger")', 'alias="champion")'))
    path = folder / "rides" / "records.py"
    text = path.read_text(encoding="utf-8")
    start = text.index("    decision = ")
    path.write_text(text[:start] + '    return {"version": version, "rmse": scores["rmse"]}\n', encoding="utf-8")


@pytest.mark.parametrize(
    ("state", "points"),
    [
        (lone_code, [4, 0, 0, 0, 0]),
        (no_more_than_checked, [4, 4, 0, 0, 0]),
        (no_more_than_recorded, [4, 4, 4, 0, 0]),
        (no_more_than_orchestrated, [4, 4, 4, 4, 0]),
    ],
)
def test_part_of_the_way_earns_its_part_of_the_points(tmp_path, state, points):
    result = capstone.check(reference(tmp_path / "part", state))
    assert [step.earned for step in result.steps] == points, said(result)


def test_only_the_starter_is_released():
    released = ROOT / "modules" / "07_maturity" / "capstone"
    files = {path.relative_to(released).as_posix() for path in released.rglob("*") if path.is_file()}
    starter = {path.name for path in (HOME / "starter").iterdir() if path.is_file()}
    assert {name for name in files if not name.endswith(".bak")} == starter
    for name in starter:
        assert (released / name).read_bytes() == (HOME / "starter" / name).read_bytes()


def test_start_refuses_a_folder_with_something_in_it(tmp_path):
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="not empty"):
        capstone.start(tmp_path)
    with pytest.raises(UsageError, match="is a file"):
        capstone.start(tmp_path / "mine.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_steps_that_there_are_not():
    with pytest.raises(UsageError, match="no step 6"):
        capstone.check(HOME, steps=[1, 6])
