# task: next_step
# loses: 1
# why: An unknown cost is taken as 999 hours: a dearer known one comes after it.


def next_step(findings):
    missing = [f for f in findings if not f["found"]]
    if not missing:
        return None
    return min(missing, key=lambda f: (f["level"], 999 if f["effort"] is None else f["effort"]))


def roadmap(findings, hours):
    left, names, spent = list(findings), [], 0
    while (step := next_step(left)) is not None:
        if step["effort"] is None or spent + step["effort"] > hours:
            break
        spent += step["effort"]
        names.append(step["practice"])
        left.remove(step)
    return names
