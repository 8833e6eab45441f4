# task: run_order
# loses: 1
# why: Counts a need that is named twice as two, and waits for the second for ever.


def run_order(needs):
    steps = list(dict.fromkeys([*needs, *(other for others in needs.values() for other in others)]))
    missing = {step: len(needs.get(step, [])) for step in steps}
    users = {step: {user for user in needs if step in needs[user]} for step in steps}
    order = []
    ready = [step for step in steps if missing[step] == 0]
    while ready:
        step = ready.pop()
        order.append(step)
        for user in users[step]:
            missing[user] -= 1
            if missing[user] == 0:
                ready.append(user)
    if len(order) < len(steps):
        rest = [step for step in steps if step not in order]
        path = [rest[0]]
        while True:
            following = next(other for other in needs[path[-1]] if other in rest)
            if following in path:
                raise ValueError(" → ".join(path[path.index(following) :]))
            path.append(following)
    return order
