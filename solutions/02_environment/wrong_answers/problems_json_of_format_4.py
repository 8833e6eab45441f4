# task: notebook_problems
# loses: 1
# why: Reads the JSON by hand, and meets a file of the older format.

import itertools


def notebook_problems(path):
    import json

    with open(path, encoding="utf-8") as file:
        cells = [c for c in json.load(file)["cells"] if c["cell_type"] == "code" and "".join(c["source"]).strip()]
    counts = [cell["execution_count"] for cell in cells if cell["execution_count"] is not None]
    found = set()
    if cells and not counts:
        found.add("not run")
    elif len(counts) < len(cells):
        found.add("half run")
    if any(b <= a for a, b in itertools.pairwise(counts)):
        found.add("out of order")
    if sorted(counts) != list(range(1, len(counts) + 1)):
        found.add("gap")
    if any(output["output_type"] == "error" for cell in cells for output in cell["outputs"]):
        found.add("error")
    return found
