# task: run_order
# loses: 1
# why: Says that there is a circle, and not where.

import graphlib


def run_order(needs):
    try:
        return list(graphlib.TopologicalSorter(needs).static_order())
    except graphlib.CycleError:
        raise ValueError("the steps need each other in a circle") from None
