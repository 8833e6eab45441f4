"""What a student's code has replaced is found, whichever way it did that; honest code is hardly looked at."""

from __future__ import annotations

import sys
import types

import numpy as np
import pandas as pd
import pytest

from course_lib.grading.processes.start_nursery import can_fork
from course_lib.grading.replaced import Untouched, names_to_look_at
from tests.grading.classes.demo_course import SOLVED
from tests.grading.classes.fixtures import asked_by_the_worker

IMPORTS = "import numpy as np\nimport pandas as pd\n\n\n"
REPLACED = {
    "by its name": ("np.mean = len", "numpy.mean"),
    "by another name for its class": ("from pandas import Series as S\nS.equals = print", "pandas.Series.equals"),
    "in a loop": ("for np.mean in [len]:\n    pass", "numpy.mean"),
    "in letters that look wide": ("np.ｍｅａｎ = len", "numpy.mean"),
    "by a name that is put together": ("setattr(np, 'me' + 'an', len)", "numpy.mean"),
    "by a number of its name": ("vars(np)[sorted(vars(np))[-1]] = len", "numpy."),
    "in the dictionary of a module": ("np.__dict__.update(mean=len)", "numpy.mean"),
    "by code in a text": ("exec(bytes.fromhex('6e702e6d65616e203d206c656e'))", "numpy.mean"),
    "by a command": (
        "with open('replace.py', 'w') as file:\n    print('np.mean = len', file=file)\n%run -i replace.py",
        "numpy.mean",
    ),
    "of Python": ("import builtins\nbuiltins.abs = max", "builtins.abs"),
    "of the course": ("import course_lib.grading.wire as w\nw.encode = len", "course_lib.grading.wire.encode"),
    "a class of the course": (
        "from course_lib.grading.wire import Foreign as F\nF.__eq__ = print",
        "course_lib.grading.wire.Foreign.__eq__",
    ),
    "in a function that a test calls": (
        "def total(values):\n    np.sum = max\n    return sum(values)",
        "numpy.sum",
    ),
}


@pytest.mark.parametrize(("code", "name"), REPLACED.values(), ids=REPLACED)
def test_what_was_replaced_is_found(grader, code, name):
    task, rest = ("total", "") if "def total" in code else ("stages", f"\n{SOLVED['stages']}")
    result = grader.answers(**{task: IMPORTS + code + rest})
    assert any(flag["what"].startswith(f"replaced {name}") for flag in result.flags), result.flags


@pytest.mark.parametrize("source", [code for code, _ in REPLACED.values() if "wide" not in code])
def test_each_is_among_the_names_to_look_at_or_all_are(source):
    names = names_to_look_at(source)
    assert names is None or names & {"mean", "equals", "abs", "encode", "sum"}


@pytest.mark.parametrize(
    "source",
    [
        SOLVED["total"],
        SOLVED["drop_short"],
        SOLVED["stages"],
        "trips = trips.assign(miles=1)  # see the table's own mean!",
    ],
)
def test_honest_code_is_looked_at_by_its_words(source):
    assert names_to_look_at(source) is not None


@pytest.mark.skipif(not can_fork(), reason="processes are not forked here")
def test_honest_code_has_few_places_looked_at(grader, monkeypatch):
    asked = asked_by_the_worker(monkeypatch)
    assert grader.answers(Counter="Counter = None").flags == []
    names = [head["names"] for head in asked if head["kind"] == "probe"]
    assert names[-1] is not None
    assert "total" in names[-1]
    assert names[:-1] == [None] * len(names[:-1]), "where points depend on it, all are looked at"


class Hooks:
    """As much of IPython's shell as is looked at for hooks."""

    def __init__(self):
        self.ast_transformers = []
        self.events = types.SimpleNamespace(callbacks={})
        self.display_formatter = types.SimpleNamespace(formatters={})


@pytest.mark.parametrize("names", [None, ["equals", "sum", "added_later", "a word"]])
def test_what_was_added_is_no_difference_but_a_hook_is_and_what_hides_a_base(monkeypatch, names):
    shell = Hooks()
    untouched = Untouched(shell)
    monkeypatch.setattr(np, "added_later", len, raising=False)
    monkeypatch.setattr(pd.DataFrame, "added_later", len, raising=False)  # as libraries do that extend pandas
    assert untouched.replaced(shell, names) == []
    monkeypatch.setattr(np, "sum", len)
    monkeypatch.setattr(pd.Series, "equals", print, raising=False)
    shell.ast_transformers.append(len)
    assert untouched.replaced(shell, names) == ["IPython.ast_transformers", "numpy.sum", "pandas.Series.equals"]


@pytest.mark.parametrize("names", [None, ["head", "DataFrame"]])
def test_a_library_that_is_imported_later_is_as_it_comes(monkeypatch, names):
    with monkeypatch.context() as before:
        for name in [name for name in sys.modules if name.partition(".")[0] == "pandas"]:
            before.delitem(sys.modules, name)
        untouched = Untouched(Hooks())
    assert untouched.replaced(Hooks(), names) == []


def test_only_what_goes_by_a_name_is_looked_at(monkeypatch):
    shell = Hooks()
    untouched = Untouched(shell)
    monkeypatch.setattr(np, "sum", len)
    assert untouched.replaced(shell, ["mean"]) == []
    assert untouched.replaced(shell, ["sum"]) == ["numpy.sum"]
