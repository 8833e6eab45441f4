# task: run_order
# loses: 2
# why: Orders only the keys: steps that are only ever needed are lost.


def run_order(needs):
    order, waiting = [], dict(needs)
    while waiting:
        ready = [step for step, others in waiting.items() if not any(other in waiting for other in others)]
        if not ready:
            path = [next(iter(waiting))]
            while True:
                following = next(other for other in waiting[path[-1]] if other in waiting)
                if following in path:
                    raise ValueError(" → ".join(path[path.index(following) :]))
                path.append(following)
        for step in ready:
            order.append(step)
            del waiting[step]
    return order
