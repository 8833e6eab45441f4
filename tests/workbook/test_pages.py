"""Pages: formulas drawn without scripts, figures saved, and the diagram script that is the one we ship."""

import base64
import re
from html import unescape

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_lib.workbook.formulas import block_formula, formula_svg, inline_formula
from course_lib.workbook.pages import mermaid_script, page, save_figures

PNG = base64.b64encode(b"\x89PNG one").decode()


def test_formulas_become_pictures_that_say_what_they_are():
    svg = formula_svg(r"\sqrt{\frac{1}{n}\sum_{i=1}^n (y_i - \hat{y}_i)^2}")
    assert svg.startswith('<svg role="img" aria-label="\\sqrt')
    assert ' d="M' in svg
    assert "nan" not in svg
    assert formula_svg("x") != formula_svg("y")


def test_a_formula_that_cannot_be_drawn_is_shown_as_typed_and_safe():
    assert formula_svg(r"\begin{aligned} a &< b \end{aligned}") is None
    assert "a &amp;&lt; b" in block_formula(r"\begin{aligned} a &< b \end{aligned}")
    assert inline_formula(r"\nosuchcommand").startswith("<code>$")


def test_a_page_draws_formulas_keeps_prices_and_has_the_script_only_for_diagrams():
    plain = page(new_notebook(cells=[new_markdown_cell(r"Off by $x^2$; it costs \$5.")]), "A title")
    assert 'aria-label="x^2"' in plain
    assert "costs $5" in plain
    assert "<title>A title</title>" in plain
    assert "<script" not in plain
    assert len(plain) < 400_000
    drawn = page(new_notebook(cells=[new_markdown_cell("```mermaid\nflowchart LR\nA-->B\n```")]), "t")
    assert mermaid_script() in drawn


def test_the_diagram_script_cannot_end_its_own_element():
    assert "</script" not in mermaid_script()
    assert 'globalThis["mermaid"]' in mermaid_script()


def test_figures_are_saved_by_cell_and_those_of_earlier_runs_go(tmp_path):
    picture = new_output("display_data", data={"image/png": PNG})
    cells = [
        new_markdown_cell("x"),
        new_code_cell("a", outputs=[picture, picture]),
        new_code_cell("b", outputs=[picture]),
    ]
    (tmp_path / "lesson-09.png").write_bytes(b"old")
    (tmp_path / "lesson-two-01.png").write_bytes(b"another notebook's")
    saved = save_figures(new_notebook(cells=cells), tmp_path, "lesson")
    assert [p.name for p in saved] == ["lesson-02-1.png", "lesson-02-2.png", "lesson-03.png"]
    assert saved[0].read_bytes() == b"\x89PNG one"
    assert sorted(p.name for p in tmp_path.iterdir())[3:] == ["lesson-two-01.png"]


def test_links_between_notebooks_lead_to_pages_and_others_stay():
    text = "[a](../start.ipynb) [b](quiz.ipynb#q-1) [c](https://example.org/x.ipynb) [d](data.csv)"
    html = page(new_notebook(cells=[new_markdown_cell(text)]), "t")
    for link in ("../start.html", "quiz.html#q-1", "https://example.org/x.ipynb", "data.csv"):
        assert f'href="{link}"' in html


def test_a_figure_s_alternative_text_is_its_cell_s_or_its_own():
    plain = new_output("display_data", data={"image/png": PNG})
    own = new_output("display_data", data={"image/png": PNG}, metadata={"image/png": {"alt": "two hills"}})
    cells = [
        new_code_cell("a", outputs=[plain], metadata={"alt": "speeds < 20 & falling"}),
        new_code_cell("b", outputs=[own]),
        new_code_cell("c", outputs=[plain]),
    ]
    html = page(new_notebook(cells=cells), "t")
    said = [unescape(text) for text in re.findall(r'<img [^>]*?alt="([^"]*)"', html)]
    assert said[:2] == ["speeds < 20 & falling", "two hills"]
    assert said[2].startswith("No description"), "nbconvert's words, where nobody gave any"
