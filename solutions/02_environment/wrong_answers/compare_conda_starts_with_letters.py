# task: compare_environment
# loses: 1
# why: Reads conda's single = as "the text begins with": 3.11.7 passes for 3.1.

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def compare_environment(text, installed):
    have = {canonicalize_name(name): version for name, version in installed.items()}
    result = {"same": [], "different": [], "missing": []}
    for entry in (yaml.safe_load(text) or {}).get("dependencies") or []:
        lines = (entry.get("pip") or []) if isinstance(entry, dict) else [entry]
        for line in lines:
            if line.startswith("-"):
                continue
            if isinstance(entry, dict):
                asked = Requirement(line)
                if asked.marker and not asked.marker.evaluate():
                    continue
                name, fits = canonicalize_name(asked.name), asked.specifier.contains
            else:
                name, _, start = line.partition("=")
                name, fits = canonicalize_name(name), lambda version, start=start: version.startswith(start)
            key = "missing" if name not in have else "same" if fits(have[name]) else "different"
            result[key].append(name)
    return {key: sorted(names) for key, names in result.items()}
