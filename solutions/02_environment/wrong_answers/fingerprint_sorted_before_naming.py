# task: fingerprint
# loses: 1
# why: Sorts the names as they are spelled and only then makes them canonical.

import hashlib

from packaging.utils import canonicalize_name, canonicalize_version


def fingerprint(packages):
    lines = [f"{canonicalize_name(name)}=={canonicalize_version(packages[name])}" for name in sorted(packages)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
