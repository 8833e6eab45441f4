# task: unmet
# loses: 2
# why: Cuts versions into numbers by hand: 2.0 is not 2.0.0, and 3.1.0rc1 is no number at all.

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def unmet(requirements, installed):
    have = {canonicalize_name(name): version for name, version in installed.items()}

    def numbers(version):
        return [int("".join(c for c in part if c.isdigit()) or 0) for part in version.split(".")]

    missed = []
    for text in requirements:
        asked = Requirement(text)
        if asked.marker and not asked.marker.evaluate():
            continue
        version = have.get(canonicalize_name(asked.name))
        fits = version is not None
        for rule in asked.specifier if fits else ():
            mine, limit = numbers(version), numbers(rule.version)
            fits = (
                fits
                and {
                    "==": mine == limit,
                    "!=": mine != limit,
                    ">=": mine >= limit,
                    "<=": mine <= limit,
                    "<": mine < limit,
                    ">": mine > limit,
                    "~=": mine >= limit and mine[: len(limit) - 1] == limit[:-1],
                }[rule.operator]
            )
        if not fits:
            missed.append(text)
    return missed
