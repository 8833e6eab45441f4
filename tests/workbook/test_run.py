"""`run_notebooks`: each notebook on its own, a failure told by cell and reason, the others still run."""

from __future__ import annotations

import json
import os
import re
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_lib.errors import UsageError
from course_lib.workbook.notebook_io import NotebookNotFound, write_notebook
from course_lib.workbook.notebook_run import execute
from course_lib.workbook.run import find_notebooks, run_notebooks

KERNELSPEC = {"name": "python3", "language": "python", "display_name": "Python 3"}
WHERE = "import os; print(os.getcwd()); print(os.environ['COURSE_STATE_DIR']); open('mine.txt', 'x').close()"


def notebook(*codes, parameters=None):
    cells = [new_markdown_cell("# A lesson\n\n```mermaid\nflowchart LR\nA --> B\n```")]
    if parameters:
        cells.append(new_code_cell(parameters, metadata={"tags": ["parameters"]}))
    return new_notebook(
        cells=cells + [new_code_cell(code) for code in codes], metadata={"kernelspec": dict(KERNELSPEC)}
    )


@pytest.fixture(scope="module", autouse=True)
def ordinary_kernels():
    """A warm template would outlive the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_DEFAULT_PROVISIONER_NAME", "local-provisioner")
        yield


@pytest.fixture(scope="module")
def one_run(tmp_path_factory):
    """Good and bad notebooks run together, two at a time: results by name, and the output folder."""
    root = tmp_path_factory.mktemp("run")
    folder, output = root / "01_demo", root / "build"
    figure = "import matplotlib.pyplot as plt\nplt.plot([1, 2]);"
    notebooks = {
        "good": notebook("rides = month", WHERE, figure, parameters='month = "2021-01"'),
        "other": notebook(WHERE),
        "raises": notebook("import json", "text = '{'\n\njson.loads(text)", "print('never')"),
        "dies": notebook("a = 1", "import os\nos._exit(3)", "print('never')"),
    }
    notebooks["raises"].cells[3].outputs = [nbformat.v4.new_output("stream", text="from an earlier run")]
    for name, content in notebooks.items():
        write_notebook(folder / f"{name}.ipynb", content)
    (folder / "broken.ipynb").write_text('{"cells": [', encoding="utf-8")
    write_notebook(output / "executed" / "01_demo" / "raises.ipynb", notebooks["good"])  # of an earlier run
    write_notebook(output / "executed" / "01_demo" / "good.failed.ipynb", notebooks["good"])
    told = []
    order = ["dies", "good", "broken", "raises", "other"]
    results = run_notebooks([folder / f"{name}.ipynb" for name in order], jobs=2, output=output, progress=told.append)
    assert [result.name for result in results] == order
    return {result.name: result for result in results}, output, told


def test_good_notebooks_run_whatever_happens_to_the_others(one_run):
    results, output, _ = one_run
    assert {name: result.ok for name, result in results.items()} == {
        "good": True,
        "other": True,
        "raises": False,
        "dies": False,
        "broken": False,
    }
    good = results["good"]
    assert good.executed == output / "executed" / "01_demo" / "good.ipynb"
    executed = nbformat.read(good.executed, as_version=4)
    assert [c.execution_count for c in executed.cells if c.cell_type == "code"] == [1, 2, 3, 4]
    assert set(good.cell_seconds) == {2, 3, 4, 5}
    assert 0 < sum(good.cell_seconds.values()) < good.seconds
    (figure,) = good.figures
    assert figure == output / "figures" / "01_demo" / "good-05.png"
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_a_cell_that_raises_is_shown_with_number_text_line_and_reason(one_run):
    failure = one_run[0]["raises"].failure
    assert (failure.kind, failure.cell, failure.cells, failure.execution_count) == ("error", 3, 4, 2)
    assert failure.reason.startswith("JSONDecodeError: Expecting property name")
    assert "> " + "  3  json.loads(text)" in failure.text()
    assert "Traceback" not in failure.text()
    assert len(failure.text().splitlines()) < 10
    assert "\x1b" not in failure.text()


def test_a_dead_kernel_names_the_cell_and_how_it_ended(one_run):
    failure = one_run[0]["dies"].failure
    assert (failure.kind, failure.cell, failure.source) == ("dead_kernel", 3, "import os\nos._exit(3)")
    assert "died while this cell ran" in failure.reason
    assert "exit code 3" in failure.reason


def test_a_broken_file_is_a_failure_of_its_own(one_run):
    result = one_run[0]["broken"]
    assert result.failure.kind == "unreadable"
    assert "ends too early" in result.failure.reason
    assert result.executed is None


def test_a_failed_run_has_a_name_that_says_so_and_only_its_own_outputs(one_run):
    results, output, _ = one_run
    there = {path.name for path in (output / "executed" / "01_demo").iterdir()}
    assert there == {
        *("good.ipynb", "good.html", "other.ipynb", "other.html"),
        *("raises.failed.ipynb", "raises.failed.html", "dies.failed.ipynb", "dies.failed.html"),
    }
    assert "from an earlier run" not in results["raises"].executed.read_text(encoding="utf-8")


def test_each_notebook_has_a_folder_and_a_state_of_its_own_removed_afterwards(one_run):
    results = one_run[0]
    printed = []
    for name in ("good", "other"):
        executed = nbformat.read(results[name].executed, as_version=4)
        printed += "".join(o.get("text", "") for c in executed.cells for o in c.get("outputs", [])).split("\n")[:2]
    assert len(set(printed)) == 4
    assert not any(os.path.exists(folder) for folder in printed)


def test_progress_tells_each_code_cell_and_each_result(one_run):
    results, _, told = one_run
    cells = [(t.done, t.cells, t.source.split("\n")[0]) for t in told if t.title == "01_demo/good" and t.kind == "cell"]
    assert cells[0] == (1, 4, 'month = "2021-01"')
    assert [done for done, _, _ in cells] == [1, 2, 3, 4]
    assert {t.result.name for t in told if t.kind == "finished"} == set(results)


def test_pages_load_nothing_from_elsewhere_and_carry_their_diagrams(one_run):
    for name in ("good", "raises"):
        html = one_run[0][name].page.read_text(encoding="utf-8")
        markup = re.sub(r"<script>.*?</script>", "", html, flags=re.DOTALL)
        assert not re.search(r"<(script|link|img|iframe)[^>]*(src|href)\s*=\s*[\"']?(https?:)?//", markup)
        assert not re.search(r"@import|url\([\"']?https?:", markup)
        assert "cdnjs" not in markup
        assert '<pre class="mermaid">' in html
        assert "mermaid.initialize(" in html


# --- parameters


def test_parameters_reach_the_notebooks_that_have_them_with_their_type(tmp_path):
    has = tmp_path / "m" / "lesson.ipynb"
    write_notebook(has, notebook("print(repr((rows, month)))", parameters='rows = 10\nmonth = "2021-01"'))
    without = tmp_path / "m" / "quiz.ipynb"
    write_notebook(without, notebook("print('ran')"))
    results = run_notebooks([has, without], parameters={"rows": "1_000", "month": "2021"}, output=tmp_path, jobs=2)
    assert all(result.ok for result in results)
    assert "(1000, '2021')" in results[0].executed.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"row": "3"}, "Did you mean “rows”?"),
        ({"rows": "many"}, "wants a whole number, and “many” is none"),
        ({"share": "x"}, "wants a number"),
        ({"fast": "perhaps"}, "wants true or false"),
        ({"zones": "{}"}, "wants a JSON list"),
    ],
)
def test_a_wrong_parameter_is_refused_before_anything_starts(tmp_path, given, says):
    path = tmp_path / "m" / "lesson.ipynb"
    write_notebook(path, notebook("1", parameters="rows = 10\nshare = 0.5\nfast = True\nzones = [1]"))
    told = []
    with pytest.raises(UsageError, match=re.escape(says)):
        run_notebooks([path], parameters=given, output=tmp_path / "build", progress=told.append)
    assert told == []
    assert not (tmp_path / "build").exists()


def test_a_parameter_for_notebooks_without_any_and_a_missing_file(tmp_path):
    write_notebook(tmp_path / "a.ipynb", notebook("1"))
    with pytest.raises(UsageError, match="tagged “parameters”"):
        run_notebooks([tmp_path / "a.ipynb"], parameters={"rows": "1"}, output=tmp_path)
    with pytest.raises(NotebookNotFound, match=r"a\.ipynb"):
        run_notebooks([tmp_path / "b.ipynb"], output=tmp_path)


# --- one notebook, in this process


def test_expected_errors_pass_and_silent_endings_do_not():
    expected = notebook("1 / 0", "print('went on')")
    expected.cells[1].metadata["tags"] = ["raises-exception"]
    assert execute(expected).failure is None
    stopped = execute(notebook("%no_such_magic", "print('never')")).failure
    assert (stopped.kind, stopped.cell) == ("stopped", 2)
    assert "no_such_magic" in stopped.reason


def test_a_cell_that_never_ends_is_stopped():
    failure = execute(notebook("import time", "time.sleep(60)"), timeout=1).failure
    assert (failure.kind, failure.cell) == ("timeout", 3)
    assert "more than 1 seconds" in failure.reason


def test_cell_numbers_don_t_count_the_cell_that_papermill_adds():
    asked = notebook("assert count == 3", parameters="count = 3")
    failure = execute(asked, parameters={"count": 4}).failure
    assert (failure.cell, failure.cells) == (3, 3)
    assert failure.source == "assert count == 3"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows kernels use ports")
def test_kernels_talk_over_sockets_not_ports():
    code = "from IPython import get_ipython; print(get_ipython().kernel.parent.transport)"
    cell = execute(notebook(code)).notebook.cells[1]
    assert cell.outputs[0].text.strip() == "ipc"


# --- what to run


def test_modules_and_files_are_found_and_what_is_missing_is_said(built):
    assert [p.name for p in find_notebooks()] == ["lesson.ipynb", "exercises.ipynb", "quiz.ipynb"]
    assert [p.name for p in find_notebooks(["1"], ["quiz"])] == ["quiz.ipynb"]
    with pytest.raises(UsageError, match="Did you mean 01_small"):
        find_notebooks(["01_smal"])
    (built / "solutions" / "01_small" / "quiz.ipynb").unlink()
    with pytest.raises(Exception, match="not built yet: 01_small/quiz"):
        find_notebooks()


# --- the command


@pytest.mark.usefixtures("built")
def test_the_command_speaks_json_on_stdout_and_fails_with_one(command, tmp_path):
    path = tmp_path / "02_mine" / "lesson.ipynb"
    write_notebook(path, notebook("raise RuntimeError('no taxi')"))
    code, out, err = command("run", str(path), "--json", "--jobs", "1")
    told = json.loads(out)
    assert code == 1
    assert told["ok"] is False
    assert told["notebooks"][0]["failure"]["reason"] == "RuntimeError: no taxi"
    assert "FAILED  02_mine/lesson" in err
    assert "0 of 1 notebooks ran from top to bottom" in err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["run", "--notebooks", "lessons"], "Did you mean lesson?"),
        (["run", "1", "-p", "count"], "-p wants name=value"),
        (["run", "1", "-p", "cout=1"], "Did you mean “count”?"),
        (["run", "9"], "there is no module “9”"),
    ],
)
@pytest.mark.usefixtures("built")
def test_asked_wrongly_is_exit_2_with_what_to_type(command, words, says):
    code, out, err = command(*words)
    assert code == 2
    assert says in err
    assert out == ""
