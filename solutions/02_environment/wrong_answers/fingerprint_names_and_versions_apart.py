# task: fingerprint
# loses: 1
# why: Sorts names and versions separately, so two packages can swap their versions unseen.

import hashlib

from packaging.utils import canonicalize_name, canonicalize_version


def fingerprint(packages):
    names = sorted(canonicalize_name(name) for name in packages)
    versions = sorted(canonicalize_version(version) for version in packages.values())
    return hashlib.sha256("\n".join([*names, "", *versions]).encode()).hexdigest()
