# task: about
# loses: 1
# why: Whole minutes up to and including 21: a line of the table read loosely.

import math


def about(minutes):
    if not (0 <= minutes < math.inf):
        raise ValueError(minutes)
    if minutes < 1.5:
        return "less than 2 minutes"
    step = 1 if minutes < 22 else 5 if minutes < 60 else 15
    total = int(minutes / step + 0.5) * step
    if total < 60:
        return f"about {total} minutes"
    hours, rest = divmod(total, 60)
    text = f"about {hours} hour{'s' if hours != 1 else ''}"
    return text + (f" {rest} minutes" if rest else "")
