"""Pictures of governance: they say their finding, their units, and what they can't show."""

import re

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot

from course_lib.errors import CourseError
from course_lib.taxi.governance import dependence, explain, fairness, importance, plots
from course_lib.taxi.monitoring.charts import svg
from tests.taxi.governance.made import Formula, by_miles
from tests.taxi.samples import rides

TRIPS = rides(400)
ANSWERED = TRIPS.assign(minutes=by_miles().predict(TRIPS))


def titled(figure):
    """The finding; the figure is closed, fits its paper, and has words for those who don't see it."""
    assert figure.number not in pyplot.get_fignums()
    figure.draw_without_rendering()
    box = figure.get_tightbbox()
    assert box.x0 > -0.05
    assert box.x1 < figure.get_figwidth() + 0.05
    title = " ".join(figure.get_suptitle().split())
    assert plots.alt(figure).startswith(f"{title}. Axes: ")
    assert "(minutes)" in plots.alt(figure)
    return title


def test_error_by_borough_names_the_worst_and_the_best():
    table = fairness.error_by(ANSWERED, "pickup borough", 20)
    known = table[table["enough"]]
    title = titled(plots.error_by(table, fairness.overall(ANSWERED)))
    worst, best = known["rmse"].idxmax(), known["rmse"].idxmin()
    assert title.startswith(f"Errs most from {worst}: RMSE {known['rmse'].max():.1f} min, least from {best}")


def test_small_slices_are_named_and_have_no_dot():
    table = fairness.error_by(ANSWERED, "hour", 17)
    assert 0 < table["enough"].sum() < len(table)
    figure = plots.error_by(table)
    axes = figure.axes[0]
    assert len(axes.get_yticks()) == len(table)
    assert sum(text.get_text() == "too few rides" for text in axes.texts) == (~table["enough"]).sum()
    assert "Errs most at " in titled(figure)


def test_intervals_that_are_not_known_are_not_drawn():
    table = fairness.error_by(ANSWERED.head(150), "length", 2).assign(rmse_low=np.nan, rmse_high=np.nan)
    assert "Errs most for" in titled(plots.error_by(table))


def test_nothing_but_small_slices_is_said_so():
    with pytest.raises(CourseError, match="no hour has enough rides"):
        plots.error_by(fairness.error_by(ANSWERED, "hour", 10_000))
    with pytest.raises(CourseError, match="nothing to draw"):
        plots.error_by(fairness.error_by(ANSWERED, "hour").iloc[:0])


def test_importance_names_what_matters_most():
    table = importance.permutation(Formula(lambda pickup, _d, _h: pickup * 0.1), TRIPS, repeats=2)
    title = titled(plots.importance(table))
    assert title == f"With a shuffled {table.index[0]} the RMSE rises by {table['rise'].iloc[0]:.1f} min"


@pytest.mark.parametrize(
    ("what", "finding"),
    [
        ("hour", r"take 5\.0 min at 0:00 and 28\.0 min at 23:00"),
        ("weekday", r"min on Mon and"),
        ("pickup borough", r"min from \w+ and .* min from"),
        ("dropoff borough", r"min to \w+ and .* min to"),
        ("distance", r"min over 1 mile and .* min over 10 miles"),
    ],
)
def test_dependence_says_the_least_and_the_most(what, finding):
    model = by_miles() if what == "distance" else Formula(lambda _pickup, _dropoff, hour: 5.0 + hour)
    figure = plots.dependence(dependence.partial(model, TRIPS, what))
    assert re.search(finding, titled(figure))


def test_a_value_that_no_ride_can_have_is_left_out_of_the_picture():
    table = dependence.partial(by_miles(), TRIPS, "distance", [1, 2, 900])
    assert "over 2 miles" in titled(plots.dependence(table))
    with pytest.raises(CourseError, match="nothing to draw"):
        plots.dependence(table.loc[[900]])


def test_a_waterfall_goes_from_the_usual_answer_to_this_one():
    found = explain.Explanation(
        12.0, 9.5, pd.Series([3.0, -6.0, 0.5], index=list(importance.INPUTS)), {"pickup zone": "Astoria"}
    )
    figure = plots.explanation(found)
    assert titled(figure) == "9.5 minutes; the usual ride is answered 12.0"
    said = [text.get_text() for text in figure.axes[0].texts]
    assert said == ["+3.0", "-6.0", "+0.5", "12.0", "9.5"]
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["usual answer", "pickup zone\nAstoria", "drop-off zone", "time", "this ride's answer"]
    bars = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in figure.axes[0].patches[2:]]
    assert bars == [(12.0, 15.0), (15.0, 9.0), (9.0, 9.5)]


def test_words_go_with_the_picture_into_a_page():
    figure = plots.importance(importance.permutation(by_miles(), TRIPS, repeats=1))
    text = svg(figure, plots.alt(figure))
    assert text.startswith('<svg role="img" aria-label="With a shuffled')
