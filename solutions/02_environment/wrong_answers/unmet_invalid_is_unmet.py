# task: unmet
# loses: 1
# why: Swallows what is no requirement at all, so a typing mistake looks like a missing package.

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def unmet(requirements, installed):
    have = {canonicalize_name(name): version for name, version in installed.items()}
    missed = []
    for text in requirements:
        try:
            asked = Requirement(text)
        except ValueError:
            missed.append(text)
            continue
        if asked.marker and not asked.marker.evaluate():
            continue
        version = have.get(canonicalize_name(asked.name))
        if version is None or not asked.specifier.contains(version, prereleases=True):
            missed.append(text)
    return missed
