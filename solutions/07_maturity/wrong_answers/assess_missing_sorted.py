# task: assess
# loses: 1
# why: Sorts what is missing by name.


def assess(needs, found):
    """The level reached, its number, what the next one lacks, and the levels that were bought too early."""
    lacking = {level: [one for one in practices if not found.get(one)] for level, practices in needs.items()}
    levels = list(needs)
    number = 0
    while number + 1 < len(levels) and not lacking[levels[number + 1]]:
        number += 1
    above = levels[number + 1 :]
    return {
        "level": levels[number],
        "number": number,
        "missing": sorted(lacking[above[0]]) if above else [],
        "ahead": [level for level in above if not lacking[level]],
    }
