# task: notebook_problems
# loses: 1
# why: Returns the first problem that it finds; a notebook can have several.

import itertools

import nbformat


def notebook_problems(path):
    cells = [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code" and c.source.strip()]
    counts = [cell.execution_count for cell in cells if cell.execution_count is not None]
    if cells and not counts:
        return {"not run"}
    if len(counts) < len(cells):
        return {"half run"}
    if any(b <= a for a, b in itertools.pairwise(counts)):
        return {"out of order"}
    if sorted(counts) != list(range(1, len(counts) + 1)):
        return {"gap"}
    if any(output.output_type == "error" for cell in cells for output in cell.outputs):
        return {"error"}
    return set()
