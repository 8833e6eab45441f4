# task: canary
# loses: 1
# why: Encodes the text in Latin-1.


def canary(rider, share, salt):
    if not (0 <= share <= 1):
        raise ValueError(share)
    if rider is None or rider == "":
        return "champion"
    place = int(hashlib.sha256(f"{salt}:{rider}".encode("latin-1", "ignore")).hexdigest()[:8], 16) / 2**32
    return "challenger" if place < share else "champion"
