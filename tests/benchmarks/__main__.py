"""``make bench``: run every benchmark beside this file, print its figures, keep them in build/bench.json.

Each ``bench_*.py`` is a script of its own that prints one JSON object on stdout: both sides of a comparison,
measured in one run on the same work, with their ratio. Name some to run only those: ``-m tests.benchmarks kernels``.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from course_lib.paths import build_dir, project_root

HERE = Path(__file__).resolve().parent


def main(names: list[str]) -> int:
    """Run them one after the other (side by side they would disturb each other); 1 when one failed."""
    found = {path.stem.removeprefix("bench_"): path for path in sorted(HERE.glob("bench_*.py"))}
    if unknown := [name for name in names if name not in found]:
        print(f"Error: no benchmark called {', '.join(unknown)}; there are: {', '.join(found)}", file=sys.stderr)
        return 2
    results, failed = {}, []
    for name in names or found:
        print(f"{name} …", file=sys.stderr, flush=True)
        started = time.perf_counter()
        done = subprocess.run([sys.executable, found[name]], cwd=project_root(), stdout=subprocess.PIPE, text=True)
        if done.returncode:
            failed.append(name)
            continue
        results[name] = json.loads(done.stdout)
        print(json.dumps(results[name], indent=2))
        print(f"{name}: {time.perf_counter() - started:.0f} s", file=sys.stderr)
    target = build_dir() / "bench.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    kept = json.loads(target.read_text(encoding="utf-8")) if target.is_file() else {}
    target.write_text(json.dumps(kept | results, indent=2), encoding="utf-8")
    print(f"kept in {target}", file=sys.stderr)
    if failed:
        print(f"Error: failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
