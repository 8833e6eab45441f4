import pytest

from course_lib.taxi.service.wording import about


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (0, "about 1 minute"),
        (1.49, "about 1 minute"),
        (1.5, "about 2 minutes"),
        (10.2, "about 10 minutes"),
        (12.5, "about 13 minutes"),
        (20.4, "about 20 minutes"),
        (20.5, "about 20 minutes"),
        (22.4, "about 20 minutes"),
        (22.5, "about 25 minutes"),
        (57.4, "about 55 minutes"),
        (57.5, "about 1 hour"),
        (65, "about 1 hour 10 minutes"),
        (119, "about 2 hours"),
        (150, "about 2 hours 30 minutes"),
    ],
)
def test_no_more_exact_than_it_is(minutes, words):
    assert about(minutes) == words


@pytest.mark.parametrize("minutes", [float("nan"), float("inf"), -1])
def test_what_is_no_duration(minutes):
    with pytest.raises(ValueError, match="at least 0"):
        about(minutes)
