# task: run_order
# loses: 2
# why: Follows the arrows the wrong way round.

import graphlib


def run_order(needs):
    return list(graphlib.TopologicalSorter(needs).static_order())[::-1]
