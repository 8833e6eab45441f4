# task: notebook_problems
# loses: 1
# why: Searches the printed text for the word "error" where the output's type says it.

import itertools

import nbformat


def notebook_problems(path):
    cells = [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code" and c.source.strip()]
    counts = [cell.execution_count for cell in cells if cell.execution_count is not None]
    found = set()
    if cells and not counts:
        found.add("not run")
    elif len(counts) < len(cells):
        found.add("half run")
    if any(b <= a for a, b in itertools.pairwise(counts)):
        found.add("out of order")
    if sorted(counts) != list(range(1, len(counts) + 1)):
        found.add("gap")
    if any("error" in str(output).lower() for cell in cells for output in cell.outputs):
        found.add("error")
    return found
