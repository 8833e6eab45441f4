# task: next_step
# loses: 1
# why: The loop over the levels ends at the course's fourth.


def next_step(findings):
    for level in range(1, 5):
        missing = [f for f in findings if f["level"] == level and not f["found"]]
        if missing:
            return min(missing, key=lambda f: float("inf") if f["effort"] is None else f["effort"])
    return None


def roadmap(findings, hours):
    left, names = list(findings), []
    while (step := next_step(left)) is not None:
        if step["effort"] is None or step["effort"] > hours:
            break
        hours -= step["effort"]
        names.append(step["practice"])
        left.remove(step)
    return names
