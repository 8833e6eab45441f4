"""Again and again, with growing waits, if it may help; at once the error, if not."""

import errno

import pytest

from course_lib.errors import CourseError, UsageError
from course_lib.taxi import contract, retry, tlc
from course_lib.taxi.monthfile import NoRoom
from course_lib.taxi.quarantine import TooManyBad


class Failing:
    """Raises the given errors in turn, then returns."""

    def __init__(self, *errors):
        self.errors, self.calls = list(errors), 0

    def __call__(self):
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


@pytest.fixture
def waits():
    return []


def test_no_wait_when_it_works_at_once(waits):
    assert retry.call(Failing(), wait=waits.append) == "done"
    assert waits == []


def test_waits_grow(waits):
    work = Failing(*[ConnectionError("away")] * 3)
    assert retry.call(work, attempts=4, first_wait=0.5, factor=3, wait=waits.append) == "done"
    assert waits == [0.5, 1.5, 4.5]
    assert work.calls == 4


def test_the_last_error_is_raised_and_says_which_attempt_it_was(waits):
    work = Failing(TimeoutError("first"), OSError("second"), ConnectionError("third"), OSError("never"))
    with pytest.raises(ConnectionError, match="third") as caught:
        retry.call(work, attempts=3, wait=waits.append)
    assert work.calls == 3
    assert caught.value.__notes__ == ["This was attempt 3 of 3."]
    assert len(waits) == 2


def test_each_failure_that_is_tried_again_is_told(waits):
    told = []
    retry.call(Failing(OSError("gone")), wait=waits.append, tell=told.append)
    assert told == ["attempt 1 of 3 failed (gone); trying again in 0.5 s"]


@pytest.mark.parametrize(
    "error",
    [
        ConnectionResetError("reset"),
        TimeoutError("slow"),
        OSError(errno.EIO, "input/output error"),
        OSError(errno.EAGAIN, "busy"),
        tlc.NoNetwork("no network"),
        tlc.ServerFailed("503"),
        tlc.Truncated("broke off"),
        RuntimeError("(sqlite3.OperationalError) database is locked"),
    ],
)
def test_what_may_pass_by_itself(error, waits):
    assert retry.may_retry(error)
    assert retry.call(Failing(error), wait=waits.append) == "done"


@pytest.mark.parametrize(
    "error",
    [
        UsageError("asked wrongly"),
        CourseError("failed"),
        contract.ContractError([]),
        TooManyBad("too many"),
        tlc.NotPublished("not yet"),
        NoRoom("full"),
        OSError(errno.ENOSPC, "full"),
        OSError(errno.EROFS, "read-only"),
        PermissionError(errno.EACCES, "no"),
        FileNotFoundError(errno.ENOENT, "none"),
        ValueError("a mistake in the code"),
        KeyError("duration"),
    ],
)
def test_what_would_only_fail_again_is_never_retried(error, waits):
    work = Failing(error)
    with pytest.raises(type(error)):
        retry.call(work, wait=waits.append)
    assert (work.calls, waits) == (1, [])


def test_stopping_is_not_a_failure(waits):
    work = Failing(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        retry.call(work, wait=waits.append)
    assert waits == []
