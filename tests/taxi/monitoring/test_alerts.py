"""One bad window is weather; three are an alert; it stands until it is clearly over."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from course_lib.errors import UsageError
from course_lib.taxi.monitoring.alerts import Observation, Rule, follow

RULE = Rule("error", 1.2, 1.1, windows=2, clear_windows=2, unit=" x", what="It errs more", do="Look at it.")


def days(*values, start="2021-02-01"):
    starts = pd.date_range(start, periods=len(values))
    return [Observation(at, at + pd.Timedelta("1D"), float(v), 100) for at, v in zip(starts, values, strict=True)]


def states(*values, rule=RULE):
    return list(follow(rule, days(*values)).states)


Q, P, S = "quiet", "pending", "standing"
NAN = np.nan


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((1, 1.19, 1), (Q, Q, Q)),
        ((1.3, 1, 1.3), (P, Q, P)),  # one bad window, twice, is no alert
        ((1.3, 1.3), (P, S)),
        ((1.2, 1.2, 1.2), (Q, Q, Q)),  # above, not at
        ((1.3, 1.3, 1.15, 1.15), (P, S, S, S)),  # neither bad nor good: it stands
        ((1.3, 1.3, 1.0, 1.15, 1.0), (P, S, S, S, S)),  # good windows in a row clear it
        ((1.3, 1.3, 1.0, 1.0, 1.3), (P, S, S, Q, P)),
        ((1.3, 1.3, 1.1, 1.1), (P, S, S, S)),  # below, not at
        ((1.3, NAN, 1.3), (P, Q, P)),  # too few rides are no news
        ((1.3, 1.3, 1.0, NAN, 1.0), (P, S, S, S, S)),
        ((1.3, 1.3, NAN, NAN), (P, S, S, S)),
        ((), ()),
    ],
)
def test_states(values, expected):
    assert states(*values) == list(expected)


def test_a_gap_in_time_begins_the_counting_again():
    assert follow(RULE, [*days(1.3), *days(1.3, start="2021-03-01")]).states == (P, P)


def test_windows_out_of_order():
    with pytest.raises(UsageError, match="Windows come in order"):
        follow(RULE, days(1, 1)[::-1])


def test_what_an_alert_says():
    story = follow(RULE, days(1.0, 1.3, 1.5, 1.25))
    alert = story.standing
    assert (alert.since, alert.raised) == (pd.Timestamp("2021-02-02"), pd.Timestamp("2021-02-04"))
    assert (alert.worst.value, alert.last.value, alert.windows) == (1.5, 1.25, 2)
    said = str(alert)
    for part in ("It errs more", "2021-02-02", "1.25 x", "1.50 x", "1.2 x", "100 rides", "Look at it."):
        assert part in said
    assert alert.as_dict()["cleared"] is None


def test_a_cleared_alert_is_remembered_and_the_next_is_another():
    story = follow(RULE, days(1.3, 1.3, 1, 1, 1.4, 1.4))
    assert len(story.alerts) == 2
    assert story.alerts[0].cleared == pd.Timestamp("2021-02-05")
    assert "cleared 2021-02-05" in str(story.alerts[0])
    assert story.standing is story.alerts[1]
    assert follow(RULE, days(1.3, 1.3, 1, 1)).standing is None


def test_without_hysteresis_it_flickers():
    nervous = replace(RULE, clear_at=1.2, windows=1, clear_windows=1)
    wobbling = [1.21, 1.19] * 10
    assert len(follow(nervous, days(*wobbling)).alerts) == 10
    assert len(follow(replace(nervous, clear_at=1.1), days(*wobbling)).alerts) == 1


def test_rules_that_make_no_sense():
    with pytest.raises(UsageError, match="must not be the higher one"):
        Rule("error", 1.0, 1.1)
    with pytest.raises(UsageError, match="at least 1 window"):
        Rule("error", 1.2, 1.1, windows=0)
