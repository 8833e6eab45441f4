"""Ad hoc and managed: there is code, and somebody else could take it over and get the same."""

from __future__ import annotations

import re

from course_lib.taxi.maturity import locks, repository
from course_lib.taxi.maturity.findings import Evidence
from course_lib.taxi.maturity.repository import NoRepository, Repository
from course_lib.taxi.maturity.scan import File, Project
from course_lib.taxi.maturity.wording import count, more

_CODE = (".py", ".ipynb", ".r", ".rmd", ".qmd", ".jl", ".scala", ".sql", ".sh")
_DATA = {".csv", ".tsv", ".parquet", ".feather", ".arrow", ".xlsx", ".xls", ".h5", ".hdf5", ".npy", ".npz", ".zip"}
_STATE = {".pkl", ".pickle", ".joblib", ".onnx", ".pt", ".db", ".sqlite", ".sqlite3"}
MOST_DATA = 1_000_000  # bytes in all: samples and fixtures may lie in Git, a data set may not

# Keys whose form says what they are, wherever they stand.
_KEYS = re.compile(
    r"\b(?:AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36,}|glpat-[\w-]{20,}|xox[abp]-[\w-]{10,}|sk-[A-Za-z0-9]{32,}"
    r"|AIza[\w-]{35})\b|-----BEGIN (?:RSA |EC |OPENSSH |DSA )?PRIVATE KEY-----\s+[A-Za-z0-9+/=]{20}"
)
_WORDS = ("password", "passwd", "secret", "token", "apikey", "api_key", "accesskey", "access_key")
_SECRET_NAME = r"[\w.-]*(?:password|passwd|secret|token|api_?key|access_?key)[\w]*"
_ASSIGNED = re.compile(rf"(?i)\b({_SECRET_NAME})[\"']?\s*[:=]\s*(?:\\?[\"'])([^\"'\\\s]{{8,}})\\?[\"']")
_IN_FILE = re.compile(rf"(?im)^\s*(?:export\s+)?({_SECRET_NAME})\s*=\s*([^\s\"'#]{{8,}})\s*$")
_IN_ADDRESS = re.compile(r"\b\w+(?:\+\w+)?://[\w.-]+:([^\s:@/{}<>$\"']{8,})@[\w.-]+")
_NO_SECRET = re.compile(
    r"(?i)example|change|your|dummy|placeholder|redacted|secret|password|hunter|xxx|\*\*\*|\.\.\.|[<>{}$()\[\]]|test|fake"
)
_COMMAND = re.compile(
    r"^\s*(?:[$>]\s*)?(?:make|just|python3?|py|pip3?|uv|uvx|poetry|pdm|conda|mamba|pixi|docker|podman|pytest|jupyter|"
    r"dvc|snakemake|prefect|dagster|airflow|mlflow|npm|bash|sh|course|tox|nox|\./[\w./-]+)\s+[\w./-]+"
)


def code(project: Project) -> Evidence:
    """Something that computes: a module, a script, a notebook with code."""
    found = [file for file in project.ending(*_CODE) if _has_code(project, file)]
    if not found:
        return Evidence(missing="no module, script or notebook with code in it")
    books = sum(file.suffix == ".ipynb" for file in found)
    return Evidence(f"{count(len(found), 'file')} with code, {count(books, 'notebook')} among them: {found[0].name}")


def _has_code(project: Project, file: File) -> bool:
    if file.suffix == ".ipynb":
        return bool(project.notebook_code(file).strip())
    return any(line.strip() and not line.lstrip().startswith("#") for line in project.text(file).splitlines())


def repository_of(project: Project) -> Repository | str:
    """The repository that the project lies in, or why there is none; read afresh for each project."""
    known = project.__dict__
    if "repository" not in known:
        try:
            known["repository"] = repository.find(project.root)
        except NoRepository as error:
            known["repository"] = str(error)
    return known["repository"]


def version_control(project: Project) -> Evidence:
    """A commit, and the project's code in it."""
    found = repository_of(project)
    if isinstance(found, str):
        return Evidence(missing=found)
    if not found.tracked:
        return Evidence(missing=f"the repository in {found.root.name} tracks no file of this directory")
    loose = [file.name for file in project.files if _is_written(file) and file.name not in found.tracked]
    written = [file.name for file in project.files if _is_written(file)]
    if written and len(loose) * 2 > len(written):
        return Evidence(missing=f"most of the code is not tracked: {loose[0]} and {len(loose) - 1} more files")
    return Evidence(f".git: branch {found.branch} at {found.commit[:7]}, {count(len(found.tracked), 'tracked file')}")


def _is_written(file: File) -> bool:
    return file.suffix in (".py", ".r", ".jl", ".scala", ".sql") and not file.name.startswith(("build/", "dist/"))


def data_kept_out(project: Project) -> Evidence:
    """Rules for what Git ignores, and no data sets, models or databases that it tracks all the same."""
    found = repository_of(project)
    if isinstance(found, str):
        return Evidence(missing=f"{found}, so there is nothing that keeps data out of it")
    sizes = {file.name: file.size for file in project.files}
    endings = {name: "." + name.rpartition(".")[2].lower() for name in found.tracked}
    state = sorted(name for name, ending in endings.items() if ending in _STATE or name.startswith("mlruns/"))
    data = sorted((name for name, ending in endings.items() if ending in _DATA), key=lambda name: -sizes.get(name, 0))
    if state:
        return Evidence(missing=f"Git tracks what programs wrote: {state[0]}{more(state)}")
    total = sum(sizes.get(name, 0) for name in data)
    if total > MOST_DATA:
        return Evidence(missing=f"Git tracks {total / 1e6:.1f} MB of data: {data[0]}{more(data)}")
    rules = [
        line.strip()
        for file in project.named(".gitignore")
        for line in project.text(file).splitlines()
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if not rules:
        return Evidence(missing="there is no .gitignore with a rule: the next `git add .` takes everything in")
    return Evidence(f".gitignore: {count(len(rules), 'rule')}; no data set, model or database is tracked")


def no_secrets(project: Project) -> Evidence:
    """No key or password in a text that others get to see: what Git tracks, or all of it where there is no Git."""
    found = repository_of(project)
    tracked = None if isinstance(found, str) else found.tracked
    seen = [file for file in project.files if tracked is None or file.name in tracked]
    for file in seen:
        if hit := secret_in(project, file):
            return Evidence(missing=f"{file.name}: {hit}. Whoever can read the project has it: change it, then move it")
    return Evidence(f"no key or password found in {count(len(seen), 'file')}")


def secret_in(project: Project, file: File) -> str:
    """What looks like a secret in a file, said without repeating it; empty for none."""
    text = project.text(file)
    if _KEYS.search(text):
        return "holds an access key"
    if "test" in file.name.lower() or file.suffix in (".md", ".rst", ".html", ".lock", ".svg"):
        return ""  # made-up ones; real ones have a form of their own
    lower = text.lower()
    if not any(word in lower for word in (*_WORDS, "://")):
        return ""
    patterns = [_ASSIGNED, *([_IN_FILE] if file.base.startswith(".env") or file.suffix in (".ini", ".cfg") else [])]
    for pattern in patterns:
        for name, value in pattern.findall(text):
            if _is_random(value):
                return f"a value is written out for “{name}”"
    if any(_is_random(value) for value in _IN_ADDRESS.findall(text)):
        return "an address with a password in it"
    return ""


def _is_random(value: str) -> bool:
    """Whether it could be a real one: no word that stands for one, and of at least three kinds of characters."""
    kinds = [r"[a-z]", r"[A-Z]", r"\d", r"[^\w]"]
    return not _NO_SECRET.search(value) and sum(bool(re.search(kind, value)) for kind in kinds) >= 3


def locked_environment(project: Project) -> Evidence:
    """A file that says which version of every package is installed, and knows what the code imports."""
    return locks.look(project)


def how_to_run(project: Project) -> Evidence:
    """A README that says what this is, and with which command it runs."""
    readmes = [
        file for file in project.named("readme*") if "/" not in file.name and file.suffix in ("", ".md", ".rst", ".txt")
    ]
    if not readmes:
        return Evidence(missing="there is no README in the directory")
    file = readmes[0]
    text = project.text(file)
    if len(text.split()) < 30:
        return Evidence(missing=f"{file.name} has {count(len(text.split()), 'word')}: too few to say what this is")
    if not (commands := commands_in(text)):
        return Evidence(missing=f"{file.name} names no command that runs the project")
    return Evidence(f"{file.name}: {count(len(text.split()), 'word')}, and how to run it: `{commands[0]}`")


def commands_in(text: str) -> list[str]:
    """The shell commands in a README: lines of code blocks, and what stands between backticks."""
    lines, fenced = [], False
    for line in text.splitlines():
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        elif fenced or line.startswith(("    ", "\t")):
            lines.append(line)
    lines += re.findall(r"`([^`\n]+)`", text)
    return [re.sub(r"\s+#.*", "", line).strip().lstrip("$> ") for line in lines if _COMMAND.match(line)]
