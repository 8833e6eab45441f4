# task: run_step
# loses: 1
# why: Leaves the half-written file behind when make fails.


def run_step(source, target, make):
    text = source.read_text(encoding="utf-8")
    content = hashlib.sha256(text.encode()).hexdigest()
    note = target.with_name(target.name + ".made-from")
    if target.exists() and note.exists() and note.read_text(encoding="utf-8") == content:
        return "unchanged"
    part = target.with_name(target.name + ".part")
    with part.open("w", encoding="utf-8") as file:
        file.writelines(make(text))
    note.unlink(missing_ok=True)
    os.replace(part, target)
    note.write_text(content, encoding="utf-8")
    return "made"
