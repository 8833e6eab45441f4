"""A real browser that can reach this machine only, and that notes where else it was sent."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from course_lib.paths import build_dir

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
HERE = {"127.0.0.1", "localhost"}
WAIT = 120_000  # milliseconds for one condition: long, since other tests may have the processors


def executable(playwright: Playwright) -> str:
    """The system's browser, else one that `playwright install chromium` has fetched; skips where there is none."""
    found = [path for name in NAMES if (path := shutil.which(name))] + [playwright.chromium.executable_path]
    for path in found:
        if Path(path).is_file():
            return path
    pytest.skip("no Chromium here: `course doctor` says how to install it")


@contextmanager
def browser() -> Iterator[Browser]:
    """A headless Chromium; no name but this machine's is looked up, so nothing from outside can be fetched."""
    arguments = ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"]
    # root, as in a container, can't have Chromium's own sandbox
    arguments += ["--no-sandbox"] if getattr(os, "geteuid", lambda: 1)() == 0 else []
    expect.set_options(timeout=WAIT)
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=executable(playwright), args=arguments, timeout=WAIT)
        try:
            yield made
        finally:
            made.close()


class Visitor:
    """One person's browser window: a page, what it asked for outside of this machine, and what broke in it."""

    def __init__(self, context: BrowserContext) -> None:
        self.outside: list[str] = []
        self.broken: list[str] = []
        self.context = context
        context.set_default_timeout(WAIT)
        context.on("request", lambda request: self._note(request.url))
        context.on("weberror", lambda error: self.broken.append(str(error.error)))
        self.page: Page = context.new_page()

    def _note(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in {"http", "https", "ws", "wss"} and parts.hostname not in HERE:
            self.outside.append(url)


@contextmanager
def visitor(browser: Browser, *, width: int = 1280, height: int = 800, **options: object) -> Iterator[Visitor]:
    """A window of its own, without anybody's cookies. At its end, nothing has broken or was asked elsewhere."""
    context = browser.new_context(viewport={"width": width, "height": height}, **options)
    person = Visitor(context)
    try:
        yield person
        assert not person.outside, f"asked for outside of this machine: {person.outside}"
        assert not person.broken, f"broke in the page: {person.broken}"
    except BaseException:
        person.page.screenshot(path=screens() / "failed.png")
        raise
    finally:
        context.close()


def screens() -> Path:
    """Where pictures are kept."""
    folder = build_dir() / "screens"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def sideways(page: Page) -> int:
    """By how many pixels the page as a whole can be scrolled sideways."""
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
