# task: unmet
# loses: 1
# why: Looks names up as they are written, so another spelling counts as not installed.

from packaging.requirements import Requirement


def unmet(requirements, installed):
    missed = []
    for text in requirements:
        asked = Requirement(text)
        if asked.marker and not asked.marker.evaluate():
            continue
        version = installed.get(asked.name)
        if version is None or not asked.specifier.contains(version, prereleases=True):
            missed.append(text)
    return missed
