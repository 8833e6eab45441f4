# task: about
# loses: 1
# why: Refuses NaN and infinity only.

import math


def about(minutes):
    if math.isnan(minutes) or math.isinf(minutes):
        raise ValueError(minutes)
    if minutes < 1.5:
        return "less than 2 minutes"
    step = 1 if minutes < 20 else 5 if minutes < 60 else 15
    total = int(minutes / step + 0.5) * step
    if total < 60:
        return f"about {total} minutes"
    hours, rest = divmod(total, 60)
    text = f"about {hours} hour{'s' if hours != 1 else ''}"
    return text + (f" {rest} minutes" if rest else "")
