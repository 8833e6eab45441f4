# task: model_card
# loses: 1
# why: A commit is enough, whatever was changed since.


def model_card(facts):
    """The card as Markdown text, and the names of the sections that have no evidence."""
    tags = {key: value for key, value in (facts.get("tags") or {}).items() if value}
    metrics = {
        key: value for key, value in (facts.get("metrics") or {}).items() if value is not None and not np.isnan(value)
    }
    slices = facts.get("slices") or []
    limits = [text.strip() for text in facts.get("limits") or [] if text.strip()]
    use = (facts.get("use") or "").strip()
    train, valid, author = tags.get("data.train"), tags.get("data.valid"), tags.get("author")

    sections = {
        "Use": [use] if use else [],
        "Data": [f"- trained on {train[:8]}", f"- scored on {valid[:8]}"] if train and valid and train != valid else [],
        "Metrics": [f"- {name}: {metrics[name]:.2f} minutes" for name in ("rmse", "mae", "bias") if name in metrics]
        + ([f"- within_5: {100 * metrics['within_5']:.0f} %"] if "within_5" in metrics else []),
        "Slices": [],
        "Limits": [f"- {text}" for text in limits],
        "Lineage": [],
        "Approval": [],
    }
    if any(one["n"] >= 100 for one in slices):
        for one in slices:
            numbers = f"{one['rmse']:.2f} minutes ({one['low']:.2f} to {one['high']:.2f}), {one['n']} rides"
            sections["Slices"].append(
                f"- {one['slice']}: " + (numbers if one["n"] >= 100 else f"too few rides ({one['n']})")
            )
    if tags.get("code.commit") and tags.get("environment"):
        sections["Lineage"] = [f"- code {tags['code.commit'][:8]}", f"- environment {tags['environment'][:8]}"]
    approver = tags.get("approved_by")
    if tags.get("gate") == "promoted" and tags.get("gate.at") and approver and approver != author:
        sections["Approval"] = [f"- passed the gate on {tags['gate.at']}, approved by {approver}"]

    lines = [f"# {facts['name']}, version {facts['version']}"]
    for name, content in sections.items():
        lines += ["", f"## {name}", "", *(content or ["No evidence."])]
    return "\n".join(lines) + "\n", [name for name, content in sections.items() if not content]
