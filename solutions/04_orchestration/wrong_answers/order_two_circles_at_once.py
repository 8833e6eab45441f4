# task: run_order
# loses: 1
# why: Takes away what only waits, and names all that is left: two circles, and the steps between them.


def run_order(needs):
    waiting = {step: set(needs.get(step, [])) for step in {*needs, *(o for others in needs.values() for o in others)}}
    order = []
    while waiting:
        free = [step for step in waiting if not waiting[step]]
        if not free:
            while idle := [step for step in waiting if not any(step in others for others in waiting.values())]:
                for step in idle:
                    del waiting[step]
            raise ValueError(f"circle among {sorted(waiting)}")
        for step in free:
            del waiting[step]
        order += free
        waiting = {step: others - set(free) for step, others in waiting.items()}
    return order
