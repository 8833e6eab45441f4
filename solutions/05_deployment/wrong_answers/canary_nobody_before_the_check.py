# task: canary
# loses: 1
# why: Looks at the rider before it looks at the share.

import hashlib


def canary(rider, share, salt):
    if not rider:
        return "champion"
    if not (0 <= share <= 1):
        raise ValueError(share)
    place = int(hashlib.sha256(f"{salt}:{rider}".encode()).hexdigest()[:8], 16) / 16**8
    return "challenger" if place < share else "champion"
