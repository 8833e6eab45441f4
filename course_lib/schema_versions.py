"""The versions of a database's tables that a package knows, read from its Alembic scripts.

Alembic itself imports every script to tell, and what the scripts import, which takes a second.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

_NAMED = re.compile(r"^(revision|down_revision)\b[^=\n]*=[ \t]*(.+)$", re.MULTILINE)


def newest_first(scripts: Path) -> tuple[str, ...]:
    """The versions of a folder of scripts, each before those that it follows. Raises ValueError where none, or more
    than one, is the newest."""
    follows: dict[str, tuple[str, ...]] = {}
    for path in scripts.glob("*.py"):
        said = {name: ast.literal_eval(value) for name, value in _NAMED.findall(path.read_text(encoding="utf-8"))}
        if "revision" in said:
            before = said.get("down_revision") or ()
            follows[said["revision"]] = (before,) if isinstance(before, str) else tuple(before)
    heads = follows.keys() - {name for before in follows.values() for name in before}
    if len(heads) != 1:
        raise ValueError(f"{scripts} has {len(heads)} newest versions: {', '.join(sorted(heads)) or 'no script'}")
    found = list(heads)
    for name in found:  # grows while it is read
        found += [before for before in follows.get(name, ()) if before not in found]
    return tuple(found)
