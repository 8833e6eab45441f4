# task: run_step
# loses: 1
# why: The old note stays until after the move, so a run that ends in between leaves a note that lies.


def run_step(source, target, make):
    text = source.read_text(encoding="utf-8")
    content = hashlib.sha256(text.encode()).hexdigest()
    note = target.with_name(target.name + ".made-from")
    if target.exists() and note.exists() and note.read_text(encoding="utf-8") == content:
        return "unchanged"
    part = target.with_name(target.name + ".part")
    try:
        with part.open("w", encoding="utf-8") as file:
            file.writelines(make(text))
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    note.write_text(content, encoding="utf-8")  # last: a note without its target would be a lie
    return "made"
