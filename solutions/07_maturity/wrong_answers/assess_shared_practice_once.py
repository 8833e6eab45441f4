# task: assess
# loses: 1
# why: A practice that two levels ask for is looked for in the lower one only.


def assess(needs, found):
    names = list(needs)
    seen, lacking = set(), {}
    for name in names:
        lacking[name] = [p for p in needs[name] if p not in seen and not found.get(p)]
        seen.update(needs[name])
    number = 0
    while number + 1 < len(names) and not lacking[names[number + 1]]:
        number += 1
    missing = lacking[names[number + 1]] if number + 1 < len(names) else []
    return {
        "level": names[number],
        "number": number,
        "missing": missing,
        "ahead": [n for n in names[number + 1 :] if not lacking[n]],
    }
