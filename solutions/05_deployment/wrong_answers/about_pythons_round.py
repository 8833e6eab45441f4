# task: about
# loses: 2
# why: Uses round, which sends halves to the even neighbour.

import math


def about(minutes):
    if not math.isfinite(minutes) or minutes < 0:
        raise ValueError("no minutes")
    if minutes < 1.5:
        return "less than 2 minutes"
    step = 1 if minutes < 20 else 5 if minutes < 60 else 15
    total = int(round(float(minutes) / step)) * step
    hours, rest = divmod(total, 60)
    words = []
    if hours:
        words.append(f"{hours} hour" + ("s" if hours > 1 else ""))
    if rest:
        words.append(f"{rest} minutes")
    return "about " + " ".join(words)
