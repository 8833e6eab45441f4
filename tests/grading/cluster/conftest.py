"""One scheduler and two workers, each in a folder of its own, for the tests of this folder; more where a test asks."""

from __future__ import annotations

from pathlib import Path

import pytest

from course_lib.grading import records
from tests.grading.classes.bad_input import BAD, good_class, hand_in
from tests.grading.classes.fixtures import course, has_sandbox
from tests.taxi.cluster.processes import processes

__all__ = ["course"]

#: What a class has besides good hand-ins: each ends otherwise.
SOME = ("broken json", "copied test", "endless", "exit", "other kernel")


def same_code(folder: Path) -> tuple[str, str]:
    """Arguments of a worker that has this process's code, even though somebody may be writing on it meanwhile."""
    file = folder / "same_code.py"
    text = f"from course_lib.grading import crew\ncrew.own_code = lambda: {records.own_code()!r}\n"
    file.write_text(text, encoding="utf-8")
    return ("--preload", str(file))


@pytest.fixture(scope="module")
def safe():
    """Whether there is a sandbox."""
    return has_sandbox()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """What has been started; its ``address`` and its ``temporary`` folder."""
    folder = tmp_path_factory.mktemp("cluster")
    with processes(folder) as made:
        made.address = made.scheduler()
        made.temporary = folder / "temporary"
        made.temporary.mkdir()
        for name in ("one", "two"):
            environment = {"TMPDIR": str(made.temporary)}
            made.worker(made.address, name, arguments=same_code(folder), environment=environment)
        yield made


@pytest.fixture
def others(tmp_path):
    """Starts processes; none is left after the test."""
    (tmp_path / "others").mkdir()
    with processes(tmp_path / "others") as made:
        yield made


@pytest.fixture(scope="module")
def handed_in(course, tmp_path_factory):
    """A folder with a class's hand-ins: three good ones, and some of every other kind."""
    folder = tmp_path_factory.mktemp("handed") / "in"
    good_class(folder, course)
    for name in SOME:
        hand_in(folder, name, BAD[name][0](course), course)
    return folder
