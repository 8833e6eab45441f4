# task: unmet
# loses: 1
# why: Asks for packages that only another system needs.

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def unmet(requirements, installed):
    have = {canonicalize_name(name): version for name, version in installed.items()}
    missed = []
    for text in requirements:
        asked = Requirement(text)
        version = have.get(canonicalize_name(asked.name))
        if version is None or not asked.specifier.contains(version, prereleases=True):
            missed.append(text)
    return missed
