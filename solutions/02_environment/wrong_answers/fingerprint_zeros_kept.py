# task: fingerprint
# loses: 1
# why: Takes 2.0 and 2.0.0 for two versions.

import hashlib

from packaging.utils import canonicalize_name


def fingerprint(packages):
    lines = sorted(f"{canonicalize_name(name)}=={version}" for name, version in packages.items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
