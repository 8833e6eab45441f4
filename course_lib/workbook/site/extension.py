"""What Sphinx has to be taught for this course: diagrams, formulas without scripts, lighter pages."""

from __future__ import annotations

import re
import shutil
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from course_lib.workbook.formulas import block_formula, inline_formula

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_ICONS = re.compile(r"\s*<script[^>]*fontawesome\.js[^>]*></script>")
# an objective to tick off: MyST's box is locked and has no label
_TICK = re.compile(
    r'(<li class="task-list-item">\s*(?:<p>)?)<input class="task-list-item-checkbox"[^>]*>(.*?)(?=</p>|</li>|<ul)',
    re.DOTALL,
)
# files that a theme brings along and no page of this site asks for
_UNUSED = ("*.map", "fontawesome.js", "fontawesome.js.LICENSE.txt", "*webpack-macros.html")
_UNUSED_FOLDERS = ("_sources", "_static/locales", "_static/images")


class Diagram(SphinxDirective):
    """A ``mermaid`` block: its text, which `diagrams.js` draws."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """The text in a figure; readers without scripts read it as it is."""
        text = escape("\n".join(self.content), quote=False)
        return [nodes.raw("", f'<figure class="diagram"><pre>{text}</pre></figure>', format="html")]


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    # what the pages are made by: when it changes, all of them are stale
    app.add_config_value("course_made_by", "", "env")
    app.add_directive("mermaid", Diagram)
    app.add_html_math_renderer("drawn", (_inline_math, None), (_block_math, None))
    app.add_css_file("site.css", priority=900)
    app.add_js_file("reading.js", loading_method="defer")
    app.add_js_file("diagrams.js", loading_method="defer")
    app.connect("html-page-context", _page_context, priority=900)
    app.connect("build-finished", _tidy)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _inline_math(translator: Any, node: nodes.math) -> None:
    translator.body.append(inline_formula(node.astext()))
    raise nodes.SkipNode


def _block_math(translator: Any, node: nodes.math_block) -> None:
    translator.body.append(block_formula(node.astext()))
    raise nodes.SkipNode


def _page_context(app: Sphinx, name: str, _template: str, context: dict[str, Any], _doctree: object) -> None:
    from markupsafe import Markup

    context["without_icon_script"] = lambda html: Markup(_ICONS.sub("", html))
    if name.endswith("/quiz"):
        app.add_js_file("quiz.js", loading_method="defer")
    if "body" in context:
        context["body"] = _TICK.sub(
            r'\1<label><input class="task-list-item-checkbox" type="checkbox"> \2</label>', context["body"]
        )


def _tidy(app: Sphinx, error: Exception | None) -> None:
    """Remove what the theme brought and nobody loads, and pages that are no page any more."""
    if error is not None:
        return
    out = Path(app.outdir)
    for pattern in _UNUSED:
        for path in (out / "_static").rglob(pattern):
            path.unlink()
    for folder in _UNUSED_FOLDERS:
        shutil.rmtree(out / folder, ignore_errors=True)
    pages = {f"{name}.html" for name in app.env.found_docs} | {"search.html"}
    for path in out.rglob("*.html"):
        if path.relative_to(out).as_posix() not in pages and "_static" not in path.parts:
            path.unlink()
