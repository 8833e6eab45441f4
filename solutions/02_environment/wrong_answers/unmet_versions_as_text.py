# task: unmet
# loses: 2
# why: Compares versions as text, where 1.10 comes before 1.9, and knows one operator per line.

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
        fits = version is not None
        for rule in asked.specifier if fits else ():
            limit = rule.version
            if rule.operator == "~=":
                fits = fits and version >= limit and version.startswith(limit.rsplit(".", 1)[0])
            elif rule.operator == "==":
                fits = fits and version == limit
            elif rule.operator == "!=":
                fits = fits and version != limit
            else:
                fits = fits and eval(f"{version!r} {rule.operator} {limit!r}")
        if not fits:
            missed.append(text)
    return missed
