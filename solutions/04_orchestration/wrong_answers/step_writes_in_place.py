# task: run_step
# loses: 2
# why: Opens the target itself: a failure leaves half of it, and readers see it empty.


def run_step(source, target, make):
    text = source.read_text(encoding="utf-8")
    content = hashlib.sha256(text.encode()).hexdigest()
    note = target.with_name(target.name + ".made-from")
    if target.exists() and note.exists() and note.read_text(encoding="utf-8") == content:
        return "unchanged"
    with target.open("w", encoding="utf-8") as file:
        file.writelines(make(text))
    note.write_text(content, encoding="utf-8")
    return "made"
