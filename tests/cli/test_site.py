"""``course site``: what people and programs are told."""

import json
import webbrowser

import pytest

from tests.workbook.site.checkout import MODULE, edit_lesson, write

# the theme and MyST call Sphinx in ways that its next version but one will not have
pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning", "ignore::DeprecationWarning")


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    root = write(tmp_path / "course")
    monkeypatch.setenv("COURSE_ROOT", str(root))
    return root


def test_one_json_object_and_the_place_to_read(course, checkout, monkeypatch):
    opened = []
    monkeypatch.setattr(webbrowser, "open", lambda url: opened.append(url) or True)
    code, out, err = course("site", "--json", "--open")
    index = checkout / "build" / "site" / "index.html"
    assert code == 0, err
    told = json.loads(out)
    assert (told["pages"], told["written"], told["problems"], told["notes"]) == (5, 5, [], [])
    assert told["index"] == str(index)
    assert told["bytes"] > 100_000
    assert f"Read it: {index.as_uri()}" in err
    assert opened == [index.as_uri()]


def test_a_broken_link_is_a_failure_that_names_page_and_link(course, checkout, tmp_path):
    edit_lesson(checkout, "the [exercises](exercises.ipynb)", "the [exercises](exercise.ipynb)")
    code, out, err = course("site", "--json", "--folder", str(tmp_path / "elsewhere"))
    assert code == 1
    assert any("exercise.ipynb" in problem for problem in json.loads(out)["problems"])
    assert f"{MODULE}/lesson" in err
    assert "Traceback" not in err
    assert (tmp_path / "elsewhere" / "index.html").is_file()


def test_nothing_to_read_is_said(course, tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_ROOT", str(tmp_path))
    code, out, err = course("site")
    assert (code, out) == (1, "")
    assert "course build" in err
