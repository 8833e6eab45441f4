# task: compare_environment
# loses: 2
# why: Compares names letter by letter, so another spelling of the same package counts as missing.

import yaml


def compare_environment(text, installed):
    result = {"same": [], "different": [], "missing": []}
    for entry in (yaml.safe_load(text) or {}).get("dependencies") or []:
        for line in (entry.get("pip") or []) if isinstance(entry, dict) else [entry]:
            name, _, version = line.replace("==", "=").partition("=")
            if name not in installed:
                result["missing"].append(name)
            else:
                result["same" if installed[name] == version else "different"].append(name)
    return {key: sorted(names) for key, names in result.items()}
