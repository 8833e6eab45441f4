# task: run_step
# loses: 1
# why: Notes the source before the target is there: after a failure, the old target counts as new.


def run_step(source, target, make):
    text = source.read_text(encoding="utf-8")
    content = hashlib.sha256(text.encode()).hexdigest()
    note = target.with_name(target.name + ".made-from")
    if target.exists() and note.exists() and note.read_text(encoding="utf-8") == content:
        return "unchanged"
    note.write_text(content, encoding="utf-8")
    part = target.with_name(target.name + ".part")
    try:
        with part.open("w", encoding="utf-8") as file:
            file.writelines(make(text))
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    return "made"
