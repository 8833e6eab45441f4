"""`course lab` as it is typed, in a copy of the course; and one notebook in it, as a person's hands see it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from playwright.sync_api import Locator, Page, expect

from course_lib.paths import data_dir

_ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/\S*token=\w+")
_LONG = 240_000  # milliseconds for a whole notebook to run
_FRONT = ".jp-NotebookPanel:not(.lm-mod-hidden)"


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab: the address that it told the terminal, and the environment it was started with."""

    address: str
    root: Path
    environment: dict[str, str]

    @property
    def base(self) -> str:
        """Protocol, host and port."""
        return self.address.split("/lab", 1)[0]

    def page(self, path: str) -> str:
        """The address of a notebook below the lab's folder, as if nothing else had ever been opened."""
        token = self.address.rsplit("token=", 1)[1]
        return f"{self.base}/lab/tree/{path}?reset&token={token}"

    def course(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Type a ``course`` command in the copy's folder."""
        command = [sys.executable, "-m", "course_lib", *words]
        return subprocess.run(
            command, cwd=self.root, env=self.environment, capture_output=True, text=True, encoding="utf-8", timeout=300
        )


def environment_of(root: Path, home: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of somebody who has just unpacked the course into ``root``; data made before are shared."""
    own = {name: str(home / name.lower()) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")}
    dropped = ("COURSE_", "JUPYTER", "MLFLOW_", "PYTEST_")
    base = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    own |= {"COURSE_ROOT": str(root), "COURSE_DATA_DIR": str(data_dir().absolute()), "TAXI_DATA": "simulated"}
    # The same kernels, started from a process that has its libraries already: it spares half of the time.
    return base | own | {"JUPYTER_DEFAULT_PROVISIONER_NAME": "warm"} | dict(extra or {})


@contextmanager
def lab(root: Path, home: Path, *options: str, extra: Mapping[str, str] | None = None) -> Iterator[Lab]:
    """`course lab --no-browser` in ``root``; it and everything it has started end with the block."""
    environment = environment_of(root, home, extra)
    log = home / "lab.log"
    home.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as said:
        command = [sys.executable, "-m", "course_lib", "lab", "--no-browser", *options]
        process = subprocess.Popen(command, cwd=root, env=environment, stdout=said, stderr=said)
    try:
        yield Lab(_address(process, log), root, environment)
    finally:
        _end(process)


def _address(process: subprocess.Popen, log: Path, patience: float = 240) -> str:
    until = time.monotonic() + patience
    while True:
        text = log.read_text(encoding="utf-8", errors="replace")
        if found := _ADDRESS.search(text):
            return found.group()
        assert process.poll() is None, f"`course lab` ended:\n{text}"
        assert time.monotonic() < until, f"`course lab` tells no address:\n{text}"
        time.sleep(0.1)


def _end(process: subprocess.Popen) -> None:
    """Ask `course lab` to end, which takes its family along; what is left is killed, and found fault with."""
    with suppress(psutil.Error):
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        process.send_signal(signal.SIGTERM)
        _, left = psutil.wait_procs(family, timeout=60)
        for survivor in left:
            with suppress(psutil.Error):
                survivor.kill()
        assert not left, f"`course lab` left behind: {left}"
    process.wait(10)


class Notebook:
    """The notebook in front."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.panel = page.locator(_FRONT)

    def ready(self, name: str) -> Notebook:
        """Wait until this notebook is in front, its cells are there and its kernel waits for work."""
        self.page.locator(".lm-DockPanel .lm-TabBar-tab.lm-mod-current", has_text=name).wait_for()
        # before a notebook has its kernel, Run All would do nothing
        self.panel.locator(".jp-KernelName", has_text="Python 3").wait_for()
        self.panel.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').wait_for(state="attached")
        self.page.locator("#jp-main-statusbar").get_by_text("| Idle").wait_for()
        return self

    def run_all(self) -> None:
        """Run → Run All Cells, and wait until no cell is waiting."""
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.get_by_text("Run All Cells", exact=True).click()
        prompts = self.panel.locator(".jp-CodeCell .jp-InputArea-prompt")
        prompts.filter(has_text=re.compile(r"\d|\*")).first.wait_for(state="attached")
        expect(prompts.filter(has_text="*")).to_have_count(0, timeout=_LONG)

    def prompts(self) -> list[str]:
        """What stands beside the code cells, such as ``[3]:``."""
        return self.panel.locator(".jp-CodeCell .jp-InputArea-prompt").all_text_contents()

    def complaints(self) -> list[str]:
        """Errors and warnings among the outputs."""
        errors = '[data-mime-type="application/vnd.jupyter.error"], [data-mime-type="application/vnd.jupyter.stderr"]'
        return self.panel.locator(errors).all_text_contents()

    def has_figures(self, count: int | None = None) -> None:
        """Wait until pictures, or exactly so many of them, stand complete among the outputs."""
        self.page.wait_for_function(
            """([panel, count]) => {
                 const complete = picture => picture.complete && picture.naturalWidth > 0;
                 const there = [...panel.querySelectorAll(".jp-RenderedImage img")].filter(complete).length;
                 return count === null ? there > 0 : there === count;
               }""",
            arg=[self.panel.element_handle(), count],
        )

    def cell(self, text: str) -> Locator:
        """The first code cell that holds this text, in view."""
        found = self.panel.locator(".jp-CodeCell", has_text=text).first
        found.wait_for(state="attached")
        found.scroll_into_view_if_needed()
        return found

    def type_over(self, text: str, code: str) -> None:
        """Put code in place of all that stands in the cell with this text."""
        self.cell(text).locator(".cm-content").click()
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.insert_text(code)

    def validate(self) -> dict[str, str]:
        """nbgrader's Validate button: what the dialog says, from the code of a test that failed to its error."""
        self.panel.get_by_text("Validate", exact=True).click()
        dialog = self.page.locator(".jp-Dialog")
        dialog.get_by_text("Validation Results").wait_for(timeout=_LONG)
        said = [text.strip() for text in dialog.locator("pre").all_inner_texts()]
        return dict(zip(said[::2], said[1::2], strict=True))

    def close_dialog(self) -> None:
        """Its one button."""
        self.page.locator(".jp-Dialog").get_by_role("button", name="Ok").click()
        self.page.locator(".jp-Dialog").wait_for(state="detached")

    def too_wide(self) -> list[str]:
        """Whatever in the notebook can be scrolled sideways: the beginning of its text, and by how much."""
        return self.panel.evaluate(
            """panel => [...panel.querySelectorAll("*")]
                 .filter(part => ["auto", "scroll"].includes(getComputedStyle(part).overflowX)
                                 && part.clientWidth > 0 && part.scrollWidth - part.clientWidth > 1)
                 .map(part => `${part.className} ${part.scrollWidth - part.clientWidth} px: `
                              + part.textContent.trim().slice(0, 60))"""
        )
