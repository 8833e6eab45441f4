"""Governed: who decided what, on which grounds, and who may object."""

from __future__ import annotations

import ast
import json
import re

from course_lib.taxi.maturity import code, records
from course_lib.taxi.maturity.findings import Evidence
from course_lib.taxi.maturity.scan import File, Project
from course_lib.taxi.maturity.wording import count

_MOVES = ("set_registered_model_alias", "set_alias", "transition_model_version_stage")
_TOPICS = {
    "what it is for": r"intended use|intended for|used? for|purpose|is for",
    "its data": r"training data|trained on|data ?set|\bdata\b",
    "how good it is": r"\brmse\b|\bmae\b|accuracy|\bauc\b|\bf1\b|\berror\b|precision",
    "for whom it is worse": r"slice|borough|subgroup|fairness|by group|per group|factors",
    "its limits": r"limit|not (?:be )?(?:used|for)|caveat|out of scope|does not know",
    "who answers for it": r"owner|contact|maintain|responsible|approved",
    "which version": r"version|commit|hash|lineage|run id",
}


def promotion_gate(project: Project) -> Evidence:
    """Decisions of a gate on record, or code in which a comparison stands before the move of an alias."""
    for store in records.of(project):
        decided = [version for version in store.versions if any(key.split(".")[0] == "gate" for key in version.tags)]
        if decided:
            last = decided[-1]
            return Evidence(
                f"{store.where}: {last.name} version {last.number} was {last.tags.get('gate', 'judged')} by a gate"
            )
    unguarded = ""
    for file in project.modules:
        text = project.text(file)
        if not any(move in text for move in (*_MOVES, "promote(")):
            continue
        tree = project.tree(file)
        for function in code.functions(tree):
            names = [code.last_name(call.func) for call in code.calls(function)]
            if "promote" in names and "course_lib" in code.imports(tree):
                return Evidence(f"{file.name}: {function.name}() asks tracking.promote")
            if set(names) & set(_MOVES):
                if _compares(function):
                    return Evidence(f"{file.name}: {function.name}() compares before it moves an alias")
                unguarded = f"{file.name}: {function.name}() moves an alias without comparing anything"
    return Evidence(missing=unguarded or "no rule says when a model may replace another")


def _compares(function: code.Function) -> bool:
    """Whether a comparison of sizes decides about the move."""
    sizes = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
    tests = [node.test for node in ast.walk(function) if isinstance(node, (ast.If, ast.IfExp))]
    return any(
        isinstance(part, ast.Compare) and isinstance(part.ops[0], sizes) for test in tests for part in ast.walk(test)
    )


def model_card(project: Project) -> Evidence:
    """A card that says what the model is for, from what, how good, where not: in words and with numbers."""
    cards = [
        file
        for file in project.ending(".md", ".html", ".json", ".rst", ".txt", ".yml", ".yaml")
        if re.search(r"(?i)(?:model[-_ ]?card|(?:^|/)card)\b[^/]*$", file.name)
    ]
    if not cards:
        return Evidence(missing="no model card: nothing says what the model is for, and what it is not for")
    problem = ""
    for file in cards:
        text = words_of(project.text(file))
        lacks = [topic for topic, words in _TOPICS.items() if not re.search(words, text, re.IGNORECASE)]
        if len(text.split()) < 80:
            problem = problem or f"{file.name} has {count(len(text.split()), 'word')}: too few for a card"
        elif not re.search(r"\d+\.\d+", text):
            problem = problem or f"{file.name} holds no measured number"
        elif len(lacks) > 2:
            problem = problem or f"{file.name} does not say: {', '.join(lacks)}"
        else:
            return Evidence(f"{file.name}: {count(len(_TOPICS) - len(lacks), 'topic')} of {len(_TOPICS)}, with numbers")
    return Evidence(missing=problem)


def words_of(text: str) -> str:
    """A page's text without what only its look needs."""
    return re.sub(r"<[^>]*>", " ", re.sub(r"(?is)<(style|script|svg)\b.*?</\1>", " ", text))


def audit_log(project: Project) -> Evidence:
    """Entries that each carry the hash of the one before, so that a change shows; and none does."""
    problem = ""
    for file in project.ending(".jsonl", ".ndjson"):
        if not re.search(r"(?i)audit|decision|journal|ledger", file.name):
            continue
        entries, broken = read_chain(project, file)
        if broken:
            problem = f"{file.name}: {broken}"
        elif entries:
            return Evidence(f"{file.name}: an unbroken chain, entries: {entries}")
        else:
            problem = problem or f"{file.name} is empty"
    return Evidence(missing=problem or "no log that shows who promoted what, and whether somebody changed it later")


def read_chain(project: Project, file: File) -> tuple[int, str]:
    """How many entries a hash chain has, and what is wrong with it (empty for nothing)."""
    before = None
    number = 0
    for line in project.text(file).splitlines():
        if not line.strip():
            continue
        number += 1
        try:
            entry = json.loads(line)
        except ValueError:
            return number, f"entry {number} is no JSON"
        own = (
            next((entry[key] for key in ("hash", "sha256", "digest") if key in entry), None)
            if isinstance(entry, dict)
            else None
        )
        link = (
            next((entry[key] for key in ("previous", "prev", "previous_hash", "prev_hash") if key in entry), None)
            if own
            else None
        )
        if own is None or (link is None and number > 1):
            return number, f"entry {number} holds no hash of the entry before it: a change would not show"
        if number > 1 and link != before:
            return number, f"entry {number} doesn't fit the one before: something was changed or taken out"
        before = own
    return number, _recomputed(file) if number else ""


def _recomputed(file: File) -> str:
    """For logs in the course's own form, every hash is computed again."""
    from course_lib.errors import CourseError

    try:
        from course_lib.taxi.governance.audit import AuditLog

        check = AuditLog(file.path).verify()
    except (ImportError, CourseError, OSError, ValueError, KeyError, TypeError):
        return ""  # a log of another form
    return "" if check.ok else str(check.reason)


def review_rule(project: Project) -> Evidence:
    """Somebody other than the author must agree: owners of the code, or a protected branch."""
    for file in project.named("CODEOWNERS"):
        if file.name in (
            "CODEOWNERS",
            ".github/CODEOWNERS",
            "docs/CODEOWNERS",
            ".gitlab/CODEOWNERS",
            ".gitea/CODEOWNERS",
        ):
            rules = [line for line in project.text(file).splitlines() if re.match(r"^\s*[^#\s]\S*\s+.*[@]\S+", line)]
            if rules:
                return Evidence(f"{file.name}: {count(len(rules), 'rule')}, such as {rules[0].split()[0]}")
            return Evidence(missing=f"{file.name} names no owner")
    for file in project.named(".github/settings.yml", ".github/*ruleset*.json", ".github/rulesets/*.json"):
        if re.search(r"required_approving_review_count\D{1,4}[1-9]", project.text(file)):
            return Evidence(f"{file.name}: an approving review is required")
    return Evidence(
        missing="no rule says who must look at a change before it counts (no CODEOWNERS, no protected branch)"
    )
