"""What the syllabus asks of every lesson."""

from __future__ import annotations

import re

import pytest

from tests.modules.every import MODULES, code_cells, headings, notebook, texts

LESSONS = [module for module in MODULES if module.solution("lesson").is_file()]
every = pytest.mark.parametrize("module", LESSONS, ids=lambda module: module.name)

CHECKLIST = re.compile(r"^- \[[ x]\] .{10,}", re.MULTILINE)
LONGEST_CELL = 30  # lines


@every
def test_objectives_stand_at_the_top(module):
    """Before the first code cell, as a list to tick, with the time it takes."""
    cells = notebook(module.solution("lesson")).cells
    first_code = next(index for index, cell in enumerate(cells) if cell.cell_type == "code")
    top = "\n".join(cell.source for cell in cells[:first_code])
    assert len(CHECKLIST.findall(top)) >= 3
    assert re.search(r"\bminutes\b|\bmin\b", top)


@every
def test_now_you_can_stands_at_the_end(module):
    *_, before_last_code, after = _around_last_code(module)
    assert re.search(r"now you can", after, re.IGNORECASE), before_last_code
    assert len(CHECKLIST.findall(re.split(r"now you can", after, flags=re.IGNORECASE)[-1])) >= 3


@every
def test_there_is_further_reading(module):
    *_, after = _around_last_code(module)
    assert re.search(r"further reading", after, re.IGNORECASE)
    assert len(re.findall(r"^- ", re.split(r"further reading", after, flags=re.IGNORECASE)[-1], re.MULTILINE)) >= 3


@every
def test_there_is_a_diagram(module):
    assert any("```mermaid" in text for text in texts(module, "lesson"))


@every
def test_there_are_figures_of_data(module):
    pictures = [o for cell in code_cells(module, "lesson") for o in cell.outputs if "image/png" in o.get("data", {})]
    assert len(pictures) >= 2


@every
def test_figures_name_what_they_show(module):
    """A plot of the lesson's own has a title and both axes labelled; the library's plots are tested there."""
    for cell in code_cells(module, "lesson"):
        if "plt.subplots(" in cell.source and any("image/png" in o.get("data", {}) for o in cell.outputs):
            for word in ("title", "xlabel", "ylabel"):
                assert word in cell.source, f"no {word}:\n{cell.source}"


@every
def test_figures_are_described_for_those_who_cannot_see_them(module):
    """By the option ``alt`` of their cells: for all figures of a lesson, or for none yet."""
    cells = [c for c in code_cells(module, "lesson") if any("image/png" in o.get("data", {}) for o in c.outputs)]
    without = [cell.source for cell in cells if not cell.metadata.get("alt")]
    assert not without or len(without) == len(cells), f"no alt:\n{without[0]}"


@every
def test_something_went_wrong_for_real(module):
    assert [h for h in headings(module, "lesson") if "what could go wrong" in h.lower()]


@every
def test_there_is_something_to_try(module):
    """A heading, and under it a cell that says what to change."""
    cells = notebook(module.solution("lesson")).cells
    start = next(
        i
        for i, c in enumerate(cells)
        if c.cell_type == "markdown" and re.search(r"^#+ .*try it", c.source, re.I | re.M)
    )
    assert any(cell.cell_type == "code" and "change" in cell.source.lower() for cell in cells[start : start + 4])


@every
def test_tools_are_compared_in_a_table(module):
    """Three to six real tools, when to pick which; and what we picked."""
    tables = [text for text in texts(module, "lesson") if re.search(r"tools for this job", text, re.IGNORECASE)]
    assert tables
    rows = [line for text in tables for line in text.splitlines() if line.startswith("|")]
    assert 3 <= len(rows) - 2 <= 8, rows


@every
def test_terms_are_marked_where_they_come_up(module):
    terms = [term for text in texts(module, "lesson") for term in re.findall(r"🔔 \*\*([^*]+)\*\*", text)]
    assert len(terms) >= 5
    assert len(set(terms)) == len(terms), "introduced twice"


def test_no_term_is_introduced_by_two_lessons():
    places: dict[str, list[str]] = {}
    for module in LESSONS:
        for text in texts(module, "lesson"):
            for term in re.findall(r"🔔 \*\*([^*]+)\*\*", text):
                places.setdefault(term.lower(), []).append(module.name)
    assert {term: names for term, names in places.items() if len(names) > 1} == {}


@every
def test_cells_are_short(module):
    """Imports don't count: all of them stand together at the top."""
    for cell in code_cells(module, "lesson"):
        lines = [line for line in cell.source.splitlines() if not line.startswith(("import ", "from "))]
        assert len(lines) <= LONGEST_CELL, cell.source


@every
def test_every_output_is_talked_about(module):
    """A code cell that shows something is followed by text, at most one cell later."""
    cells = notebook(module.solution("lesson")).cells
    for index, cell in enumerate(cells):
        if cell.cell_type == "code" and cell.outputs:
            assert any(later.cell_type == "markdown" for later in cells[index + 1 : index + 3]), cell.source


def _around_last_code(module) -> tuple[str, str]:
    cells = notebook(module.solution("lesson")).cells
    last = max(index for index, cell in enumerate(cells) if cell.cell_type == "code")
    return cells[last].source, "\n\n".join(cell.source for cell in cells[last + 1 :])
