"""Orchestrated, second half: somebody looks at the model in use, and trains it again when it is time."""

from __future__ import annotations

import ast
import re

from course_lib.taxi.maturity import automated, code
from course_lib.taxi.maturity.findings import Evidence
from course_lib.taxi.maturity.scan import Project
from course_lib.taxi.maturity.wording import count

_RETRAINS = re.compile(
    r"(?i)retrain|\btrain|backfill|pipeline|dvc repro|snakemake|prefect deployment run|airflow dags trigger"
)
_SCHEDULES = re.compile(r"(?i)\bcron\b|\bschedule(?:_interval|d)?\b|OnCalendar|@daily|@weekly|@monthly")


def monitoring(project: Project) -> Evidence:
    """Rules that raise an alert, or reports about the data and errors of a model in use."""
    for look in (_alert_rules, _rules_in_code, _reports):
        if found := look(project):
            return Evidence(found)
    return Evidence(missing="nobody watches the model in use: no alert rule, no report about drift or error")


def _alert_rules(project: Project) -> str:
    for file in project.ending(".yml", ".yaml"):
        text = project.text(file)
        if re.search(r"(?m)^\s*-?\s*alert:\s*\S", text) and re.search(r"(?m)^\s*-?\s*expr:\s*\S", text):
            rules = re.findall(r"(?m)^\s*-?\s*alert:", text)
            return f"{file.name}: {count(len(rules), 'alert rule')}"
    return ""


def _rules_in_code(project: Project) -> str:
    """Alert rules as objects: something called a rule or an alert, made with a threshold."""
    for file in project.modules:
        if not re.search(r"Rule|Alert", project.text(file)):
            continue
        rules = [
            call
            for call in code.calls(project.tree(file))
            if re.search(r"(?:Rule|Alert)$", code.last_name(call.func))
            and {key.arg for key in call.keywords} & {"raise_at", "threshold", "limit", "above", "max_value", "upper"}
        ]
        if rules:
            return f"{file.name}: {count(len(rules), 'alert rule')} with a threshold"
    return ""


def _reports(project: Project) -> str:
    words = re.compile(r"(?i)evidently|\bdrift\b|\bpsi\b")
    for file in project.ending(".html", ".json"):
        about = re.search(r"(?i)monitor|drift|evidently|report", file.name)
        if not about or file.size < 500:
            continue
        with_numbers = re.search(r"\d\.\d", head := project.text(file)[:400_000])
        if with_numbers and words.search(head) and re.search(r"(?i)rmse|mae|drift|error", head):
            return f"{file.name}: a report of {file.size / 1000:,.0f} KB"
    return ""


def retraining(project: Project) -> Evidence:
    """A clock or an alert that trains anew: a scheduled job, or code that retrains under a condition."""
    for file in project.named(
        ".github/workflows/*.yml", ".github/workflows/*.yaml", ".gitlab-ci.yml", "*cron*", "*.timer", "*schedule*.y*ml"
    ):
        text = project.text(file)
        ran = "\n".join(automated.commands(project, file)) or text
        if _SCHEDULES.search(text) and (match := _RETRAINS.search(ran)):
            return Evidence(f"{file.name}: on a schedule it runs `{match[0]}`")
    for file in project.modules:
        text = project.text(file)
        tree = project.tree(file) if re.search(r"retrain|schedule|cron", text) else None
        if found := _conditional_retraining(tree) or _scheduled_flow(tree):
            return Evidence(f"{file.name}: {found}")
    return Evidence(missing="nothing trains the model again by itself: no schedule, and no alert that leads to it")


def _conditional_retraining(tree: ast.Module | None) -> str:
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.If):
            for call in (call for line in node.body for call in code.calls(line)):
                if "retrain" in code.last_name(call.func):
                    return f"{code.last_name(call.func)}() when {ast.unparse(node.test)[:60]}"
    return ""


def _scheduled_flow(tree: ast.Module | None) -> str:
    for call in code.calls(tree):
        for key in call.keywords:
            if key.arg in ("schedule", "schedule_interval", "cron", "cron_schedule") and not (
                isinstance(key.value, ast.Constant) and key.value.value is None
            ):
                return f"{code.last_name(call.func)}({key.arg}={ast.unparse(key.value)[:40]})"
    return ""
