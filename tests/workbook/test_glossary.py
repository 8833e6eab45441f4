"""Terms marked with a bell are gathered from A to Z, each with its meaning and a link to where it comes up first."""

from __future__ import annotations

import nbformat
import pytest

from course_lib.workbook.build import build
from course_lib.workbook.freshness import find_stale
from course_lib.workbook.glossary import terms_in
from course_lib.workbook.modules import Module
from course_lib.workbook.text import TextError, read_text
from tests.workbook.small_course import HEADER, MODULE, edit

TEXT = """Text before.

🔔 **run**: One attempt, with its
settings and results. 🔔 **tag**: A label.

| tool | what |
|---|---|
| 🔔 **registry**: The one place. | MLflow |

- item
- 🔔 **list**: In a list.
- next
"""


def test_terms_end_where_their_paragraph_cell_or_item_does(tmp_path):
    found = {term.name: term.meaning for term in terms_in([TEXT], Module(tmp_path, "01_x"))}
    assert found == {
        "run": "One attempt, with its settings and results.",
        "tag": "A label.",
        "registry": "The one place.",
        "list": "In a list.",
    }


def test_the_page_is_built_and_checked(built):
    edit(
        built / "solutions" / MODULE / "lesson.md",
        "The end.",
        "🔔 **Zone**: A place|zone with a number.\n\n🔔 **area**: Miles.",
    )
    assert "modules/glossary.ipynb" in {e.path.relative_to(built).as_posix() for e in find_stale(root=built)}
    assert build(root=built).problems == []
    for folder in ("solutions", "modules"):
        page = nbformat.read(built / folder / "glossary.ipynb", as_version=4)
        rows = page.cells[1].source.splitlines()[2:]
        assert rows == [
            f"| **area** | Miles. | [1]({MODULE}/lesson.ipynb) |",
            f"| **Zone** | A place\\|zone with a number. | [1]({MODULE}/lesson.ipynb) |",
        ]


def test_a_term_without_a_meaning_is_a_mistake(tmp_path):
    path = tmp_path / "lesson.md"
    path.write_text(HEADER.format(title="T") + "\nText.\n\nA 🔔 **pipeline** is nice.\n", encoding="utf-8")
    with pytest.raises(TextError, match=r"lesson\.md:11: the term “pipeline” has no meaning"):
        read_text(path)
