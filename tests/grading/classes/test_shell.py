"""What a notebook's shell makes of cells is what IPython makes of them, also where it looks less closely."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("IPython")
from IPython.core.inputtransformer2 import TransformerManager
from IPython.core.interactiveshell import InteractiveShell

from course_lib.grading.processes import shell as shells
from course_lib.paths import project_root

ODD = [
    "x = 1\ny = 2", "x = 1\ny = x % 2\n", "x = (1\n%2)\ny = 3", "%time x = 1\ny = 2",
    "y = 1\n%matplotlib inline\n", "a = %pwd\nb = 1", "a = !ls\nb = 1", "a=!ls\nb = 1", "!ls\nb = 1",
    "x = 1\n!ls", "x = 1\nx?", "x = 1\nx??  \ny = 2", "?x\ny = 1", "/f x\ny = 1", ",f x\ny = 1",
    ";f x\ny = 1", "%%time\nx = 1\ny = 2", "\n\nx = 1\ny = 2", "  x = 1\n  y = 2", "\tx = 1\n\ty = 2",
    ">>> x = 1\n>>> y = 2", ">>> x = 1\n... y = 2", "x = 1\n... \n", "In [1]: x = 1\n   ...: y = 2",
    "s = \"\"\"\n>>> x\n\"\"\"\ny = 2", "def f():\n    ...\n\nf()", "...\nx = 1", "s = '''\n%d\n'''\nx = 1",
    "if x:\n    %time y()\n", "x = 1 \\\n  % 2\ny = 3", "a != b\nc", "a = b != c\nd",
    "s = 'what?'\nt = 'why?'\n", "s = 'what?\\\n'\nt = 1", "", "\n", " \n ", "pwd", "x\x0cy\nz = 1",
    "x = 1\r\ny = 2", "é = 1\nñ = 2", "x = 1 if y else\\\n 2", "def f(:\n  x", "(1,\n2",
    "# comment\n%time x", "a = b = %pwd\nc = 1", "a, b = !ls\nc = 1", "x[0] = %pwd\ny = 1",
    "get_ipython()\nx = 1",
]  # fmt: skip
AWAITING = [
    "await f()\nx = 1", "async def f():\n    await g()\nx = 1", "x = [y async for y in f()]\nz = 1",
    "awaited = 1\nx = 2", "async with f() as g:\n    pass\n", "x = 1\ny = 2", "x = 'await'\ny = 1",
    "def f(:", "async for x in y:\n    pass\n",
]  # fmt: skip


def cells_of_the_course() -> list[str]:
    paths = sorted((project_root() / "solutions").glob("*/*.ipynb"))
    notebooks = [json.loads(Path(path).read_text(encoding="utf-8")) for path in paths]
    return ["".join(c["source"]) for nb in notebooks for c in nb["cells"] if c["cell_type"] == "code"]


@pytest.fixture(scope="module")
def shell():
    if shells.Shell.initialized():
        yield shells.Shell.instance()
        return
    yield shells.new_shell()
    shells.Shell.clear_instance()


@pytest.mark.parametrize("cell", ODD)
def test_an_odd_cell_becomes_what_ipython_makes_of_it(shell, cell):
    assert shell.transform_cell(cell) == InteractiveShell.transform_cell(shell, cell)


def test_the_courses_cells_become_what_ipython_makes_of_them(shell):
    cells = cells_of_the_course()
    assert len(cells) > 100
    assert [shell.transform_cell(cell) for cell in cells] == [InteractiveShell.transform_cell(shell, c) for c in cells]


def test_an_ordinary_cell_is_not_taken_apart(shell, monkeypatch):
    monkeypatch.setattr(TransformerManager, "transform_cell", lambda *_: pytest.fail("it was"))
    assert shell.transform_cell("def f(x):\n    return x % 2 != 1\n") == "def f(x):\n    return x % 2 != 1\n"


@pytest.mark.parametrize("kind", ["cleanup_transforms", "line_transforms", "token_transformers"])
def test_a_notebooks_own_transformers_are_asked(shell, monkeypatch, kind):
    asked = []
    monkeypatch.setattr(TransformerManager, "transform_cell", lambda _self, cell: asked.append(cell) or cell)
    manager = shell.input_transformer_manager
    monkeypatch.setattr(manager, kind, [*getattr(manager, kind), lambda lines: lines])
    shell.transform_cell("x = 1\ny = 2\n")
    assert asked == ["x = 1\ny = 2\n"]


@pytest.mark.parametrize("cell", [*ODD, *AWAITING])
def test_what_awaits_is_known(shell, cell):
    given = {"transformed_cell": cell, "preprocessing_exc_tuple": None}
    assert shell.should_run_async(cell, **given) == InteractiveShell.should_run_async(shell, cell, **given)


def test_what_a_cell_showed_can_be_used_in_the_next(shell):
    for name, cell in {"one": "20 + 1", "two": "doubled = 2 * _", "three": "doubled", "four": "Out[1], Out[3]"}.items():
        answer = shells.run_cell(shell, cell, name)
        assert answer["status"] == "ok", answer
    assert answer["outputs"][0]["data"]["text/plain"] == "(21, 42)"
