# task: next_step
# loses: 2
# why: The first missing practice of the level, not the cheapest.


def next_step(findings):
    """The cheapest missing practice of the lowest level that doesn't hold, or None."""
    missing = [one for one in findings if not one["found"]]

    def rank(finding):
        effort = finding["effort"]
        return finding["level"]

    return min(missing, key=rank, default=None)  # min takes the first of equals


def roadmap(findings, hours):
    """The practices to do one after another, as far as the hours reach."""
    left, plan = list(findings), []
    while (step := next_step(left)) is not None and step["effort"] is not None and step["effort"] <= hours:
        plan.append(step["practice"])
        hours -= step["effort"]
        left = [one for one in left if one is not step]
    return plan
