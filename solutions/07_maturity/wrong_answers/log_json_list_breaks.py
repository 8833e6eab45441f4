# task: add_entry
# loses: 1
# why: Takes any JSON for an entry.


def first_bad(path, head=None):
    """None if the log is sound, else the number of the first wrong line."""
    path = Path(path)
    raw = path.read_bytes() if path.exists() else b""
    lines = raw.split(b"\n")
    unfinished = lines.pop()  # what stands after the last line feed: nothing, as a rule
    hashes = ["0" * 64]
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line.decode("utf-8"))
        except ValueError:
            return number
        if {"number", "at", "by", "action", "subject", "before", "hash"} - set(entry):
            return number
        if entry["number"] != number or entry["before"] != hashes[-1] or entry["hash"] != entry_hash(entry):
            return number
        hashes.append(entry["hash"])
    if unfinished:
        return len(lines) + 1
    if head is not None and head[0] > 0:
        if len(lines) < head[0]:
            return len(lines) + 1
        if hashes[head[0]] != head[1]:
            return head[0]
    return None


def add_entry(path, action, subject, by, at):
    """Add one entry; return the new head, (count, hash)."""
    path = Path(path)
    bad = first_bad(path)
    if bad is not None:
        raise ValueError(f"line {bad} of {path.name} is wrong; nothing is added to a log that isn't sound")
    lines = path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []
    before = json.loads(lines[-1])["hash"] if lines else "0" * 64
    entry = {"number": len(lines) + 1, "at": at, "by": by, "action": action, "subject": subject, "before": before}
    entry["hash"] = entry_hash(entry)
    with path.open("a", encoding="utf-8", newline="\n") as file:
        file.write(json.dumps(entry) + "\n")
    return entry["number"], entry["hash"]
