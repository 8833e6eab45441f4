"""The audit log: what is written can be read, what is tampered with is named, and a crash loses nothing."""

import json
import os
import subprocess
import sys
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from course_lib.errors import UsageError
from course_lib.taxi.governance import audit, audit_chain
from tests.taxi.tracking_home import ordinary_user

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("aü"), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
many = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def log(tmp_path):
    return audit.AuditLog(tmp_path / "deeper" / "audit.jsonl")


def written(log, n):
    return [log.append("promoted", f"taxi/{i}", "ana", {"i": i}, AT + timedelta(days=i)) for i in range(1, n + 1)]


def chain(n):
    """The lines of a log with ``n`` entries, made without a file."""
    lines, last = [], None
    for i in range(1, n + 1):
        last = audit_chain.follow(last, audit_chain.content("promoted", f"taxi/{i}", "ana", {"i": i}, AT))
        lines.append(audit_chain.line(last))
    return lines


def test_entries_come_back_as_they_were_written(log):
    made = written(log, 3)
    assert log.entries() == made
    assert [entry.number for entry in made] == [1, 2, 3]
    assert made[0].previous == audit.GENESIS == "0" * 64
    assert made[2].previous == made[1].hash
    assert made[0].at == "2026-03-03T09:30:00.000+00:00"
    assert log.head == (3, made[2].hash)
    assert bool(log.verify()) is True
    assert str(log.verify(log.head)) == "The log holds: 3 entries. It agrees with the noted head."
    assert list(log.table()["subject"]) == ["taxi/1", "taxi/2", "taxi/3"]
    assert "ana  promoted  taxi/2" in str(made[1])


def test_no_log_is_an_empty_log(log):
    assert log.entries() == []
    assert log.head == (0, audit.GENESIS)
    assert log.verify((0, audit.GENESIS)).ok
    assert not log.path.exists()
    assert list(log.table().columns) == ["at", "action", "subject", "by", "details"]


@many
@given(details=st.dictionaries(st.text(st.characters(codec="utf-8")), plain, max_size=4))
def test_any_plain_details_read_back_and_hold(tmp_path_factory, details):
    log = audit.AuditLog(tmp_path_factory.mktemp("any") / "log")
    log.append("promoted", "taxi/1", "ana", details)
    log.append("refused", "taxi/2", "ana", details)
    assert [entry.details for entry in log.entries()] == [details, details]
    assert log.verify(log.head)


def test_hashes_are_sha256_of_the_canonical_rest(log):
    entry = asdict(written(log, 1)[0])
    own = {key: value for key, value in entry.items() if key != "hash"}
    assert entry["hash"] == audit.digest(entry) == audit.digest(own)
    assert audit.canonical({"b": 1, "a": "é"}) == '{"a":"é","b":1}'


@many
@given(data=st.data())
def test_a_changed_entry_is_found_where_it_is(data):
    lines = chain(data.draw(st.integers(1, 7)))
    k = data.draw(st.integers(0, len(lines) - 1))
    entry = json.loads(lines[k])
    key = data.draw(st.sampled_from(sorted(entry)))
    entry[key] = {"i": -1} if key == "details" else 99 if key == "number" else f"{entry[key]}x"
    lines[k] = (audit.canonical(entry) + "\n").encode()
    found = audit_chain.check(lines)
    assert (found.ok, found.first_bad, found.kind, found.entries) == (False, k + 1, "changed", k)


@many
@given(data=st.data())
def test_a_changed_entry_with_a_new_hash_is_found_too_unless_it_is_the_last(data):
    lines = chain(data.draw(st.integers(2, 7)))
    k = data.draw(st.integers(0, len(lines) - 1))
    entry = replace(audit_chain.parse(lines[k]), by="eve")
    forged = replace(entry, hash=audit.digest(asdict(entry)))
    noted = audit.Head(len(lines), audit_chain.parse(lines[-1]).hash)
    lines[k] = audit_chain.line(forged)
    found = audit_chain.check(lines)
    if k < len(lines) - 1:
        assert (found.first_bad, found.kind) == (k + 1, "changed")
        assert "made anew" in found.reason
    else:
        assert found.ok
        assert audit_chain.check(lines, noted).kind == "rewritten"


@many
@given(data=st.data())
def test_removed_entries_are_missed_at_once_or_against_the_noted_head(data):
    lines = chain(data.draw(st.integers(2, 8)))
    first = data.draw(st.integers(0, len(lines) - 1))
    last = data.draw(st.integers(first + 1, len(lines)))
    noted = audit.Head(len(lines), audit_chain.parse(lines[-1]).hash)
    left = lines[:first] + lines[last:]
    if last < len(lines):
        found = audit_chain.check(left)
        assert (found.first_bad, found.kind) == (first + 1, "removed")
        assert f"{first + 1}" in found.reason
    else:
        assert audit_chain.check(left).ok  # a chain can't know what followed
        found = audit_chain.check(left, noted)
        assert (found.ok, found.kind, found.first_bad) == (False, "cut off", first + 1)


@many
@given(data=st.data())
def test_two_swapped_entries_are_reordered(data):
    lines = chain(data.draw(st.integers(2, 8)))
    i = data.draw(st.integers(0, len(lines) - 2))
    j = data.draw(st.integers(i + 1, len(lines) - 1))
    lines[i], lines[j] = lines[j], lines[i]
    found = audit_chain.check(lines)
    assert (found.first_bad, found.kind) == (i + 1, "reordered")


@many
@given(data=st.data())
def test_an_inserted_entry_is_found_whether_its_hash_is_right_or_not(data):
    lines = chain(data.draw(st.integers(1, 7)))
    k = data.draw(st.integers(0, len(lines) - 1))
    before = audit_chain.parse(lines[k - 1]) if k else None
    extra = audit_chain.follow(before, audit_chain.content("promoted", "taxi/666", "eve", None, AT))
    if data.draw(st.booleans()):
        extra = replace(extra, hash="f" * 64)
    found = audit_chain.check([*lines[:k], audit_chain.line(extra), *lines[k:]])
    assert (found.first_bad, found.kind) == (k + 1, "inserted")


@many
@given(data=st.data())
def test_an_entry_copied_to_another_place_is_found(data):
    lines = chain(data.draw(st.integers(2, 7)))
    source, target = data.draw(st.integers(0, len(lines) - 1)), data.draw(st.integers(0, len(lines)))
    found = audit_chain.check([*lines[:target], lines[source], *lines[target:]])
    assert (found.ok, found.kind) == (False, "inserted")
    assert found.first_bad == (target + 1 if target != source else source + 2)


@pytest.mark.parametrize("text", [b"\n", b"[]\n", b"null\n", b"{}\n", b"\xff\xfe\n", b"garbage\n"])
def test_a_line_that_is_no_entry_is_named(text):
    found = audit_chain.check([*chain(2), text, *chain(1)])
    assert (found.first_bad, found.entries, found.kind) == (3, 2, "unreadable")


def test_the_same_values_written_in_another_way_are_no_entry():
    lines = chain(2)
    for other in (
        lines[0].replace(b",", b", ", 1),
        lines[0].replace(b'{"action"', b'{"action":"refused","action"'),  # json keeps the last of two
        lines[0].replace(b"\n", b"\r\n"),
    ):
        assert audit_chain.check([other, lines[1]]).first_bad == 1


@many
@given(cut=st.integers(1, 300))
def test_a_torn_last_line_is_told_and_kept_by_the_next_entry(tmp_path_factory, cut):
    log = audit.AuditLog(tmp_path_factory.mktemp("torn") / "log")
    written(log, 2)
    whole = log.path.read_bytes()
    first, second = whole.splitlines(keepends=True)
    piece = second[: min(cut, len(second) - 2)]
    log.path.write_bytes(first + piece)
    found = log.verify()
    assert (found.ok, found.kind, found.first_bad, found.entries) == (False, "torn", 2, 1)
    assert "never was a whole entry" in found.reason
    log.append("promoted", "taxi/3", "ana")
    assert log.verify()
    assert [entry.action for entry in log.entries()] == ["promoted", "recovered", "promoted"]
    assert log.entries()[1].details == {"text": piece.decode()}


def test_a_torn_first_line_does_not_lock_the_log(log):
    log.path.parent.mkdir()
    log.path.write_bytes(b'{"acti')
    assert log.verify().kind == "torn"
    log.append("promoted", "taxi/1", "ana")
    assert [entry.action for entry in log.entries()] == ["recovered", "promoted"]


def test_a_last_entry_whose_newline_an_editor_took_is_still_an_entry(log):
    written(log, 2)
    log.path.write_bytes(log.path.read_bytes().rstrip(b"\n"))
    assert log.verify()
    log.append("promoted", "taxi/3", "ana")
    assert log.verify()
    assert len(log.entries()) == 3


def test_nothing_is_added_to_a_log_whose_end_was_changed(log):
    written(log, 3)
    log.path.write_bytes(log.path.read_bytes().replace(b"taxi/3", b"taxi/9"))
    before = log.path.read_bytes()
    with pytest.raises(audit.AuditError, match=r"entry 3 does not fit its hash.*Nothing was added"):
        log.append("promoted", "taxi/4", "ana")
    assert log.path.read_bytes() == before


def test_long_entries_are_found_again_from_the_end(log):
    log.append("promoted", "taxi/1", "ana", {"long": "x" * 20_000})
    log.append("promoted", "taxi/2", "ana", {"long": "y" * 20_000})
    assert log.append("promoted", "taxi/3", "ana").number == 3
    assert log.verify()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"action": " "}, "'action' is a text"),
        ({"subject": 7}, "'subject' is a text"),
        ({"by": ""}, "'by' is a text"),
        ({"at": datetime(2026, 1, 1)}, "needs a zone"),
        ({"details": {"gain": float("nan")}}, "plain JSON values"),
        ({"details": {"who": {1, 2}}}, "plain JSON values"),
        ({"details": {"text": "\ud800"}}, "plain JSON values"),
    ],
)
def test_what_cannot_be_written_down_is_refused_in_words(log, wrong, words):
    with pytest.raises(UsageError, match=words):
        log.append(**{"action": "promoted", "subject": "taxi/1", "by": "ana", **wrong})
    assert log.entries() == []


def test_times_are_kept_in_utc(log):
    entry = log.append("promoted", "taxi/1", "ana", at=datetime(2026, 3, 2, 4, tzinfo=timezone(timedelta(hours=-5))))
    assert entry.at == "2026-03-02T09:00:00.000+00:00"


def test_who_is_at_work(monkeypatch):
    monkeypatch.setenv("COURSE_USER", "Ana")
    assert audit.person() == "Ana"
    monkeypatch.setenv("COURSE_USER", " ")
    monkeypatch.setattr(audit.getpass, "getuser", lambda: (_ for _ in ()).throw(OSError("nobody")))
    assert audit.person() == "unknown"


@pytest.mark.parametrize("head", [(-1, "0" * 64), (1, "abc"), ("1", "0" * 64)])
def test_a_head_that_is_none_is_said(log, head):
    written(log, 1)
    with pytest.raises(UsageError, match="A head is a count"):
        log.verify(head)


def test_a_log_that_cannot_be_written_says_so(log):
    if os.name == "nt":
        pytest.skip("Windows' read-only folders can be written to")
    written(log, 1)
    log.path.chmod(0o444)
    log.path.parent.chmod(0o777)
    with ordinary_user(), pytest.raises(audit.AuditError, match="can't be written: Permission denied"):
        log.append("promoted", "taxi/2", "ana")
    assert len(log.entries()) == 1


def test_a_writer_that_does_not_finish_is_not_waited_for_for_ever(log):
    from filelock import FileLock

    written(log, 1)
    impatient = audit.AuditLog(log.path, wait=0.1)
    other = FileLock(log.path.with_name(".audit.jsonl.lock"))
    with other, pytest.raises(audit.AuditError, match="Somebody else has been writing"):
        impatient.append("promoted", "taxi/2", "ana")
    assert impatient.append("promoted", "taxi/2", "ana").number == 2


WRITER = """
import sys
from course_lib.taxi.governance.audit import AuditLog
for i in range(int(sys.argv[3])):
    AuditLog(sys.argv[1]).append("promoted", f"taxi/{i}", sys.argv[2])
"""


def test_two_processes_write_one_chain(log):
    n = 40
    command = [sys.executable, "-c", WRITER, str(log.path)]
    both = [subprocess.Popen([*command, name, str(n)], cwd=os.getcwd()) for name in ("ana", "bo")]
    assert [process.wait(timeout=120) for process in both] == [0, 0]
    assert log.verify()
    there = log.entries()
    assert len(there) == 2 * n
    for name in ("ana", "bo"):
        assert [entry.subject for entry in there if entry.by == name] == [f"taxi/{i}" for i in range(n)]


def test_a_reader_waits_a_moment_for_a_writer_in_the_middle_of_a_line(log, monkeypatch):
    written(log, 2)
    whole = log.path.read_bytes()
    log.path.write_bytes(whole[:-20])
    monkeypatch.setattr(audit.time, "sleep", lambda _seconds: log.path.write_bytes(whole))
    assert log.verify()
    assert len(log.entries()) == 2
