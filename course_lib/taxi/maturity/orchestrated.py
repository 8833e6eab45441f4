"""Orchestrated, first half: what may come in, and how the model gets to those who ask it."""

from __future__ import annotations

import ast
import re

from course_lib.taxi.maturity import code
from course_lib.taxi.maturity.findings import Evidence
from course_lib.taxi.maturity.scan import File, Project
from course_lib.taxi.maturity.wording import count


def data_contract(project: Project) -> Evidence:
    """A schema of what may come in, and code that holds data against it."""
    defined = ""
    for file in project.modules:
        text = project.text(file)
        if "course_lib" in text and (call := _borrowed(project, file)):
            return Evidence(f"{file.name}: {call}, the course's contract of the twenty columns")
        if not any(word in text for word in ("pandera", "pydantic", "great_expectations", "jsonschema", "dataframely")):
            continue
        tree = project.tree(file)
        if name := _schema(tree):
            defined = defined or f"{file.name}: {name}"
    suites = [file.name for file in project.ending(".json") if _is_suite(project, file)]
    if not defined and not suites:
        return Evidence(missing="no schema (pandera, pydantic, Great Expectations) says what data may come in")
    if suites:
        return Evidence(f"{suites[0]}: a suite of expectations")
    if not any(_validates(project, file) for file in [*project.modules, *project.notebooks]):
        return Evidence(missing=f"{defined} is defined, but nothing is validated with it")
    return Evidence(f"{defined}, and data is validated with it")


def _borrowed(project: Project, file: File) -> str:
    """The call that holds trips against the course's own contract; empty for none."""
    tree = project.tree(file)
    known = {"quarantine.split", "contract.check"}
    if "course_lib" not in code.imports(tree):
        return ""
    return next((f"{name}()" for call in code.calls(tree) if (name := code.dotted(call.func)) in known), "")


def _schema(tree: ast.Module | None) -> str:
    """The name of a schema with at least one column or field; empty for none."""
    for one in code.classes(tree):
        bases = {code.last_name(base) for base in one.bases}
        fields = [line for line in one.body if isinstance(line, ast.AnnAssign)]
        if bases & {"DataFrameModel", "SchemaModel", "BaseModel"} and fields:
            return f"{one.name} with {count(len(fields), 'field')}"
    for call in code.calls(tree):
        if code.last_name(call.func) == "DataFrameSchema" and (call.args or call.keywords):
            return "a DataFrameSchema"
    return ""


def _validates(project: Project, file: File) -> bool:
    if not re.search(r"validate|check_types|check_input|parse_obj", project.text(file)):
        return False
    tree = project.tree(file)
    names = {code.last_name(call.func) for call in code.calls(tree)} | {
        mark.rpartition(".")[2] for mark in code.marks(tree)
    }
    return bool(
        names
        & {
            "validate",
            "model_validate",
            "model_validate_json",
            "validate_python",
            "check_types",
            "check_input",
            "parse_obj",
            "validate_json",
        }
    )


def _is_suite(project: Project, file: File) -> bool:
    if file.size > 500_000 or ("expectation_type" not in (text := project.text(file)) and '"expect_' not in text):
        return False
    content = project.json(file)
    return isinstance(content, dict) and bool(content.get("expectations"))


def deployment(project: Project) -> Evidence:
    """Something that answers (or scores in batches), and a recipe that packs it up."""
    answers = next((f"{file.name}: {name}" for file in project.modules if (name := _answers(project, file))), "")
    packed = next((name for file in project.files if (name := _packs(project, file))), "")
    if answers and packed:
        return Evidence(f"{answers}; {packed}")
    if packed:
        return Evidence(missing=f"{packed}, but no code here answers requests or scores a batch")
    if answers:
        return Evidence(missing=f"{answers} is there, but nothing packs it up (no Dockerfile, no Procfile, no unit)")
    return Evidence(missing="no service and no batch job that gives predictions")


def _answers(project: Project, file: File) -> str:
    """A route whose address is about predictions, or a function that scores a batch and writes it."""
    text = project.text(file)
    if not re.search(r"predict|score|invocations", text):
        return ""
    tree = project.tree(file)
    decorators = [mark for one in code.functions(tree) for mark in one.decorator_list if isinstance(mark, ast.Call)]
    for call in [*decorators, *code.calls(tree)]:
        if code.last_name(call.func) in ("route", "post", "get", "add_url_rule", "Route", "api_route", "add_api_route"):
            for argument in call.args[:1]:
                if isinstance(argument, ast.Constant) and re.match(
                    r"/.*(?:predict|score|invocations|estimate)", str(argument.value)
                ):
                    return f"it answers {argument.value}"
    for one in code.functions(tree):
        if re.match(r"(?:score|predict)_(?:batch|month|day|file|all)|batch_(?:score|predict)", one.name):
            return f"the batch job {one.name}()"
    return ""


def _packs(project: Project, file: File) -> str:
    base = file.base.lower()
    if base.startswith(("dockerfile", "containerfile")) or base.endswith(".dockerfile"):
        text = project.text(file)
        if re.search(r"(?im)^\s*FROM\s+\S", text) and re.search(r"(?im)^\s*(?:CMD|ENTRYPOINT)\s", text):
            return f"{file.name} packs it up"
    if base in ("procfile", "mlproject", "app.yaml", "fly.toml", "render.yaml", "serverless.yml", "bentofile.yaml"):
        return f"{file.name} packs it up" if re.search(r"(?m)^\s*[\w-]+\s*[:=]", project.text(file)) else ""
    if file.suffix == ".service" and "ExecStart" in project.text(file):
        return f"{file.name} starts it"
    if file.suffix in (".yml", ".yaml") and re.search(
        r"(?m)^kind:\s*(?:Deployment|CronJob|InferenceService)\b", project.text(file)
    ):
        return f"{file.name} deploys it"
    return ""
