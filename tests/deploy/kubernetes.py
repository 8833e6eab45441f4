"""Kubernetes' own schemas, asked in a process that has the package with them: they stay out of the environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.deploy.packages import packages

# two releases of Kubernetes, so that a field that goes or comes between them is seen
VERSIONS = ("1.31", "1.37")
_CHECK = """
import json, sys
sys.modules["rfc3987_syntax"] = None  # seconds, for a format that no schema here uses
import kubernetes_validate
told = {}
for name, documents in json.load(sys.stdin).items():
    told[name] = []
    for document in documents:
        for version in sys.argv[1:]:
            try:
                kubernetes_validate.validate(document, version, strict=True)
            except kubernetes_validate.ValidationError as error:
                told[name].append(f"{document['kind']} {version}: {error.message}")
print(json.dumps(told))
"""


def python(code: str | Path, *words: str, given: Any) -> Any:
    """Run code, or a script, with the packages of both locks: JSON goes in, JSON comes out."""
    extra = os.pathsep.join(str(packages(folder)) for folder in ("deploy", "tests/deploy"))
    start = [str(code)] if isinstance(code, Path) else ["-c", code]
    done = subprocess.run(
        [sys.executable, *start, *words],
        input=json.dumps(given),
        env=os.environ | {"PYTHONPATH": extra},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def problems(named: dict[str, list[dict[str, Any]]]) -> dict[str, list[str]]:
    """What Kubernetes would say against the objects of each list; unknown fields count."""
    return python(_CHECK, *VERSIONS, given=named)
