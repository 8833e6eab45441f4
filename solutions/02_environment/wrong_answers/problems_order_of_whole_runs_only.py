# task: notebook_problems
# loses: 1
# why: Looks at the order only where every cell has a count.

import itertools

import nbformat


def notebook_problems(path):
    notebook = nbformat.read(path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    counts = [cell.execution_count for cell in cells if cell.execution_count is not None]
    problems = set()
    if cells and not counts:
        problems.add("not run")
    if counts and len(counts) < len(cells):
        problems.add("half run")
    if len(counts) == len(cells) and any(after <= before for before, after in itertools.pairwise(counts)):
        problems.add("out of order")
    if sorted(counts) != list(range(1, len(counts) + 1)):
        problems.add("gap")
    if any(output.output_type == "error" for cell in cells for output in cell.outputs):
        problems.add("error")
    return problems
