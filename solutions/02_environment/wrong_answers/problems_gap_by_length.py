# task: notebook_problems
# loses: 2
# why: Looks only at the first and the last count, and not at what lies between.

import nbformat


def notebook_problems(path):
    cells = [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code" and c.source.strip()]
    counts = [cell.execution_count for cell in cells if cell.execution_count is not None]
    found = set()
    if cells and not counts:
        found.add("not run")
    elif len(counts) < len(cells):
        found.add("half run")
    if counts and counts[-1] < counts[0]:
        found.add("out of order")
    if counts and max(counts) != len(counts):
        found.add("gap")
    if any(output.output_type == "error" for cell in cells for output in cell.outputs):
        found.add("error")
    return found
