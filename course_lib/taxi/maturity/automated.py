"""Automated: machines check the code, and write down what every model was made from."""

from __future__ import annotations

import re
from collections.abc import Iterator

from course_lib.taxi.maturity import code, records
from course_lib.taxi.maturity.findings import Evidence
from course_lib.taxi.maturity.scan import File, Project
from course_lib.taxi.maturity.wording import count

_WORKFLOWS = (
    *(".github/workflows/*.yml", ".github/workflows/*.yaml", ".gitea/workflows/*.yml", ".forgejo/workflows/*.yml"),
    *(".gitlab-ci.yml", ".circleci/config.yml", ".travis.yml", "azure-pipelines.yml", "bitbucket-pipelines.yml"),
    *(".woodpecker.yml", ".woodpecker/*.yml", ".drone.yml", ".buildkite/*.yml", "appveyor.yml", ".cirrus.yml"),
)
_SCRIPTS = ("Jenkinsfile", ".ci/*", "ci/*", "ci.sh", "ci.py", "scripts/ci*", ".builds/*.yml")
_TESTS = re.compile(
    r"\b(?:pytest|unittest|tox|nox|nosetests|ctest|make [\w-]*(?:test|check|ci)\w*|just [\w-]*(?:test|check)\w*|"
    r"course test|hatch (?:run |)test|(?:poetry|pdm|uv|pixi) run [\w-]*test\w*|dvc repro)\b"
)


def code_in_modules(project: Project) -> Evidence:
    """Functions in modules that something else imports, and at least a third of all the code."""
    lines = {file.name: code.lines_of_code(project.text(file)) for file in project.modules}
    books = sum(code.lines_of_code(project.notebook_code(file)) for file in project.notebooks)
    if not lines:
        return Evidence(missing="all code is in notebooks or scripts of other kinds: nothing that could be imported")
    own = [file for file in project.modules if code.defined(project.text(file))]
    if not own:
        return Evidence(missing=f"{project.modules[0].name} and the other modules define no function")
    if (total := sum(lines.values())) * 2 < books:
        return Evidence(missing=f"{books:,} lines of code are in notebooks, only {total:,} in modules")
    used = _imported(project)
    imported = [file.name for file in own if _module_name(file) & used]
    if not imported:
        return Evidence(missing=f"nothing imports {own[0].name}: neither a test, nor a notebook, nor another module")
    functions = sum(code.defined(project.text(file)) for file in own)
    return Evidence(
        f"{imported[0]} and {count(len(own) - 1, 'more module')}: {count(functions, 'function')}, {total:,} lines"
    )


def _imported(project: Project) -> set[str]:
    """Every name that appears in an import anywhere in the project."""
    texts = [project.text(file) for file in project.ending(".py")]
    texts += [project.notebook_code(file) for file in project.notebooks]
    return {word for text in texts for word in code.imported_words(text)}


def _module_name(file: File) -> set[str]:
    stem = file.path.stem
    return {file.path.parent.name if stem == "__init__" else stem}


def own_packages(project: Project) -> set[str]:
    """The names that the project's own modules and packages can be imported by."""
    names = {part for file in project.modules for part in file.name.removesuffix(".py").split("/")}
    return names - {"src", "tests", "__init__", "lib"}


def tests(project: Project) -> Evidence:
    """Tests that could fail, of this project's own code."""
    found: dict[str, int] = {}
    empty: list[str] = []
    own = own_packages(project)
    foreign = ""
    for file in project.tests:
        tree = project.tree(file)
        sound, hollow = code.tests_of(tree)
        empty += [f"{file.name}: {name}" for name in hollow]
        if sound:
            if code.imported_words(project.text(file)) & (own | {"subprocess"}):
                found[file.name] = len(sound)
            else:
                foreign = file.name
    if found:
        others = f" and {count(len(found) - 1, 'more file')}" if len(found) > 1 else ""
        return Evidence(f"{next(iter(found))}{others}: {count(sum(found.values()), 'test')} with assertions")
    if empty:
        return Evidence(missing=f"{empty[0]} asserts nothing that could be false, nor does any other test")
    if foreign:
        return Evidence(missing=f"{foreign} imports nothing of this project: it tests something else")
    if project.tests:
        return Evidence(missing=f"{project.tests[0].name} holds no test")
    return Evidence(missing="there is no file test_….py")


def continuous_integration(project: Project) -> Evidence:
    """A workflow or a script for a build server that runs tests."""
    candidates = [*project.named(*_WORKFLOWS), *project.named(*_SCRIPTS)]
    candidates = [file for file in candidates if not file.name.startswith(("node_modules", "docs/"))]
    for file in candidates:
        for command in commands(project, file):
            if match := _TESTS.search(command):
                return Evidence(f"{file.name} runs `{match[0]}`")
    if candidates:
        return Evidence(missing=f"{candidates[0].name} runs no test")
    return Evidence(missing="no build server is told to run the tests: no workflow, no .gitlab-ci.yml, no CI script")


def commands(project: Project, file: File) -> list[str]:
    """What a workflow or script runs; empty for a file that is no such thing."""
    if file.suffix in (".yml", ".yaml"):
        return list(_runs(project.yaml(file)))
    lines = [line for line in project.text(file).splitlines() if not line.lstrip().startswith(("#", "//"))]
    return ["\n".join(lines)] if lines else []


def _runs(value: object, key: str = "") -> Iterator[str]:
    """The texts under ``run``, ``script``, ``command`` and the like, however deep."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _runs(inner, str(name))
    elif isinstance(value, list):
        for inner in value:
            yield from _runs(inner, key)
    elif isinstance(value, str) and key in (
        "run",
        "script",
        "command",
        "commands",
        "bash",
        "before_script",
        "pwsh",
        "steps",
    ):
        yield value


def tracked_runs(project: Project) -> Evidence:
    """Finished runs that say with which parameters, how well, and on which data."""
    stores = records.of(project)
    runs = [(store.where, run) for store in stores for run in store.runs]
    complete = [(where, run) for where, run in runs if run.complete]
    if complete:
        where, run = complete[-1]
        return Evidence(
            f"{where}: {count(len(complete), 'finished run')} with parameters, metrics and a hash of the data; "
            f"the last: {_facts(run)}"
        )
    if not runs:
        return Evidence(
            missing="no MLflow database or mlruns folder with a run (a server elsewhere can't be seen from here)"
        )
    where, run = runs[-1]
    lacks = [word for word, there in _parts(run).items() if not there]
    return Evidence(missing=f"{where}: {count(len(runs), 'run')}, but none complete; the last lacks {', '.join(lacks)}")


def _parts(run: records.Run) -> dict[str, bool]:
    return {
        "an end (it did not finish)": run.status == "FINISHED",
        "parameters": bool(run.params),
        "metrics": bool(run.metrics),
        "a hash of its data": bool(run.data),
    }


def _facts(run: records.Run) -> str:
    name = "rmse" if "rmse" in run.metrics else min(run.metrics)
    return f"{name} {run.metrics[name]:.4g} on data {run.data[0][:8]}"


def registered_models(project: Project) -> Evidence:
    """A registered version, and an alias that says which one is in use."""
    versions = [(store.where, version) for store in records.of(project) for version in store.versions]
    named = [(where, version) for where, version in versions if version.aliases]
    if named:
        where, version = named[-1]
        return Evidence(f"{where}: {version.name} version {version.number} is {' and '.join(version.aliases)}")
    if versions:
        where, version = versions[-1]
        return Evidence(missing=f"{where}: {version.name} has versions, but no alias says which one is in use")
    return Evidence(missing="no model is registered: nobody can say which version is in use")
