# task: canary
# loses: 1
# why: Reads 16 digits in place of 8.


def canary(rider, share, salt):
    if not (0 <= share <= 1):
        raise ValueError(share)
    if rider is None or rider == "":
        return "champion"
    place = int(hashlib.sha256(f"{salt}:{rider}".encode("utf-8")).hexdigest()[:16], 16) / 2**64
    return "challenger" if place < share else "champion"
