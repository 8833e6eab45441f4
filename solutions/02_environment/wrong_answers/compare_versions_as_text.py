# task: compare_environment
# loses: 1
# why: Compares versions as text: 2.0 and 2.0.0 become two versions.

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def compare_environment(text, installed):
    have = {canonicalize_name(name): version for name, version in installed.items()}
    result = {"same": [], "different": [], "missing": []}

    def put(name, fits):
        name = canonicalize_name(name)
        result["missing" if name not in have else "same" if fits(have[name]) else "different"].append(name)

    for entry in (yaml.safe_load(text) or {}).get("dependencies") or []:
        if isinstance(entry, dict):
            for line in entry.get("pip") or []:
                if line.startswith("-"):
                    continue
                asked = Requirement(line)
                if asked.marker is None or asked.marker.evaluate():
                    put(asked.name, lambda version, asked=asked: f"=={version}" == str(asked.specifier))
        else:
            name, _, start = entry.partition("=")
            put(name, lambda version, start=start: not start or f"{version}.".startswith(f"{start}."))
    return {key: sorted(names) for key, names in result.items()}
