"""What the journeys share: a browser for each file of tests, and a place for screenshots."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for a file: it is gone before other tests run, since it keeps an event loop going meanwhile."""
    with chromium.browser() as made:
        yield made


@pytest.fixture(scope="session")
def shoot() -> Callable[..., None]:
    """Keep a picture of a page in ``build/screens``, to be looked at: ``shoot(page, "student-lesson")``."""

    def take(page: Page, name: str, **options: object) -> None:
        assert re.fullmatch(r"[a-z]+-[a-z0-9-]+", name), f"{name}: a journey, a dash, a step"
        page.screenshot(path=chromium.screens() / f"{name}.png", **options)

    return take
