# task: run_step
# loses: 2
# why: Remembers in a variable, which is gone tomorrow, and stays when the file beside the target is gone.

made_from = {}


def run_step(source, target, make):
    text = source.read_text(encoding="utf-8")
    if target.exists() and made_from.get(target) == text:
        return "unchanged"
    part = target.with_name(target.name + ".part")
    try:
        with part.open("w", encoding="utf-8") as file:
            file.writelines(make(text))
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    made_from[target] = text
    return "made"
