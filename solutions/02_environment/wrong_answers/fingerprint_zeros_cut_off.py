# task: fingerprint
# loses: 1
# why: Strips zeros and dots from the end of the text, so 1.10 becomes 1.1.

import hashlib

from packaging.utils import canonicalize_name


def fingerprint(packages):
    lines = sorted(f"{canonicalize_name(name)}=={version.rstrip('.0')}" for name, version in packages.items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
