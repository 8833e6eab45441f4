# task: assess
# loses: 2
# why: The level of the best corner: any level whose practices are all there.


def assess(needs, found):
    """The level reached, its number, what the next one lacks, and the levels that were bought too early."""
    lacking = {level: [one for one in practices if not found.get(one)] for level, practices in needs.items()}
    levels = list(needs)
    number = 0
    for position, level in enumerate(levels):
        if not lacking[level]:
            number = position
    above = levels[number + 1 :]
    return {
        "level": levels[number],
        "number": number,
        "missing": lacking[above[0]] if above else [],
        "ahead": [level for level in above if not lacking[level]],
    }
