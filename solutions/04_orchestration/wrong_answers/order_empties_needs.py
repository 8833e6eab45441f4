# task: run_order
# loses: 1
# why: Takes the needs out of the lists that it was given.

import graphlib


def run_order(needs):
    order = list(graphlib.TopologicalSorter(needs).static_order())
    for others in needs.values():
        others.clear()
    return order
