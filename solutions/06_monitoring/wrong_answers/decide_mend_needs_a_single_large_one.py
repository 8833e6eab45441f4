# task: decide
# loses: 2
# why: Mends although another feature has moved a little.


def decide(report):
    """What to do: "mend", "wait", "keep", "try" or "retrain"."""
    counted = [one["psi"] for one in report["drift"].values() if one["psi"] is not None and one["by_chance"] < 0.125]
    moved = [value for value in counted if value >= 0.125]
    if len(counted) >= 2 and sum(value >= 0.25 for value in counted) == 1:
        return "mend"
    error, trial = report["error"], report["trial"]
    if error is None or error["n"] < 1000:
        return "wait" if moved else "keep"
    explains_less = error["ratio"] is not None and error["ratio"] >= 1.125 * error["baseline"]
    one_sided = error["bias"] is not None and abs(error["bias"]) >= 2
    if not explains_less and not one_sided:
        return "keep"
    if trial is None:
        return "try"
    return "retrain" if trial["champion"] - trial["fresh"] >= 0.25 else "keep"
