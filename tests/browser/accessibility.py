"""axe-core on a page as it stands: what it finds that keeps people out."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

GRAVE = {"serious", "critical"}


def grave(page: Page) -> list[str]:
    """Each serious or critical finding: its rule, what is wrong, and the first element it is wrong with."""
    found = Axe().run(page).response["violations"]
    return [
        f"{finding['id']} ({finding['impact']}): {finding['help']}, {finding['nodes'][0]['html'][:200]}"
        for finding in found
        if finding["impact"] in GRAVE
    ]
