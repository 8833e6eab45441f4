"""Sphinx's settings for the site: what would stand in a conf.py."""

from __future__ import annotations

from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

TITLE = "Machine learning into production"
_HERE = Path(__file__).resolve().parent
_STYLES = {"pygments_light_style": "a11y-high-contrast-light", "pygments_dark_style": "a11y-high-contrast-dark"}


def settings(source: Path) -> dict[str, Any]:
    """Sphinx's settings. Everything that a page loads is on this machine; nothing is executed."""
    return {
        "course_made_by": _made_by(),
        "project": TITLE,
        "html_title": TITLE,
        "language": "en",
        "root_doc": "index",
        "extensions": ["myst_nb", "course_lib.workbook.site.extension"],
        "exclude_patterns": ["_static/**"],
        "templates_path": [str(_HERE / "templates")],
        "nb_execution_mode": "off",
        "nb_merge_streams": True,
        "nb_render_markdown_format": "gfm",
        "myst_enable_extensions": ["attrs_inline", "colon_fence", "deflist", "dollarmath", "tasklist"],
        "myst_fence_as_directive": ["mermaid"],
        "myst_heading_anchors": 4,
        "html_theme": "sphinx_book_theme",
        "html_theme_options": _theme_options(),
        "html_static_path": [str(_HERE / "static"), str(source / "_static")],
        "html_favicon": str(_HERE / "static" / "icon.svg"),
        "html_logo": str(_HERE / "static" / "icon.svg"),
        "html_math_renderer": "drawn",
        "html_copy_source": False,
        "html_show_sourcelink": False,
        "html_use_index": False,
        "html_show_sphinx": False,
        "html_show_copyright": False,
    }


def _made_by() -> str:
    """A hash of this folder's code, templates and scripts, and of the versions that Sphinx works with."""
    files = sorted(path for path in _HERE.rglob("*") if path.suffix in {".py", ".html", ".js", ".css"})
    told = [f"{name} {version(name)}" for name in ("sphinx", "myst-nb", "myst-parser", "sphinx-book-theme")]
    return sha256(b"".join([*(path.read_bytes() for path in files), *(text.encode() for text in told)])).hexdigest()


def _theme_options() -> dict[str, Any]:
    return {
        **_STYLES,
        "home_page_in_toc": True,
        "show_navbar_depth": 1,
        "show_toc_level": 2,
        "toc_title": "On this page",
        "use_download_button": False,
        "use_fullscreen_button": False,
        "navigation_with_keys": False,
        "search_bar_text": "Search the workbook",
        "logo": {"text": TITLE},
        "navbar_persistent": [],
        "footer_content_items": [],
    }
