# task: compare_environment
# loses: 1
# why: Reads conda's single = as pip's ==, so that python=3.11 is not met by 3.11.7.

import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name


def compare_environment(text, installed):
    have = {canonicalize_name(name): version for name, version in installed.items()}
    found = {"same": [], "different": [], "missing": []}

    def put(name, rule):
        name = canonicalize_name(name)
        state = "missing" if name not in have else "different"
        found["same" if name in have and rule.contains(have[name], prereleases=True) else state].append(name)

    for entry in (yaml.safe_load(text) or {}).get("dependencies") or []:
        if isinstance(entry, dict):
            asked = [Requirement(line) for line in entry["pip"] or [] if not line.startswith("-")]
            for requirement in asked:
                if requirement.marker is None or requirement.marker.evaluate():
                    put(requirement.name, requirement.specifier)
        else:
            name, _, version = entry.partition("=")
            put(name, SpecifierSet(f"=={version}" if version else ""))
    return {state: sorted(names) for state, names in found.items()}
