# task: decide
# loses: 1
# why: Asks for labels before it asks whether the source is broken.


def decide(report):
    counted = [one["psi"] for one in report["drift"].values() if one["psi"] is not None and one["by_chance"] < 0.125]
    moved = [value for value in counted if value >= 0.125]
    error, trial = report["error"], report["trial"]
    if error is None or error["n"] < 1000:
        return "wait" if moved else "keep"
    if len(counted) >= 2 and len(moved) == 1 and moved[0] >= 0.25:
        return "mend"
    worse = (error["ratio"] or 0) >= 1.125 * error["baseline"] or abs(error["bias"] or 0) >= 2
    if not worse:
        return "keep"
    if trial is None:
        return "try"
    return "retrain" if trial["champion"] - trial["fresh"] >= 0.25 else "keep"
