# task: load_settings
# loses: 1
# why: Checks with assert, which is no ValueError and is left out under python -O.

from pydantic import SecretStr


def load_settings(environ):
    from types import SimpleNamespace

    rows = environ.get("TAXI_ROWS", "").strip() or "5000"
    assert rows.isdigit(), "TAXI_ROWS must be a whole number"
    assert int(rows) >= 1, "TAXI_ROWS must be at least 1"
    password = environ.get("TAXI_PASSWORD", "")
    if not password.strip() or len(password) < 8:
        raise ValueError("TAXI_PASSWORD must be set, to at least 8 characters")
    month = environ.get("TAXI_MONTH", "").strip() or "2021-01"
    return SimpleNamespace(month=month, rows=int(rows), password=SecretStr(password))
