# task: canary
# loses: 1
# why: Hashes lower-case letters.


def canary(rider, share, salt):
    if not (0 <= share <= 1):
        raise ValueError(share)
    if rider is None or rider == "":
        return "champion"
    place = int(hashlib.sha256(f"{salt}:{rider}".lower().encode("utf-8")).hexdigest()[:8], 16) / 2**32
    return "challenger" if place < share else "champion"
