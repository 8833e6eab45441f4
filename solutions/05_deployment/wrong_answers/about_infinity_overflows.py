# task: about
# loses: 1
# why: Looks for NaN only: infinity breaks with another error.


def about(minutes):
    minutes = float(minutes)
    if math.isnan(minutes) or minutes < 0:
        raise ValueError(minutes)
    if minutes < 1.5:
        return "less than 2 minutes"
    if minutes < 20:
        return f"about {math.floor(minutes + 0.5)} minutes"
    if minutes < 60:
        whole = 5 * math.floor(minutes / 5 + 0.5)
        if whole < 60:
            return f"about {whole} minutes"
    else:
        whole = 15 * math.floor(minutes / 15 + 0.5)
    hours, rest = divmod(whole, 60)
    text = f"about {hours} hour" + ("s" if hours > 1 else "")
    return text + (f" {rest} minutes" if rest else "")
