# task: canary
# loses: 2
# why: Draws anew at each request.

import random


def canary(rider, share, salt):
    if not (0 <= share <= 1):
        raise ValueError(share)
    if rider is None or rider == "":
        return "champion"
    place = random.random()
    return "challenger" if place < share else "champion"
