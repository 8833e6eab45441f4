# task: run_step
# loses: 1
# why: Collects the lines first, but still writes into the file that others have open.


def run_step(source, target, make):
    text = source.read_text(encoding="utf-8")
    content = hashlib.sha256(text.encode()).hexdigest()
    note = target.with_name(target.name + ".made-from")
    if target.exists() and note.exists() and note.read_text(encoding="utf-8") == content:
        return "unchanged"
    lines = list(make(text))
    target.write_text("".join(lines), encoding="utf-8")
    note.write_text(content, encoding="utf-8")
    return "made"
