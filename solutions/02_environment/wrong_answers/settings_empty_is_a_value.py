# task: load_settings
# loses: 1
# why: Takes an empty variable for a value: "" instead of the default month, and an error for rows.

from pydantic import SecretStr


def load_settings(environ):
    from types import SimpleNamespace

    try:
        rows = int(environ.get("TAXI_ROWS", "5000"))
    except ValueError:
        rows = 0
    if rows < 1:
        raise ValueError("TAXI_ROWS must be a whole number of at least 1")
    password = environ.get("TAXI_PASSWORD", "")
    if not password.strip() or len(password) < 8:
        raise ValueError("TAXI_PASSWORD must be set, to at least 8 characters")
    return SimpleNamespace(month=environ.get("TAXI_MONTH", "2021-01"), rows=rows, password=SecretStr(password))
