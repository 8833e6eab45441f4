# task: unmet
# loses: 1
# why: Sorts what it found, and with it loses the order of the list that was asked about.

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def unmet(requirements, installed):
    have = {canonicalize_name(name): version for name, version in installed.items()}
    missed = []
    for text in requirements:
        asked = Requirement(text)
        if asked.marker and not asked.marker.evaluate():
            continue
        version = have.get(canonicalize_name(asked.name))
        if version is None or not asked.specifier.contains(version, prereleases=True):
            missed.append(text)
    return sorted(missed)
