# task: notebook_problems
# loses: 1
# why: Compares with the sorted counts, so the same count twice passes for order.

import nbformat


def notebook_problems(path):
    cells = [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code" and c.source.strip()]
    counts = [cell.execution_count for cell in cells if cell.execution_count is not None]
    found = set()
    if cells and not counts:
        found.add("not run")
    elif len(counts) < len(cells):
        found.add("half run")
    if counts != sorted(counts):
        found.add("out of order")
    if sorted(counts) != list(range(1, len(counts) + 1)):
        found.add("gap")
    if any(output.output_type == "error" for cell in cells for output in cell.outputs):
        found.add("error")
    return found
