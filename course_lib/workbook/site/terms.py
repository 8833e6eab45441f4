"""The glossary as a page: each term with its meaning, linked to the place in the lesson that introduces it."""

from __future__ import annotations

from itertools import groupby

from course_lib.workbook.glossary import Term, terms_in
from course_lib.workbook.site import reading
from course_lib.workbook.site.contents import Contents, Page

_INTRO = """# Glossary

Every term that a lesson marks with 🔔, from A to Z. The link leads to the place in the lesson that introduces it.
"""


def glossary_page(site: Contents, _page: Page) -> str:
    """MyST Markdown of the glossary, a heading for each letter."""
    terms = _all_terms(site)
    parts = [_INTRO]
    for letter, group in groupby(terms, key=lambda term: _letter(term.name)):
        parts += [f"## {letter}", *(_entry(term) for term in group)]
    return "\n\n".join(parts) + "\n"


def _all_terms(site: Contents) -> list[Term]:
    """From A to Z; where two lessons introduce a term, the first does."""
    terms: dict[str, Term] = {}
    for page in site.lessons:
        notebook = reading.read(page.source)
        texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
        for term in terms_in(texts, page.module):
            terms.setdefault(term.name.lower(), term)
    return [terms[name] for name in sorted(terms, key=lambda name: (_letter(name), name))]


def _letter(name: str) -> str:
    return name[0].upper() if name[0].isalpha() else "#"


def _entry(term: Term) -> str:
    # plain HTML, since MyST looks among headings only for what a link's anchor means
    name = reading.anchor(term.name)
    link = f'<a href="{term.module.name}/lesson.html#{name}">Lesson {term.module.number}</a>'
    return f"[**{term.name}**]{{#{name}}}\n: {term.meaning} {link}"
