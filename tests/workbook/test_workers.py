"""Jobs spread over processes: each answers once, whatever happens to its process."""

import os

from course_lib.workbook.workers import spread


def work(job, report):
    if job == "die":
        print("last words", flush=True)
        os._exit(7)
    if job == "raise":
        raise ValueError("not this one")
    report(f"working on {job}")
    return os.getpid(), job.upper()


def test_every_job_ends_once_and_a_dead_process_costs_only_its_own_job():
    jobs = ["a", "die", "b", "raise", "c"]
    events = list(spread(work, jobs, processes=2))
    endings = {e.job: (e.kind, e.value) for e in events if e.kind not in ("started", "report")}
    assert {n: kind for n, (kind, _) in endings.items()} == {0: "done", 1: "lost", 2: "done", 3: "failed", 4: "done"}
    assert [endings[n][1][1] for n in (0, 2, 4)] == ["A", "B", "C"]
    assert "last words" in endings[1][1]
    assert endings[3][1] == "ValueError: not this one"
    assert {e.value for e in events if e.kind == "report"} == {"working on a", "working on b", "working on c"}
    assert os.getpid() not in {endings[n][1][0] for n in (0, 2, 4)}
