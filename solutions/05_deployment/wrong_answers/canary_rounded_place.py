# task: canary
# loses: 2
# why: Rounds the place to hundredths.


def canary(rider, share, salt):
    if not (0 <= share <= 1):
        raise ValueError(share)
    if rider is None or rider == "":
        return "champion"
    place = int(hashlib.sha256(f"{salt}:{rider}".encode("utf-8")).hexdigest()[:8], 16) / 2**32
    return "challenger" if round(place, 2) < share else "champion"
