# task: load_settings
# loses: 1
# why: Cuts spaces off the password, so that another one is used than the one that was set.

from pydantic import SecretStr


def load_settings(environ):
    from types import SimpleNamespace

    rows = environ.get("TAXI_ROWS", "").strip() or "5000"
    if not rows.isdigit() or int(rows) < 1:
        raise ValueError("TAXI_ROWS must be a whole number of at least 1")
    password = environ.get("TAXI_PASSWORD", "").strip()
    if not password.strip() or len(password) < 8:
        raise ValueError("TAXI_PASSWORD must be set, to at least 8 characters")
    month = environ.get("TAXI_MONTH", "").strip() or "2021-01"
    return SimpleNamespace(month=month, rows=int(rows), password=SecretStr(password))
