# task: unmet
# loses: 1
# why: Keeps one requirement for each name, so that a second one about the same package replaces the first.

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def unmet(requirements, installed):
    have = {canonicalize_name(name): version for name, version in installed.items()}
    missed = []
    by_name = {canonicalize_name(Requirement(text).name): text for text in requirements}
    for text in by_name.values():
        asked = Requirement(text)
        if asked.marker and not asked.marker.evaluate():
            continue
        version = have.get(canonicalize_name(asked.name))
        if version is None or not asked.specifier.contains(version, prereleases=True):
            missed.append(text)
    return missed
