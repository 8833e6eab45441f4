# task: load_settings
# loses: 3
# why: Reads os.environ instead of the dictionary that is passed in.

from pydantic import SecretStr


def load_settings(environ):  # noqa: ARG001
    import os
    from types import SimpleNamespace

    rows = os.environ.get("TAXI_ROWS", "").strip() or "5000"
    if not rows.isdigit() or int(rows) < 1:
        raise ValueError("TAXI_ROWS must be a whole number of at least 1")
    password = os.environ.get("TAXI_PASSWORD", "")
    if not password.strip() or len(password) < 8:
        raise ValueError("TAXI_PASSWORD must be set, to at least 8 characters")
    return SimpleNamespace(month="2021-01", rows=int(rows), password=SecretStr(password))
