# task: add_entry
# loses: 1
# why: splitlines also cuts at characters such as U+2028 inside an entry.

KEYS = {"number", "at", "by", "action", "subject", "before", "hash"}


def first_bad(path, head=None):
    """None if the log is sound, else the number of the first wrong line."""
    path = Path(path)

    lines = path.read_bytes().decode("utf-8", "replace").splitlines(keepends=True) if path.exists() else []
    before, hashes = "0" * 64, []
    for number, line in enumerate(lines, start=1):
        if not line.endswith("\n"):
            return number
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            return number
        if not isinstance(entry, dict):
            return number
        if not KEYS <= set(entry):
            return number
        if entry["number"] != number or entry["before"] != before or entry["hash"] != entry_hash(entry):
            return number
        before = entry["hash"]
        hashes.append(before)
    if head is not None:
        count, wanted = head
        if count > len(hashes):
            return len(hashes) + 1
        if count > 0 and hashes[count - 1] != wanted:
            return count
    return None


def add_entry(path, action, subject, by, at):
    """Add one entry; return the new head, (count, hash)."""
    if first_bad(path) is not None:
        raise ValueError("the log isn't sound")
    path = Path(path)
    old = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    before = json.loads(old[-1])["hash"] if old else "0" * 64
    entry = {"number": len(old) + 1, "at": at, "by": by, "action": action, "subject": subject, "before": before}
    entry["hash"] = entry_hash(entry)
    with open(path, "ab") as file:
        file.write((json.dumps(entry) + "\n").encode("utf-8"))
    return entry["number"], entry["hash"]
