"""``course …``: the one place that knows all three wings.

Importing this package must stay cheap: ``course --help`` answers in under half a second. So each command
imports what it needs inside its function.
"""

from __future__ import annotations

import os
import sys

# Nobody phones home, whatever a command starts later (mlflow reads the word, not 1).
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")


def main() -> None:
    """Entry point of ``course``: exit 0 when all of it worked, 1 when the work failed, 2 when asked wrongly."""
    words = sys.argv[1:]
    if words[:1] == ["grade"]:
        from course_lib.cli import early

        early.begin(words[1:])
    from course_lib.cli.app import tree_for
    from course_lib.cli.console import fail
    from course_lib.errors import CourseError

    try:
        tree_for(words)()
    except CourseError as error:
        sys.exit(fail(error))
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        sys.exit(130)
