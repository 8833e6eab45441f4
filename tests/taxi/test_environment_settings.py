"""Settings from the environment: defaults, errors that name the variable, secrets that do not show."""

import json
import logging
import traceback

import pytest

from course_lib.errors import UsageError
from course_lib.taxi import environment

SECRET = "correct-horse-battery"


def test_defaults_hold_where_nothing_is_set_or_only_an_empty_text():
    defaults = environment.load_settings({})
    assert (defaults.data, defaults.month, defaults.rows, defaults.token) == ("simulated", "2021-01", 5000, None)
    assert environment.load_settings({"TAXI_ROWS": "", "TAXI_TOKEN": " "}) == defaults


def test_the_environment_wins_and_gets_its_type():
    settings = environment.load_settings({"TAXI_ROWS": "200", "TAXI_MONTH": "2021-03", "OTHER": "x"})
    assert (settings.rows, settings.month) == (200, "2021-03")


def test_without_an_argument_it_is_this_process_s_environment(monkeypatch):
    monkeypatch.setenv("TAXI_ROWS", "17")
    assert environment.load_settings().rows == 17


def test_settings_do_not_change_under_way():
    with pytest.raises(ValueError, match="frozen"):
        environment.load_settings({}).rows = 3


@pytest.mark.parametrize(
    "show",
    [repr, str, format, "{}".format, "{!r}".format, "%s".__mod__, lambda s: json.dumps(s.model_dump(mode="json"))],
)
def test_a_secret_is_never_shown(show):
    settings = environment.load_settings({"TAXI_TOKEN": SECRET})
    assert SECRET not in show(settings)
    assert SECRET not in str(settings.token)
    assert settings.token.get_secret_value() == SECRET


def test_a_log_does_not_show_it_either(caplog):
    settings = environment.load_settings({"TAXI_TOKEN": SECRET})
    with caplog.at_level(logging.INFO):
        logging.getLogger("taxi").info("started with %s and %r", settings, settings.token)
    assert "started" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    ("name", "value"), [("ROWS", "many"), ("ROWS", "0"), ("ROWS", "-5"), ("MONTH", "Jan"), ("TOKEN", "hunter2")]
)
def test_what_does_not_fit_is_named_and_not_quoted(name, value):
    with pytest.raises(UsageError) as caught:
        environment.load_settings({"TAXI_TOKEN": SECRET, f"TAXI_{name}": value})
    assert f"TAXI_{name}:" in str(caught.value)
    whole = "".join(traceback.format_exception(caught.value))
    assert SECRET not in whole
    assert name != "TOKEN" or value not in whole


def test_every_misfit_is_named_at_once():
    with pytest.raises(UsageError, match=r"TAXI_MONTH: it should be a month.*; TAXI_ROWS: "):
        environment.load_settings({"TAXI_MONTH": "Jan", "TAXI_ROWS": "few"})


@pytest.mark.parametrize("length", [1, 7])
def test_a_refused_secret_does_not_even_show_its_length(length):
    with pytest.raises(ValueError, match="TAXI_TOKEN: it should have at least 8 characters") as caught:
        environment.load_settings({"TAXI_TOKEN": "x" * length})
    assert str(length) not in str(caught.value)
    assert isinstance(caught.value, UsageError), "asked wrongly: a command ends with exit code 2"


def test_a_secret_of_eight_characters_is_long_enough():
    assert environment.load_settings({"TAXI_TOKEN": "12345678"}).token.get_secret_value() == "12345678"
