# task: run_step
# loses: 2
# why: Deletes the old target before the new one is there.


def run_step(source, target, make):
    text = source.read_text(encoding="utf-8")
    content = hashlib.sha256(text.encode()).hexdigest()
    note = target.with_name(target.name + ".made-from")
    if target.exists() and note.exists() and note.read_text(encoding="utf-8") == content:
        return "unchanged"
    target.unlink(missing_ok=True)
    part = target.with_name(target.name + ".part")
    try:
        with part.open("w", encoding="utf-8") as file:
            file.writelines(make(text))
        note.unlink(missing_ok=True)
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    note.write_text(content, encoding="utf-8")
    return "made"
