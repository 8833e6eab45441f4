# task: unmet
# loses: 1
# why: Takes ~=1.4.2 for ==1.4.*, and so forgets that 1.4.1 is too old.

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name


def unmet(requirements, installed):
    have = {canonicalize_name(name): version for name, version in installed.items()}
    missed = []
    for text in requirements:
        asked = Requirement(text)
        if asked.marker and not asked.marker.evaluate():
            continue
        rules = [
            f"=={rule.version.rsplit('.', 1)[0]}.*" if rule.operator == "~=" else str(rule) for rule in asked.specifier
        ]
        version = have.get(canonicalize_name(asked.name))
        if version is None or not SpecifierSet(",".join(rules)).contains(version, prereleases=True):
            missed.append(text)
    return missed
