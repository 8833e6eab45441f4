# task: notebook_problems
# loses: 1
# why: Takes an empty code cell, which never gets a count, for one that was not run.

import itertools

import nbformat


def notebook_problems(path):
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
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
    if any(output.output_type == "error" for cell in cells for output in cell.outputs):
        found.add("error")
    return found
