"""Pictures that say what they show: titles computed from the data, axes with units, few bytes."""

import io

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from course_lib.errors import CourseError, UsageError
from course_lib.taxi import plots
from course_lib.taxi.evaluation import BadPredictions
from tests.taxi.samples import booked, rides

TABLE = pd.DataFrame(
    {"rmse": [12.2, 9.3, 6.02, 6.9], "within_5": [0.31, 0.54, 0.73, 0.68]},
    index=["mean", "rule_of_thumb", "boosting", "linear"],
)


@pytest.fixture(autouse=True, scope="module")
def no_screen():
    before = mpl.get_backend()
    mpl.use("agg")
    yield
    mpl.use(before)


def predicted(trips):
    return trips["duration"].to_numpy() * 0.9 + 1


DRAWN = {
    "comparison": lambda trips: plots.comparison(TABLE),  # noqa: ARG005
    "predicted_vs_actual": lambda trips: plots.predicted_vs_actual(trips["duration"], predicted(trips), "boosting"),
    "durations": plots.durations,
    "speed_by_hour": plots.speed_by_hour,
    "error_by_hour": lambda trips: plots.error_by_hour(trips, predicted(trips), "boosting"),
    "pickup_map": plots.pickup_map,
    "error_map": lambda trips: plots.error_map(trips, predicted(trips)),
}
each = pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN)
UNITS = ("minutes", "degrees", "hour", "mph", "%", "rides")


def title(figure: Figure) -> str:
    return figure.get_suptitle().replace("\n", " ")


@each
def test_titles_and_axes_speak(draw):
    figure = draw(rides(900))
    assert len(title(figure)) > 15
    for axes in figure.axes:
        labels = [axes.get_xlabel(), axes.get_ylabel()]
        assert any(unit in label for label in labels for unit in (*UNITS, "pickups")), labels


@each
def test_pictures_are_small_and_nothing_is_cut_off(draw):
    figure = draw(rides(900))
    with io.BytesIO() as file:
        figure.savefig(file, format="png", dpi=figure.dpi)
        assert file.tell() < 60_000
    heading = figure._suptitle.get_window_extent(FigureCanvasAgg(figure).get_renderer())
    assert heading.x1 <= figure.bbox.x1, f"the title runs out of the picture: {title(figure)}"


@each
def test_figures_are_closed_and_leave_no_style_behind(draw):
    open_before, style_before = pyplot.get_fignums(), mpl.rcParams.copy()
    draw(rides(900))
    assert pyplot.get_fignums() == open_before
    assert mpl.rcParams == style_before


@each
def test_one_look(draw):
    """The same letters and colours everywhere: no red beside green, which many can't tell apart."""
    figure = draw(rides(900))
    assert figure._suptitle.get_fontweight() == "bold"
    assert all(not axes.spines["top"].get_visible() for axes in figure.axes if axes.get_label() != "<colorbar>")


@each
def test_trips_stay_as_they_were_and_any_index_will_do(draw):
    trips = rides(900).set_axis(range(3000, 2100, -1))
    before = trips.copy()
    shuffled_title = title(draw(trips))
    pd.testing.assert_frame_equal(trips, before)
    assert shuffled_title == title(draw(rides(900)))


# --- titles say what the data show


def test_comparison_names_the_best_model_wherever_it_stands():
    figure = plots.comparison(TABLE)
    assert title(figure) == "Boosting errs least: RMSE 6.0 min against 6.9 min for linear"
    widths = [bar.get_width() for bar in figure.axes[0].patches]
    assert widths == TABLE["rmse"].tolist()
    assert [bar.get_width() for bar in figure.axes[1].patches] == pytest.approx([31, 54, 73, 68])
    assert len({bar.get_facecolor() for bar in figure.axes[0].patches}) == 2


def test_comparison_of_one_model():
    assert title(plots.comparison(TABLE.iloc[[1]])) == "Rule of thumb errs least: RMSE 9.3 min"


def test_predicted_vs_actual_says_the_bias_and_counts_every_ride():
    trips = rides(500)
    figure = plots.predicted_vs_actual(trips["duration"], trips["duration"] - 2, "linear")
    assert title(figure) == "Linear promises 2.0 min too short on average"
    squares = figure.axes[0].collections[0].get_array()
    assert 490 <= squares.sum() <= 500  # a few of the longest lie outside of the frame, or are promised below 0


def test_durations_says_quartiles():
    trips = rides(5).assign(duration=[4.0, 8.0, 10.0, 12.0, 30.0])
    figure = plots.durations(trips)
    assert title(figure) == "Half of all rides take 8 to 12 minutes; 1 in 10 takes over 23"
    assert sum(bar.get_height() for bar in figure.axes[0].patches) == 5


def test_speed_leaves_absurd_distances_out():
    start = ["2021-01-04 05:30"] * 2 + ["2021-01-04 16:30"] * 3
    trips = booked([74] * 5, [75] * 5, start).assign(
        duration=[6.0, 6.0, 12.0, 12.0, 12.0], trip_distance=[2.0, 2.0, 2.0, 244152.01, 0.0]
    )
    assert title(plots.speed_by_hour(trips)) == "Fastest at 5:00 (20 mph), slowest at 16:00 (10 mph)"
    with pytest.raises(CourseError, match="no rides with a sensible distance"):
        plots.speed_by_hour(trips.iloc[3:])


def test_error_by_hour_finds_the_worst_hour():
    trips = booked([74] * 4, [75] * 4, ["2021-01-04 08:10"] * 2 + ["2021-01-04 21:00"] * 2).assign(duration=10.0)
    figure = plots.error_by_hour(trips, [4.0, 8.0, 11.0, 11.0], "boosting")
    assert title(figure) == "Boosting errs most at 8:00 (4.0 min), least at 21:00 (1.0 min)"
    bias = figure.axes[0].lines[0].get_ydata()
    assert bias.tolist() == [-4, 1]


def test_pickup_map_counts_places_and_leaves_the_unknown_off_the_map():
    trips = booked([74] * 6 + [7] * 2 + [132] + [264], [75] * 10, ["2021-01-04"] * 10)
    figure = plots.pickup_map(trips)
    assert title(figure) == "90% of the rides start in East Harlem North, Astoria and JFK Airport"
    assert len(figure.axes[0].collections[1].get_offsets()) == 3
    with pytest.raises(CourseError, match="no trips from a known zone"):
        plots.pickup_map(trips.iloc[-1:])


def test_error_map_compares_boroughs_with_enough_rides():
    trips = booked([74] * 30 + [7] * 30 + [97] * 5, [75] * 65, ["2021-01-04"] * 65).assign(duration=10.0)
    figure = plots.error_map(trips, [12.0] * 30 + [15.0] * 30 + [60.0] * 5)
    assert title(figure) == "Rides from Manhattan are off by 2.0 min, from Queens by 5.0"
    assert sorted(figure.axes[0].collections[1].get_array()) == [2, 5]
    with pytest.raises(CourseError, match="no zones with at least 100 rides"):
        plots.error_map(trips, [12.0] * 65, min_rides=100)


# --- nothing to draw, and wrong things


@pytest.mark.parametrize("draw", [plots.durations, plots.speed_by_hour, plots.pickup_map, plots.comparison])
def test_empty_tables_say_so(draw):
    empty = TABLE.iloc[:0] if draw is plots.comparison else rides(3).iloc[:0]
    with pytest.raises(CourseError, match="nothing to draw"):
        draw(empty)


def test_a_missing_column_is_named():
    with pytest.raises(UsageError, match=r"column 'duration'; cleaning.clean"):
        plots.durations(rides(3).drop(columns="duration"))


@pytest.mark.parametrize("draw", [plots.error_by_hour, plots.error_map])
def test_predictions_that_do_not_fit_are_refused(draw):
    with pytest.raises(BadPredictions, match="3 durations can't be compared with 2"):
        draw(rides(3), [1.0, 2.0])
    with pytest.raises(BadPredictions, match="1 missing"):
        draw(rides(3), [1.0, np.nan, 2.0])


def test_save_makes_folders_and_says_when_it_cannot(tmp_path):
    path = plots.save(plots.comparison(TABLE), tmp_path / "a" / "b" / "models.png")
    assert path.read_bytes().startswith(b"\x89PNG")
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(CourseError, match="can't be written"):
        plots.save(plots.comparison(TABLE), tmp_path / "file" / "models.png")
