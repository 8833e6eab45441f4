"""What can be wrong with built pages: a link that leads nowhere, a file from elsewhere, a figure without words."""

from __future__ import annotations

import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

_PAGE_TARGETS = {"a": "href", "area": "href", "iframe": "src", "form": "action"}
_LOADED = {"img": "src", "script": "src", "link": "href", "source": "src", "video": "src", "audio": "src"}
_DIAGRAM = re.compile(r'<figure class="diagram"><pre>(.*?)</pre>', re.DOTALL)
_STYLE_URL = re.compile(r"url\(\s*['\"]?(?!data:)([^'\")]+)")


class _Page(HTMLParser):
    """What one page links to, loads, and offers as anchors."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()
        self.silent: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element's id and what it leads to."""
        entries = {name: value for name, value in attrs if value is not None}
        self.anchors |= {entries[name] for name in ("id", "name") if name in entries}
        if tag in _PAGE_TARGETS and _PAGE_TARGETS[tag] in entries:
            self.links.append(entries[_PAGE_TARGETS[tag]])
        if tag in _LOADED and _LOADED[tag] in entries:
            self.loaded.append(entries[_LOADED[tag]])
        # a theme's own ornaments say outright that they are none: alt=""
        if tag == "img" and ("alt" not in entries or "_images/" in entries["alt"]):
            self.silent.append(entries.get("src", ""))


def page_problems(site: Path) -> list[str]:
    """Every problem of the site built in this folder, as one sentence each that names the page."""
    site = site.resolve()

    @cache
    def anchors(path: Path) -> set[str]:
        return _Page(path.read_text(encoding="utf-8")).anchors

    problems = []
    for path in sorted(site.rglob("*.html")):
        page, name = _Page(path.read_text(encoding="utf-8")), path.relative_to(site).as_posix()
        problems += [f"{name}: nobody says what the figure {source} shows" for source in page.silent]
        problems += [f"{name}: {what}" for what in _silent_diagrams(path)]
        for link in page.links + page.loaded:
            target, anchor = _resolve(site, path, link)
            if target is None:
                if link in page.loaded and not link.startswith("data:"):
                    problems.append(f"{name} loads {link} from elsewhere")
            elif not target.is_file():
                problems.append(f"{name}: {link} leads to no file")
            elif anchor and target.suffix == ".html" and anchor not in anchors(target):
                problems.append(f"{name}: {link} leads to no place on that page")
    return sorted(set(problems + _style_sheets(site)))


def _resolve(site: Path, page: Path, link: str) -> tuple[Path | None, str]:
    """The file that a link means, or None for one that leaves the site, and its anchor."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return None, ""
    folder = site if parts.path.startswith("/") else page.parent
    target = (folder / unquote(parts.path).lstrip("/")).resolve() if parts.path else page
    return (target / "index.html" if target.is_dir() else target), unquote(parts.fragment)


def _silent_diagrams(path: Path) -> list[str]:
    texts = _DIAGRAM.findall(path.read_text(encoding="utf-8"))
    return [
        f"the diagram “{' '.join(text.split())[:40]} …” has no accTitle" for text in texts if "accTitle" not in text
    ]


def _style_sheets(site: Path) -> list[str]:
    problems = []
    for path in sorted(site.rglob("*.css")):
        for url in _STYLE_URL.findall(path.read_text(encoding="utf-8")):
            target, _ = _resolve(site, path, url)
            name = path.relative_to(site).as_posix()
            if target is None:
                problems.append(f"{name} loads {url} from elsewhere")
            elif not target.is_file():
                problems.append(f"{name}: {url} is missing")
    return problems
