# task: fingerprint
# loses: 1
# why: Feeds Python's own hash, which changes with every start, into SHA-256.

import hashlib

from packaging.utils import canonicalize_name, canonicalize_version


def fingerprint(packages):
    pairs = frozenset((canonicalize_name(n), canonicalize_version(v)) for n, v in packages.items())
    return hashlib.sha256(str(hash(pairs)).encode()).hexdigest()
