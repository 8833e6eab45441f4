"""The house rules that a program can check: wings, style, the front page, and words that don't belong."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TOP_LEVEL = {
    *(".ci", ".github", ".gitattributes", ".gitignore", "Makefile", "README.md", "nbgrader_config.py"),
    *("course_lib", "deploy", "environment.yml", "modules", "pyproject.toml", "requirements.lock"),
    *("solutions", "tests"),
}


def tracked() -> list[Path]:
    """Every file that git tracks or would track, as it is in the working tree."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [path for name in done.stdout.splitlines() if (path := ROOT / name).is_file()]


def run(*command: str) -> subprocess.CompletedProcess:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")


def test_lint_holds():
    done = run(sys.executable, "-m", "ruff", "check", ".")
    assert done.returncode == 0, done.stdout


def test_format_holds():
    done = run(sys.executable, "-m", "ruff", "format", "--check", ".")
    assert done.returncode == 0, done.stdout


def test_wings_do_not_meet():
    done = run(str(Path(sys.executable).with_name("lint-imports")), "--no-cache")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 kept, 0 broken" in done.stdout


def test_help_answers_at_once_because_nothing_heavy_is_imported():
    """The budget is half a second; what costs that is imports, which don't vary with the machine."""
    heavy = ["pandas", "numpy", "sklearn", "mlflow", "matplotlib", "nbgrader", "papermill", "jupytext", "evidently"]
    code = (
        "import sys, course_lib.cli.console\n"
        "from course_lib.cli.app import tree\ntree()\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = run(sys.executable, "-c", code)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def name_of(command) -> str:
    return command.name or command.callback.__name__.replace("_", "-")


def test_every_command_has_help_of_its_own():
    from course_lib.cli.app import tree

    for command in tree().registered_commands:
        name = name_of(command)
        assert (command.help or command.callback.__doc__ or "").strip(), f"course {name} has no help"


def test_a_command_imports_its_own_wing_only_and_every_wing_says_what_it_adds():
    from course_lib.cli.app import WINGS, tree, tree_for

    for wing, commands in WINGS.items():
        alone = tree([wing])
        names = [name_of(command) for command in alone.registered_commands]
        assert (*names, *(group.name for group in alone.registered_groups)) == commands
        assert len(tree_for([commands[0], "--help"]).registered_commands) == len(alone.registered_commands)
    everything = len(tree().registered_commands)
    assert all(len(tree_for(words).registered_commands) == everything for words in ([], ["--help"], ["biuld"]))
    code = (
        "import sys\nsys.argv = ['course', 'grade', '--help']\nfrom course_lib.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    print([m for m in sys.modules if m.startswith('course_lib.cli.')])"
    )
    done = run(sys.executable, "-c", code)
    assert "course_lib.cli.grading" in done.stdout, done.stderr
    assert "course_lib.cli.workbook" not in done.stdout


def test_the_top_level_holds_only_what_it_should():
    top = {path.relative_to(ROOT).parts[0] for path in tracked()}
    assert top <= TOP_LEVEL, f"new at the top level: {sorted(top - TOP_LEVEL)}"


def test_no_file_holds_a_registry_or_a_path_of_somebody_s_machine():
    registries = r"https?://[\w.-]*(?:pypi\.org|pythonhosted\.org|npmjs\.|debian\.org|anaconda\.(?:org|com))"
    machine = r"(?<![\w./:}-])/(?:home|root|Users|work|farm)/[\w.-]{2,}"
    for path in tracked():
        if path.suffix in {".png", ".parquet", ".gz"} or path == Path(__file__).resolve():
            continue
        text = path.read_text(encoding="utf-8")
        for pattern in (registries, machine):
            found = re.search(pattern, text)
            assert not found, f"{path.relative_to(ROOT)}: {found.group()}"
        if path.name == "requirements.lock":
            assert "://" not in text


def test_the_repository_stays_small():
    total = sum(path.stat().st_size for path in tracked())
    assert total < 30e6, f"{total / 1e6:.1f} MB"


@pytest.mark.parametrize("name", ["README.md", "Makefile", ".github/workflows/ci.yml", ".ci/run"])
def test_commands_that_people_are_told_to_type_exist(name):
    from course_lib.cli.app import tree

    app = tree()
    text = (ROOT / name).read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for target in re.findall(r"(?:^|[`\s])make ([a-z]+)\b", text, re.MULTILINE):
        assert target in targets, f"{name} says `make {target}`"
    commands = {name_of(command) for command in app.registered_commands}
    commands |= {group.name for group in app.registered_groups}
    for command in re.findall(r"(?:`|\$\(BIN\)/|bin/)course ([a-z]+)\b", text):
        assert command in commands, f"{name} says `course {command}`"


def test_bad_commands_exit_with_two_and_name_the_nearest():
    done = run(sys.executable, "-m", "course_lib", "biuld")
    assert done.returncode == 2
    assert "build" in done.stderr


def test_test_command_of_ci_is_the_readme_s():
    assert "make test" in (ROOT / "README.md").read_text(encoding="utf-8")
    last = (ROOT / ".ci/run").read_text(encoding="utf-8").strip().splitlines()[-1]
    assert last == "make test"
