"""The graph says who waits for whom, any scheduler can run it, and its picture shows what it says."""

import dask
import pytest

from course_lib.errors import UsageError
from course_lib.taxi import backfill, pipeline
from course_lib.taxi.months import MonthNotFound
from tests.taxi.pipelines import own_data, settings, state_of

MONTHS = ["2021-01", "2021-02", "2021-03"]


@pytest.fixture(scope="module", autouse=True)
def data_dir(tmp_path_factory):
    with own_data(tmp_path_factory.mktemp("data")):
        yield


def test_steps_wait_for_the_one_before_and_the_registry_for_the_month_before():
    within = [
        (f"{a} {m}", f"{b} {m}") for m in MONTHS for a, b in zip(pipeline.STEPS, pipeline.STEPS[1:], strict=False)
    ]
    across = [("register 2021-01", "register 2021-02"), ("register 2021-02", "register 2021-03")]
    assert sorted(pipeline.edges(MONTHS)) == sorted(within + across)
    assert pipeline.edges(pipeline.graph(MONTHS[::-1], settings())) == pipeline.edges(MONTHS)


def test_making_a_graph_runs_nothing(tmp_path):
    graph = pipeline.graph(MONTHS, settings(), folder=tmp_path / "state")
    assert list(graph) == MONTHS
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("scheduler", ["sync", "threads"])
def test_any_scheduler_of_dask_runs_it(tmp_path, scheduler):
    graph = pipeline.graph(["2021-01", "2031-01"], settings(), folder=tmp_path, tracking=tmp_path / "mlflow")
    good, bad = dask.compute(*graph.values(), scheduler=scheduler)
    assert good.ok
    assert good.outputs["register"].version == 1
    assert bad.failed_step == "ingest"
    assert "2031-01 can't be simulated" in bad.error
    again = pipeline.run_month("2021-01", settings(), folder=tmp_path, tracking=tmp_path / "mlflow")
    assert set(again.did.values()) == {"unchanged"}
    assert state_of(tmp_path)


@pytest.mark.parametrize(
    ("months", "error"), [(["2021-13"], MonthNotFound), ([], UsageError), (["2021-01", "soon"], MonthNotFound)]
)
def test_months_that_cannot_be_meant(months, error):
    with pytest.raises(error):
        pipeline.graph(months, settings())


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts if text.get_text()]


def test_the_picture_has_a_box_for_each_step_and_an_arrow_for_each_edge():
    figure = pipeline.draw(MONTHS)
    assert texts(figure) == list(pipeline.STEPS) * 3
    axes = figure.axes[0]
    arrows = [one for one in axes.texts if getattr(one, "arrow_patch", None) is not None]
    assert len(arrows) == len(pipeline.edges(MONTHS))
    assert [label.get_text() for label in axes.get_yticklabels()] == MONTHS
    assert figure.get_suptitle()
    assert axes.get_xlabel()
    assert not figure.legends


def test_the_picture_of_a_plan_has_a_legend_of_its_statuses(tmp_path):
    plan = backfill.plan(MONTHS, settings(), folder=tmp_path)
    figure = pipeline.draw(MONTHS, plan.statuses())
    legend = [text.get_text().split(":")[0] for text in figure.legends[0].get_texts()]
    assert legend == ["missing", "follows"]
    assert pipeline.draw(pipeline.graph(MONTHS, settings()), plan.statuses()).legends
    ran = pipeline.draw(["2021-01"], {("2021-01", "train"): "failed"})
    assert ran.legends[0].get_texts()[0].get_text() == "failed: failed"
    with pytest.raises(UsageError, match=r"no status purple; there are: fresh"):
        pipeline.draw(MONTHS, {("2021-01", "train"): "purple"})
