# task: run_order
# loses: 1
# why: Follows the needs without looking where it has been: a circle ends in RecursionError.


def run_order(needs):
    order = []

    def visit(step):
        for other in needs.get(step, []):
            visit(other)
        if step not in order:
            order.append(step)

    for step in needs:
        visit(step)
    return order
