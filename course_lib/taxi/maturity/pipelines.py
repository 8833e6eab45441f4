"""Steps that know what they need: by the traces of their runs, or by their definition."""

from __future__ import annotations

import re

from course_lib.taxi.maturity import code
from course_lib.taxi.maturity.findings import Evidence
from course_lib.taxi.maturity.scan import Project
from course_lib.taxi.maturity.wording import count

_FLOWS = {  # library: what its pipelines are marked with
    "airflow": {"DAG", "dag"},
    "prefect": {"flow"},
    "dagster": {"asset", "op", "job"},
    "metaflow": {"step", "FlowSpec"},
    "kfp": {"pipeline", "component"},
    "zenml": {"pipeline", "step"},
    "luigi": {"Task", "requires"},
    "kedro": {"node", "pipeline"},
    "dask": {"delayed", "Delayed"},
    "hamilton": {"Driver", "driver"},
}


def pipeline(project: Project) -> Evidence:
    """Steps that know what they need: manifests of runs, or a definition in one of the usual forms."""
    looks = (_manifests, _flow_code, _dvc, _snakemake, _makefile)
    return next((Evidence(found) for look in looks if (found := look(project))), None) or Evidence(
        missing="no pipeline: neither manifests of its steps, nor a definition for Dask, Airflow, Prefect, Dagster, "
        "DVC, Snakemake or Make in which one step needs another"
    )


def _manifests(project: Project) -> str:
    """Two steps at least that wrote down what they read and wrote, with hashes."""
    found: dict[str, str] = {}
    for file in project.ending(".json"):
        if file.size > 200_000 or '"step"' not in (text := project.text(file)) or '"outputs"' not in text:
            continue
        one = project.json(file)
        if (
            isinstance(one, dict)
            and isinstance(one.get("step"), str)
            and one.get("outputs")
            and ("inputs" in one or "key" in one)
        ):
            found.setdefault(one["step"], file.name)
    if len(found) < 2:
        return ""
    return f"{next(iter(found.values()))} and the manifests of {len(found)} steps: {', '.join(found)}"


def _flow_code(project: Project) -> str:
    for file in project.modules:
        text = project.text(file)
        if not code.mentions(text, _FLOWS):
            continue
        tree = project.tree(file)
        for library in sorted(code.imports(tree) & _FLOWS.keys()):
            marks = [name for name in code.marks(tree) if name.rpartition(".")[2] in _FLOWS[library]]
            if marks:
                return f"{file.name}: {library}, `{marks[0]}`"
    return ""


def _dvc(project: Project) -> str:
    for file in project.named("dvc.yaml"):
        content = project.yaml(file)
        stages = content.get("stages") if isinstance(content, dict) else None
        stages = [one for one in stages.values() if isinstance(one, dict)] if isinstance(stages, dict) else []
        made = {str(out) for one in stages for out in one.get("outs") or []}
        if any(str(need) in made for one in stages for need in one.get("deps") or []):
            return f"{file.name}: {count(len(stages), 'stage')} that build on each other"
    return ""


def _snakemake(project: Project) -> str:
    for file in project.named("Snakefile", "*.smk"):
        rules = re.findall(r"(?m)^(?:rule|checkpoint)\s+\w+", project.text(file))
        if len(rules) >= 2 and "input:" in project.text(file) and "output:" in project.text(file):
            return f"{file.name}: {count(len(rules), 'rule')}"
    return ""


def _makefile(project: Project) -> str:
    """A file that is made by one rule, with Python, and needed by another."""
    for file in project.named("Makefile", "*.mk", "GNUmakefile"):
        rules = re.findall(r"(?m)^([^\s:#=][^:=\n]*):(?!=)([^\n]*)\n((?:\t[^\n]*\n?)+)", project.text(file))
        made = {
            target
            for targets, _, recipe in rules
            if "py" in recipe.lower()
            for target in targets.split()
            if "." in target
        }
        chained = [
            target for _, needs, recipe in rules for target in needs.split() if target in made and recipe.strip()
        ]
        if chained:
            return f"{file.name}: {count(len(rules), 'rule')}, {chained[0]} is made and needed"
    return ""
