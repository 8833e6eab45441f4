# task: canary
# loses: 2
# why: Hashes the rider alone: the same riders are tried on every time.

import hashlib


def canary(rider, share, salt):
    if not (0 <= share <= 1):
        raise ValueError(share)
    if rider is None or rider == "":
        return "champion"
    place = int(hashlib.sha256(rider.encode()).hexdigest()[:8], 16) / 16**8
    return "challenger" if place < share else "champion"
