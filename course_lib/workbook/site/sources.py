"""Write the site's sources as Sphinx reads them; a file whose text stays the same is not touched, nor built again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from course_lib.errors import CourseError
from course_lib.workbook.canonical import markdown_cell
from course_lib.workbook.files import write_bytes
from course_lib.workbook.notebook_io import notebook_text
from course_lib.workbook.site import reading
from course_lib.workbook.site.contents import KINDS, Contents, Page
from course_lib.workbook.site.quizzes import quiz_page
from course_lib.workbook.site.terms import glossary_page

_HOW_TO_READ = """You are reading the workbook as pages. Nothing runs here: outputs are those of the authors' last run.
To change a cell, to solve an exercise or to hand in, open it with `make lab`."""


def write_sources(site: Contents, folder: Path) -> list[Path]:
    """Write every page's source into ``folder`` and remove what is no page any more.

    Returns the files that are new or changed. Raises CourseError when a notebook or a quiz cannot be read.
    """
    makers: dict[str, Callable[[Contents, Page], str]] = {
        "start": _start,
        "lesson": _lesson,
        "exercises": _exercises,
        "quiz": quiz_page,
        "capstone": _capstone,
        "glossary": glossary_page,
    }
    texts = {folder / page.file: makers[page.kind](site, page) for page in site.pages}
    changed = []
    for path, text in texts.items():
        content = text.encode()
        if not path.is_file() or path.read_bytes() != content:
            write_bytes(path, content)
            changed.append(path)
    for path in [*folder.rglob("*.md"), *folder.rglob("*.ipynb")]:
        if path not in texts:
            path.unlink()
    return changed


def module_title(site: Contents, page: Page) -> str:
    """What the page's module is called: the heading of its lesson, such as “1 · From notebook to production”."""
    lesson = next((other for other in site.of(page.module) if other.kind == "lesson"), page)
    name = page.module.name
    return reading.title(reading.read(lesson.source), name) if lesson.kind == "lesson" else name


def _start(site: Contents, page: Page) -> str:
    notebook = reading.read(page.source)
    reading.insert_after_title(notebook, reading.note("\n\n".join([_HOW_TO_READ, *map(_sentence, site.missing)])))
    order = markdown_cell(_tree(site))
    order.id = "order-of-pages"  # not a new one each time, since a changed source is built again
    notebook.cells.append(order)
    return notebook_text(notebook)


def _lesson(_site: Contents, page: Page) -> str:
    notebook = reading.lesson(reading.read(page.source))
    if page.source == page.module.released("lesson"):
        text = f"The outputs are not here. Run the lesson to see them: `make lab`, then `{page.name}.ipynb`."
        reading.insert_after_title(notebook, reading.note(text))
    return notebook_text(notebook)


def _exercises(_site: Contents, page: Page) -> str:
    return notebook_text(reading.exercises(reading.read(page.source), f"{page.name}.ipynb"))


def _capstone(_site: Contents, page: Page) -> str:
    try:
        text = page.source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CourseError(f"cannot read {page.source}: {error}") from error
    heading, line, rest = text.partition("\n")
    start = "`course capstone start FOLDER` makes the folder that this page speaks of."
    return f"{heading}{line}\n{reading.note(start)}\n{rest}"


def _tree(site: Contents) -> str:
    """The order of the pages, for the side bar and for “next”: a part for each module, then the glossary."""
    parts = []
    for module in site.modules:
        pages = site.of(module)
        if pages:
            entries = [f"{KINDS[page.kind]} <{page.name}>" for page in pages]
            parts.append(_toctree(module_title(site, pages[0]), entries))
    return "\n\n".join([*parts, _toctree("Look up", ["Glossary <glossary>"])])


def _toctree(caption: str, entries: list[str]) -> str:
    return "\n".join(["```{toctree}", ":hidden:", f":caption: {caption}", "", *entries, "```"])


def _sentence(text: str) -> str:
    return f"**Not complete:** {text}"
