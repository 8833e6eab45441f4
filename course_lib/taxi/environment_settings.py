"""Settings that differ from place to place come from the environment; those that are secret don't get printed."""

from __future__ import annotations

import os
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from course_lib.errors import UsageError
from course_lib.taxi import months

PREFIX = "TAXI_"
SHORTEST_SECRET = 8  # characters


class SettingsError(UsageError, ValueError):
    """A variable of the environment does not fit; the message names it and the rule, and nothing of its value."""


class Settings(BaseModel):
    """What may differ between a laptop, a server and a test. Shown, a secret is a row of stars.

    ``hide_input_in_errors``: pydantic's messages would otherwise quote a refused value, secret or not.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    data: str = "simulated"
    month: str = "2021-01"
    rows: int = Field(default=5000, gt=0)
    token: SecretStr | None = None

    @field_validator("month")
    @classmethod
    def _is_a_month(cls, value: str) -> str:
        try:
            months.parse(value)
        except months.MonthNotFound as error:
            raise ValueError("it should be a month such as 2021-01") from error
        return value

    @field_validator("token")
    @classmethod
    def _is_long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        # pydantic's own rule, min_length, would say how long the refused text is
        if value is not None and len(value.get_secret_value()) < SHORTEST_SECRET:
            raise ValueError(f"it should have at least {SHORTEST_SECRET} characters")
        return value


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from ``TAXI_DATA``, ``TAXI_MONTH``, ``TAXI_ROWS`` and ``TAXI_TOKEN`` (default: this process's).

    A variable that is empty counts as not set. Raises SettingsError that names every variable that doesn't fit,
    and nothing of its value.
    """
    environ = os.environ if environ is None else environ
    given = {name: environ.get(PREFIX + name.upper(), "").strip() for name in Settings.model_fields}
    wrong: list[str] = []
    try:
        return Settings(**{name: value for name, value in given.items() if value})
    except ValidationError as error:
        wrong = [
            f"{PREFIX}{str(problem['loc'][0]).upper()}: {problem['msg'].removeprefix('Value error, ')}"
            for problem in error.errors(include_input=False, include_url=False, include_context=False)
        ]
    # raised out here, so that no traceback has pydantic's own error, which holds the values, behind it
    raise SettingsError("Settings that don't fit: " + "; ".join(wrong) + ".")
