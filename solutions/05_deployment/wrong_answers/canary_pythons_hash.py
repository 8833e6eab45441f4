# task: canary
# loses: 2
# why: Python's hash of a text differs from process to process.


def canary(rider, share, salt):
    if not (0 <= share <= 1):
        raise ValueError(share)
    if rider is None or rider == "":
        return "champion"
    place = hash(f"{salt}:{rider}") % 10_000 / 10_000
    return "challenger" if place < share else "champion"
