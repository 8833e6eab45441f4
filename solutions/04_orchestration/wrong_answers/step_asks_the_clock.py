# task: run_step
# loses: 2
# why: Compares times instead of contents, as Make does.


def run_step(source, target, make):
    if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
        return "unchanged"
    part = target.with_name(target.name + ".part")
    try:
        with part.open("w", encoding="utf-8") as file:
            file.writelines(make(source.read_text(encoding="utf-8")))
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    return "made"
