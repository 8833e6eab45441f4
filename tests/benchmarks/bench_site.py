"""The reading site: how long it takes to build, what a lesson's page weighs, and when it can be read and used.

Usage: python tests/benchmarks/bench_site.py [--module 01_intro] [--repeats 3]

Two sides show the same lesson with the same stored outputs in the same Chromium, without a cache: the site's page
from a web server that compresses text, and the notebook in JupyterLab as `course lab` starts it (the server is
started before the clock; JupyterLab's files come compressed or not, as it sends them). First paint is the browser's
"first contentful paint". The page can be used when its heading is there and after that no task has held the browser
for more than 50 ms within a quiet second. Prints one JSON object: medians over the repeats.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Browser

from course_lib.paths import project_root
from course_lib.workbook.site.build import build_site, transferred
from tests.browser import chromium
from tests.browser.lab import lab

# Long tasks are noted from the first line of the page on.
WATCH = """
window.longest = 0;
new PerformanceObserver((list) => {
  for (const task of list.getEntries()) window.longest = Math.max(window.longest, task.startTime + task.duration);
}).observe({ type: "longtask", buffered: true });
"""
PAINTED = 'performance.getEntriesByName("first-contentful-paint")[0]?.startTime'
QUIET = "(since) => performance.now() > Math.max(since, window.longest) + 1000"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--module", default="01_intro")
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-site-", ignore_cleanup_errors=True) as folder:
        print(json.dumps(bench(Path(folder), asked.module, asked.repeats), indent=2))


def bench(folder: Path, module: str, repeats: int) -> dict:
    """Building, weight, and both sides of showing one lesson."""
    site = folder / "site"
    cold, again = build_site(project_root(), site), build_site(project_root(), site)
    say(f"built in {cold.seconds:.1f} s, again in {again.seconds:.1f} s")
    with chromium.browser() as browser:
        with served(site) as address:
            page = f"{address}/{module}/lesson.html"
            ours = visits(browser, page, "article h1", repeats)
        with lab(release(folder / "course", module), folder / "home") as running:
            theirs = visits(browser, running.page(f"{module}/lesson.ipynb"), ".jp-RenderedMarkdown h1", repeats)
    return {
        "processors": os.cpu_count(),
        "building": {
            "pages": cold.pages,
            "seconds, everything": round(cold.seconds, 1),
            "seconds, nothing changed": round(again.seconds, 1),
        },
        "site": {
            "MB on disk": round(cold.bytes / 1e6, 1),
            "MB transferred, all pages": round(sum(map(transferred, files(site))) / 1e6, 1),
        },
        f"{module}/lesson": {"site": ours, "JupyterLab": theirs},
        "times sooner": {
            what: round(theirs[what] / ours[what], 1) for what in ("ms to first paint", "ms to interactive")
        },
        "times lighter": round(theirs["KB transferred"] / ours["KB transferred"], 1),
    }


def files(folder: Path) -> list[Path]:
    """Every file below a folder."""
    return [path for path in folder.rglob("*") if path.is_file()]


def release(root: Path, module: str) -> Path:
    """A course of one lesson with its outputs, as JupyterLab opens it."""
    (root / "modules" / module).mkdir(parents=True)
    shutil.copy(project_root() / "modules" / "start.ipynb", root / "modules")
    shutil.copy(project_root() / "solutions" / module / "lesson.ipynb", root / "modules" / module)
    return root


def visits(browser: Browser, address: str, heading: str, repeats: int) -> dict[str, float]:
    """The medians of some visits, each by a browser without memory."""
    each = []
    for _ in range(repeats):
        with fresh(browser) as (page, bytes_so_far):
            page.goto(address, wait_until="commit")
            page.wait_for_selector(heading, timeout=120_000)
            shown = page.evaluate("performance.now()")
            page.wait_for_function(QUIET, arg=shown, timeout=120_000)
            painted, longest = page.evaluate(f"[{PAINTED}, window.longest]")
            each.append((painted, max(painted, shown, longest), bytes_so_far() / 1000))
            say(f"{address.split('?')[0]}: painted after {painted:.0f} ms, used after {each[-1][1]:.0f} ms")
    paint, use, weight = (round(statistics.median(values)) for values in zip(*each, strict=True))
    return {"ms to first paint": paint, "ms to interactive": use, "KB transferred": weight}


@contextmanager
def fresh(browser: Browser) -> Iterator[tuple]:
    """A page of a new browser profile, and a function that tells what has come over the network so far."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.add_init_script(WATCH)
    page = context.new_page()
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    came = [0]
    network.on("Network.loadingFinished", lambda event: came.append(event["encodedDataLength"]))
    try:
        yield page, lambda: sum(came)
    finally:
        context.close()


class _Compressing(SimpleHTTPRequestHandler):
    """Files as a usual web server sends them: text compressed."""

    def send_head(self):
        path = Path(self.translate_path(self.path))
        if path.suffix not in {".html", ".css", ".js", ".svg"} or not path.is_file():
            return super().send_head()
        content = gzip.compress(path.read_bytes(), 6)
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        return None

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """A web server on a free port of this machine."""
    handler: Callable = lambda *args: _Compressing(*args, directory=str(folder))  # noqa: E731
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()


def say(text: str) -> None:
    """Progress, on stderr."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
