# task: run_order
# loses: 1
# why: Names every step that could not run, also those that only wait for the circle.


def run_order(needs):
    waiting = {step: set(others) for step, others in needs.items()}
    for others in needs.values():
        for other in others:
            waiting.setdefault(other, set())
    order = []
    while waiting:
        ready = [step for step, others in waiting.items() if not others & waiting.keys()]
        if not ready:
            raise ValueError(f"circle among {sorted(waiting)}")
        for step in ready:
            order.append(step)
        waiting = {step: others for step, others in waiting.items() if step not in ready}
    return order
