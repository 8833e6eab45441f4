# task: fingerprint
# loses: 1
# why: Gives twelve digits where 64 were asked for.

import hashlib

from packaging.utils import canonicalize_name, canonicalize_version


def fingerprint(packages):
    lines = sorted(f"{canonicalize_name(name)}=={canonicalize_version(version)}" for name, version in packages.items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]
