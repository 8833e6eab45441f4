"""`course data`: a table for people, one JSON object for programs, and nothing fetched for a wrong question."""

import json
from pathlib import Path

import pytest

from course_lib.taxi import cleaning, trips

SOME = ["--rows", "400"]


@pytest.fixture(autouse=True)
def data_dir(tmp_path, monkeypatch):
    """Months go to a folder of each test's own."""
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("TAXI_DATA", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path / "data"


def test_json_is_one_object_about_each_month_once(course):
    code, out, err = course("data", "2021-03..2021-04", "2021-03", *SOME, "--json")
    assert code == 0
    prepared = json.loads(out)["months"]
    assert [month["month"] for month in prepared] == ["2021-03", "2021-04"]
    for month in prepared:
        assert (month["source"], month["rows"]) == ("simulated", 400)
        assert Path(month["file"]).stat().st_size == month["bytes"]
        assert list(month["account"]) == list(cleaning.REASONS)
        assert sum(month["account"].values()) == 400
        assert month["kept_share"] == pytest.approx(month["account"]["kept"] / 400, abs=1e-4)
    assert err.splitlines() == ["2021-03: preparing (simulated)", "2021-04: preparing (simulated)"]


def test_people_read_a_table(course, data_dir):
    code, out, _ = course("data", "2021-03", *SOME)
    assert code == 0
    heading, line = out.strip().splitlines()
    assert heading.split() == ["month", "source", "rows", "kept", "file"]
    assert line.split()[:3] == ["2021-03", "simulated", "400"]
    assert line.split()[-1] == str(data_dir / "simulated" / "rows-400" / "green_tripdata_2021-03.parquet")


def test_without_months_the_course_s_first_two(course):
    code, out, _ = course("data", *SOME, "--json")
    assert code == 0
    assert [month["month"] for month in json.loads(out)["months"]] == ["2021-01", "2021-02"]


@pytest.mark.parametrize(
    ("question", "words"),
    [
        (["2021-03", "2021-3"], "'2021-3' is not a month.*YYYY-MM.*2018-01 to 2026-12"),
        (["2021-03", "2031-01"], "2031-01 can't be simulated"),
        (["2021-04..2021-03"], "2021-04 comes after 2021-03"),
        (["2021-03", "--source", "no/such/folder"], "data folder .* isn't there"),
        (["2021-03", "--rows", "0"], "rows must be a whole number of at least 1"),
    ],
)
def test_wrong_questions_exit_with_2_and_make_nothing(course, data_dir, question, words):
    import re

    code, out, err = course("data", *question, "--json")
    assert (code, out) == (2, "")
    assert re.search(words, err)
    assert "Traceback" not in err
    assert not list(data_dir.rglob("*.parquet"))


def test_a_folder_of_months(course, tmp_path):
    table = trips.load("2021-03", rows=300)
    table.to_parquet(tmp_path / "green_tripdata_2021-03.parquet")
    code, out, _ = course("data", "2021-03", "--source", str(tmp_path), "--json")
    assert code == 0
    month = json.loads(out)["months"][0]
    assert (month["source"], month["rows"]) == (str(tmp_path), 300)
    code, _, err = course("data", "2021-03", "2021-05", "--source", str(tmp_path))
    assert code == 2
    assert "no trips of 2021-05" in err
    assert "Months there: 2021-03." in err


def test_a_broken_month_exits_with_1(course, tmp_path):
    (tmp_path / "green_tripdata_2021-03.parquet").write_text("a,b\n1,2\n", encoding="utf-8")
    code, out, err = course("data", "2021-03", "--source", str(tmp_path))
    assert (code, out) == (1, "")
    assert "it looks like a CSV file" in err
