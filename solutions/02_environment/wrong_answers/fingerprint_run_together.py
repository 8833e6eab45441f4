# task: fingerprint
# loses: 1
# why: Puts nothing between names and versions: a1 at 0.2 and a at 10.2 are the same text.

import hashlib

from packaging.utils import canonicalize_name, canonicalize_version


def fingerprint(packages):
    parts = sorted(canonicalize_name(name) + canonicalize_version(version) for name, version in packages.items())
    return hashlib.sha256("".join(parts).encode()).hexdigest()
