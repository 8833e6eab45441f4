"""An executed notebook as one HTML page that loads nothing from elsewhere, and its figures as PNG files."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_lib.errors import CourseError
from course_lib.workbook.files import write_bytes
from course_lib.workbook.formulas import block_formula, inline_formula
from course_lib.workbook.quick_import import notebook_library

if TYPE_CHECKING:
    from nbformat import NotebookNode

_TEMPLATE = Path(__file__).parent / "page"
_MERMAID_SHA256 = "7a644017d37f93c8359790884e6b67fb1f747c78eb20475952404bd87190a3f8"
# a link to a notebook of the course; pages lie to each other as notebooks do
_NOTEBOOK_LINK = re.compile(r'(<a [^>]*href="(?![a-z]+:|/)[^"#]+)\.ipynb((?:#[^"]*)?")')
_DRAW = "mermaid.initialize({startOnLoad: true, securityLevel: 'strict', maxTextSize: 100000});"


def page(notebook: NotebookNode, title: str, folder: Path | None = None) -> str:
    """A notebook as HTML. Pictures that its text names are looked for in ``folder`` and embedded.

    The page has no script, style sheet or font from elsewhere: formulas are drawn here, and a page with Mermaid
    diagrams carries the script that draws them. Its links to other notebooks lead to their pages.
    """
    notebook_library("nbconvert")
    exporter = _exporter_class()(template_name=_TEMPLATE.name, extra_template_basedirs=[str(_TEMPLATE.parent)])
    exporter.embed_images = True
    exporter.log.setLevel("ERROR")
    resources: dict[str, Any] = {"metadata": {"name": title, "path": str(folder or "")}}
    html, _ = exporter.from_notebook_node(notebook, resources)
    html = _NOTEBOOK_LINK.sub(r"\1.html\2", html)
    if '<pre class="mermaid">' in html:
        script = f"<script>{mermaid_script()}\n{_DRAW}</script>\n"
        head, end, rest = html.partition("</head>")
        html = head + script + end + rest
    return html


@cache
def mermaid_script() -> str:
    """The script that draws Mermaid diagrams, safe to stand inside a page."""
    script = gzip.decompress((_TEMPLATE / "mermaid.tiny.js.gz").read_bytes())
    if hashlib.sha256(script).hexdigest() != _MERMAID_SHA256:
        raise CourseError(f"{_TEMPLATE / 'mermaid.tiny.js.gz'} is not the file this project ships (another checksum).")
    return script.decode().replace("</script", "<\\/script")


def save_figures(notebook: NotebookNode, folder: Path, name: str) -> list[Path]:
    """Write a notebook's PNG figures as ``<name>-<cell number>[-<n>].png``; earlier ones of that name go.

    Returns the files in the notebook's order.
    """
    for old in folder.glob(f"{name}-[0-9][0-9]*.png"):
        old.unlink()
    written = []
    for number, cell in enumerate(notebook.cells, 1):
        pictures = [o.data["image/png"] for o in cell.get("outputs", []) if "image/png" in o.get("data", {})]
        for count, picture in enumerate(pictures, 1):
            path = folder / (f"{name}-{number:02}" + (f"-{count}" if len(pictures) > 1 else "") + ".png")
            write_bytes(path, base64.b64decode(picture))
            written.append(path)
    return written


@cache
def _exporter_class() -> type:
    """nbconvert's HTML exporter, with formulas drawn here; made late, since nbconvert takes a while to import."""
    from nbconvert.exporters.html import HTMLExporter
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    class Renderer(IPythonRenderer):
        def block_math(self, body: str) -> str:
            return block_formula(body)

        def inline_math(self, body: str) -> str:
            return inline_formula(body)

        def latex_environment(self, name: str, body: str) -> str:
            return block_formula(f"\\begin{{{name}}}{body}\\end{{{name}}}")

    class Exporter(HTMLExporter):
        def markdown2html(self, context: Any, source: str) -> str:
            renderer = Renderer(
                escape=False,
                attachments=context.get("cell", {}).get("attachments", {}),
                embed_images=self.embed_images,
                path=context.get("resources", {}).get("metadata", {}).get("path", ""),
                anchor_link_text=self.anchor_link_text,
                exclude_anchor_links=self.exclude_anchor_links,
            )
            return MarkdownWithMath(renderer=renderer).render(source)

    import jinja2

    Exporter.markdown2html = jinja2.pass_context(Exporter.markdown2html)  # type: ignore[method-assign]
    return Exporter
