# task: assess
# loses: 2
# why: Counts the levels that are complete, wherever they stand.


def assess(needs, found):
    """The level reached, its number, what the next one lacks, and the levels that were bought too early."""
    lacking = {level: [one for one in practices if not found.get(one)] for level, practices in needs.items()}
    levels = list(needs)
    number = 0
    number = sum(not practices for practices in lacking.values()) - 1
    above = levels[number + 1 :]
    return {
        "level": levels[number],
        "number": number,
        "missing": lacking[above[0]] if above else [],
        "ahead": [level for level in above if not lacking[level]],
    }
