# task: compare_environment
# loses: 1
# why: Leaves every line with a marker out, also where the marker holds.

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def compare_environment(text, installed):
    have = {canonicalize_name(name): version for name, version in installed.items()}
    wanted = []
    for entry in (yaml.safe_load(text) or {}).get("dependencies") or []:
        if isinstance(entry, dict):
            wanted += [line for line in entry.get("pip") or [] if ";" not in line and not line.startswith("-")]
        else:
            name, equals, version = entry.partition("=")
            wanted.append(f"{name}=={version}.*" if equals else name)
    result = {"same": [], "different": [], "missing": []}
    for asked in map(Requirement, wanted):
        name = canonicalize_name(asked.name)
        fits = name in have and asked.specifier.contains(have[name], prereleases=True)
        result["missing" if name not in have else "same" if fits else "different"].append(name)
    return {key: sorted(names) for key, names in result.items()}
