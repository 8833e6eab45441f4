# task: load_settings
# loses: 2
# why: Leaves rows a text, and so never notices one that is no number.

from pydantic import SecretStr


def load_settings(environ):
    from types import SimpleNamespace

    password = environ.get("TAXI_PASSWORD", "")
    if not password.strip() or len(password) < 8:
        raise ValueError("TAXI_PASSWORD must be set, to at least 8 characters")
    return SimpleNamespace(
        month=environ.get("TAXI_MONTH", "").strip() or "2021-01",
        rows=environ.get("TAXI_ROWS", "").strip() or 5000,
        password=SecretStr(password),
    )
