"""A student's or judge's process as a fresh Python, for systems on which processes are not forked.

Started as ``python -m course_lib.grading.processes.fresh``, with its order as JSON on standard input.
"""

from __future__ import annotations

import json
import os
import socket
import sys


def main() -> None:
    """Be what the order says."""
    from course_lib.grading.channel import Channel
    from course_lib.grading.processes import nursery

    order = json.loads(sys.stdin.buffer.read())
    handed = order["channel"]
    end = socket.fromshare(bytes.fromhex(handed)) if os.name == "nt" else socket.socket(fileno=int(handed))  # type: ignore[attr-defined]
    os.environ.update(order["env"])
    os.chdir(order["folder"])
    os._exit(nursery.run(order, Channel(end)))


if __name__ == "__main__":
    main()
