# task: run_step
# loses: 1
# why: One note for the whole folder, so targets forget each other.


def run_step(source, target, make):
    text = source.read_text(encoding="utf-8")
    content = hashlib.sha256(text.encode()).hexdigest()
    note = target.with_name("made-from")
    if target.exists() and note.exists() and note.read_text(encoding="utf-8") == content:
        return "unchanged"
    part = target.with_name(target.name + ".part")
    try:
        with part.open("w", encoding="utf-8") as file:
            file.writelines(make(text))
        note.unlink(missing_ok=True)  # what it says is about to become wrong
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    note.write_text(content, encoding="utf-8")  # last: a note without its target would be a lie
    return "made"
