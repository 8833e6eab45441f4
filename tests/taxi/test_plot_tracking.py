"""Pictures of tracked runs say what the table says, with titles and units."""

import numpy as np
import pandas as pd
import pytest

from course_lib.errors import CourseError, UsageError
from course_lib.taxi import plot_tracking

TABLE = pd.DataFrame(
    {
        "name": ["mean", "linear", "tree", "boosting", "forest", "broken"],
        "metrics.rmse": [12.0, 8.0, 7.5, 6.0, 6.0, np.nan],
        "metrics.predict_ms": [0.5, 1.5, 1.0, 5.0, 40.0, 1.0],
    }
)
HISTORY = pd.DataFrame(
    {
        "run_id": ["b"] * 3 + ["a"] * 3,
        "name": ["fast learner"] * 3 + ["slow learner"] * 3,
        "step": [1, 2, 3, 3, 2, 1],
        "value": [9.0, 7.0, 7.5, 8.0, 8.5, 10.0],
    }
)
SETTINGS = pd.DataFrame(
    {"max_iter": [10, 10, 100, 100, 400], "loss": list("xyxyx"), "rmse": [8.0, 7.0, 6.5, 6.0, np.nan]}
)


def labels(figure):
    (axes,) = figure.axes
    return axes.get_xlabel(), axes.get_ylabel()


def test_error_against_time_marks_what_no_other_run_beats():
    figure = plot_tracking.error_against_time(TABLE)
    assert figure.get_suptitle() == "Boosting errs least, at 10 times the time of mean"
    assert labels(figure) == ("time to answer for one ride (ms)", "RMSE (minutes)")
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.texts] == ["mean", "linear", "tree", "boosting", "forest"]
    assert axes.lines[0].get_xydata().tolist() == [[0.5, 12.0], [1.0, 7.5], [5.0, 6.0]]
    assert axes.get_xscale() == "log"


def test_error_against_time_for_a_metric_that_should_be_large():
    table = pd.DataFrame({"within_5": [0.4, 0.7, 0.6], "fit_seconds": [1.0, 2.0, 3.0]}, index=["a", "b", "c"])
    figure = plot_tracking.error_against_time(table, "within_5", "fit_seconds")
    assert figure.get_suptitle() == "B errs least, at 2.0 times the time of a"
    assert figure.axes[0].lines[0].get_xdata().tolist() == [1.0, 2.0]


def test_names_of_the_dots():
    given = plot_tracking.error_against_time(TABLE, label=list("uvwxyz"))
    assert [text.get_text() for text in given.axes[0].texts] == list("uvwxy")
    column = plot_tracking.error_against_time(TABLE, label="metrics.rmse")
    assert column.axes[0].texts[0].get_text() == "12.0"
    with pytest.raises(UsageError, match="2 names for 6 runs"):
        plot_tracking.error_against_time(TABLE, label=["a", "b"])


def test_a_single_run_is_drawn_too():
    figure = plot_tracking.error_against_time(TABLE.iloc[[0]])
    assert figure.get_suptitle() == "Mean errs least"


def test_what_cannot_be_drawn_against_time():
    with pytest.raises(CourseError, match="nothing to draw"):
        plot_tracking.error_against_time(TABLE.iloc[[5]])
    with pytest.raises(CourseError, match="nothing to draw"):
        plot_tracking.error_against_time(TABLE.iloc[:0])
    with pytest.raises(UsageError, match="no column 'mape'"):
        plot_tracking.error_against_time(TABLE, "mape")
    with pytest.raises(CourseError, match="no numbers"):
        plot_tracking.error_against_time(TABLE, "name")


def test_learning_curves_in_the_order_of_steps():
    figure = plot_tracking.learning_curves(HISTORY)
    assert figure.get_suptitle() == "Fast learner was best after 2 trees, at 7.00"
    assert labels(figure) == ("number of trees", "RMSE (minutes)")
    assert [line.get_xdata().tolist() for line in figure.axes[0].lines] == [[1, 2, 3]] * 2
    assert figure.axes[0].lines[1].get_ydata().tolist() == [10.0, 8.5, 8.0]
    still = plot_tracking.learning_curves(HISTORY.iloc[3:], step="rounds")
    assert still.get_suptitle() == "Slow learner ends best, at 8.00"
    assert labels(still)[0] == "number of rounds"


@pytest.mark.parametrize(
    ("parameter", "title", "line"),
    [
        ("max_iter", "The best RMSE is at max_iter = 100: 6.00", [[10, 7.0], [100, 6.0]]),
        ("loss", "The best RMSE is at loss = y: 6.00", [[0, 6.5], [1, 6.0]]),
    ],
)
def test_one_parameter_of_a_search(parameter, title, line):
    figure = plot_tracking.search(SETTINGS, parameter)
    assert figure.get_suptitle() == title
    assert figure.axes[0].lines[0].get_xydata().tolist() == line
    assert labels(figure) == (parameter, "RMSE (minutes)")


def test_of_equal_runs_one_is_on_the_front():
    error, time = np.array([2.0, 2.0, 1.0, 1.0]), np.array([1.0, 1.0, 3.0, 2.0])
    assert plot_tracking.unbeaten(error, time) == [0, 3]
