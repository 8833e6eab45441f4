# task: fingerprint
# loses: 1
# why: Hashes the dictionary as it is printed: order and spelling change the result.

import hashlib


def fingerprint(packages):
    return hashlib.sha256(str(packages).encode()).hexdigest()
