"""The pipeline's notebook: the same steps and the same state, with parameters that are checked before it runs."""

import nbformat
import pytest

from course_lib.errors import UsageError
from course_lib.taxi import pipeline, pipeline_notebook
from tests.taxi.pipelines import settings

SMALL = {"source": "simulated", "rows": 300, "model": "mean"}


@pytest.fixture(scope="module", autouse=True)
def data_dir(tmp_path_factory):
    """Simulated months go to a folder of the tests' own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_DATA_DIR", str(tmp_path_factory.mktemp("data")))
        patch.delenv("TAXI_DATA", raising=False)
        yield


def test_the_notebook_is_valid_and_the_same_each_time(tmp_path):
    first = pipeline.write_notebook(tmp_path / "first.ipynb").read_bytes()
    assert first == pipeline.write_notebook(tmp_path / "second.ipynb").read_bytes()
    notebook = nbformat.reads(first.decode(), as_version=4)
    nbformat.validate(notebook)
    parameters = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    assert len(parameters) == 1
    text = "\n".join(cell.source for cell in notebook.cells)
    for step in pipeline.STEPS:
        assert f'run("{step}")' in text


def test_it_runs_with_progress_and_shares_its_state_with_the_backfill(tmp_path, capfd):
    state, registry = tmp_path / "state", tmp_path / "mlflow"
    done = pipeline.run_notebook(
        "2021-02", tmp_path / "out" / "2021-02.ipynb", parameters=SMALL, folder=state, tracking=registry, progress=True
    )
    assert (done.month, done.registered.version, done.registered.promoted) == ("2021-02", 1, True)
    said = capfd.readouterr()
    assert "2021-02: 100%" in said.err
    assert said.out == ""
    notebook = nbformat.read(done.path, as_version=4)
    shown = "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", []))
    assert "300 rows of 2021-02" in shown
    assert "taxi-duration, version 1: champion, there was no champion yet." in shown
    assert not [o for cell in notebook.cells for o in cell.get("outputs", []) if o.get("name") == "stderr"]
    assert any("image/png" in output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", []))
    again = pipeline.run_month("2021-02", settings(), folder=state, tracking=registry)
    assert set(again.did.values()) == {"unchanged"}


def test_a_month_that_fails_leaves_the_notebook_up_to_there(tmp_path):
    output = tmp_path / "out.ipynb"
    with pytest.raises(
        pipeline_notebook.NotebookFailed, match=r"2031-01 failed at ingest: .* up to there: .*out\.ipynb"
    ):
        pipeline.run_notebook("2031-01", output, parameters=SMALL, folder=tmp_path / "state", tracking=tmp_path)
    errors = [
        out for cell in nbformat.read(output, as_version=4).cells for out in cell.get("outputs", []) if out.get("ename")
    ]
    assert [error["ename"] for error in errors] == ["StepFailed"]


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ({"parameters": {"row": 300}}, "no parameter 'row'. Did you mean 'rows'. It takes: evaluation_days, folder"),
        ({"parameters": {"colour": "green"}}, "no parameter 'colour'. It takes: evaluation_days, folder"),
        ({"month": "2021-13"}, "'2021-13' is not a month"),
        ({"parameters": {"source": "no/such/folder"}}, "data folder .* isn't there"),
    ],
)
def test_wrong_questions_are_refused_before_anything_runs(tmp_path, question, words):
    question = {"month": "2021-01", "output": tmp_path / "out.ipynb", "folder": tmp_path / "state", **question}
    with pytest.raises(UsageError, match=words):
        pipeline.run_notebook(**question)
    assert list(tmp_path.iterdir()) == []
