# task: run_step
# loses: 3
# why: Takes a target that is there for one that is done.


def run_step(source, target, make):
    if target.exists():
        return "unchanged"
    part = target.with_name(target.name + ".part")
    try:
        with part.open("w", encoding="utf-8") as file:
            file.writelines(make(source.read_text(encoding="utf-8")))
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    return "made"
