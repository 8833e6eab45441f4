"""The chain itself: how an entry is written down, what follows what, and what was done to a chain that doesn't hold.

Everything here is about bytes and values; the file, its lock and its crashes are audit.AuditLog's.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, NamedTuple

from course_lib.errors import UsageError

#: What the first entry follows.
GENESIS = "0" * 64


class Head(NamedTuple):
    """How many entries a log had, and the hash of the last one."""

    count: int
    hash: str


@dataclass(frozen=True)
class Entry:
    """One thing that somebody did. ``at`` is ISO 8601 in UTC; ``hash`` is of all the rest, ``previous`` included."""

    number: int
    at: str
    action: str
    subject: str
    by: str
    details: dict[str, Any] = field(default_factory=dict)
    previous: str = GENESIS
    hash: str = ""

    def __str__(self) -> str:
        more = f" {canonical(self.details)}" if self.details else ""
        return f"{self.number}  {self.at}  {self.by}  {self.action}  {self.subject}{more}"


@dataclass(frozen=True)
class Check:
    """What verification found. ``entries`` is how many good ones there are before ``first_bad`` (a line, from 1).

    ``kind`` is "" when all is well, else one of changed, removed, inserted, reordered, torn (a crash while writing),
    unreadable, cut off (the end is missing) and rewritten (another history than the head's). True when ``ok``.
    """

    ok: bool
    entries: int
    first_bad: int | None = None
    reason: str = ""
    kind: str = ""

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        if self.ok:
            return f"The log holds: {self.entries} {'entry' if self.entries == 1 else 'entries'}. {self.reason}".strip()
        return f"The log does not hold, from line {self.first_bad} on ({self.kind}): {self.reason}"


def canonical(value: Any) -> str:
    """``value`` as JSON that is the same for the same value: keys sorted, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(entry: Mapping[str, Any]) -> str:
    """SHA-256 of an entry's fields as canonical JSON (``hash`` itself left out), 64 hexadecimal digits."""
    return hashlib.sha256(canonical({key: entry[key] for key in entry if key != "hash"}).encode()).hexdigest()


def content(action: str, subject: str, by: str, details: Mapping[str, Any] | None, at: datetime) -> dict[str, Any]:
    """An entry's own fields, checked. Raises UsageError for what can't be written down so that it reads back alike."""
    for name, text in (("action", action), ("subject", subject), ("by", by)):
        if not isinstance(text, str) or not text.strip():
            raise UsageError(f"An audit entry's '{name}' is a text that is not empty, not {text!r}.")
    if not isinstance(at, datetime) or at.tzinfo is None or at.utcoffset() is None:
        raise UsageError(f"An audit entry's time needs a zone (datetime.now(UTC)), or nobody can order it: {at!r}.")
    written = {"at": at.astimezone(UTC).isoformat(timespec="milliseconds"), "action": action, "subject": subject}
    written |= {"by": by, "details": dict(details or {})}
    try:
        text = canonical(written)
        text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"This can't be written to an audit log, which takes plain JSON values: {error}.") from error
    return json.loads(text)


def follow(last: Entry | None, known: Mapping[str, Any]) -> Entry:
    """The entry of this content that comes after ``last``."""
    number, previous = (1, GENESIS) if last is None else (last.number + 1, last.hash)
    entry = {**known, "number": number, "previous": previous}
    return Entry(**entry, hash=digest(entry))


def line(entry: Entry) -> bytes:
    """The entry as it stands in the file."""
    return f"{canonical(vars(entry))}\n".encode()


def parse(text: bytes) -> Entry | None:
    """The entry that a line holds, or None if it is none or not written the way :func:`line` writes."""
    try:
        found = json.loads(text)
        if set(found) != {one.name for one in fields(Entry)} or not isinstance(found["details"], dict):
            return None
        entry = Entry(**found)
        # twice the same key, other spaces, NaN: a reader could be shown something else than what was hashed
        right_kinds = type(entry.number) is int and all(isinstance(found[name], str) for name in _TEXTS)
        return entry if right_kinds and line(entry).rstrip() == text.rstrip(b"\n") else None
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None


_TEXTS = ("at", "action", "subject", "by", "previous", "hash")


def check(lines: Sequence[bytes], head: tuple[int, str] | None = None) -> Check:
    """The first line that is not what it should be, and what happened to it."""
    entries = [parse(text) for text in lines]
    for place in range(len(entries)):
        if found := _wrong(lines, entries, place):
            kind, bad, reason = found
            return Check(False, bad, bad + 1, reason, kind)
    return _against(entries, head)


def _wrong(lines: Sequence[bytes], entries: Sequence[Entry | None], place: int) -> tuple[str, int, str] | None:
    """What is wrong with the line at ``place``, when all before it are right: kind, place of the bad one, words."""
    entry, before = entries[place], entries[place - 1] if place else None
    expected = before.hash if before else GENESIS
    if entry is None and place == len(lines) - 1 and not lines[place].endswith(b"\n"):
        return "torn", place, "the last line breaks off: a program ended while it wrote. It never was a whole entry."
    follower = entries[place + 1] if place + 1 < len(entries) else None
    if entry is None or digest(vars(entry)) != entry.hash:
        if follower is not None and follower.previous == expected:
            return "inserted", place, f"the next line follows the one before it: line {place + 1} was put in between."
        if entry is None:
            return "unreadable", place, "this line is not an entry as the log writes them: it was changed by hand."
        return "changed", place, f"entry {entry.number} does not fit its hash: it was changed after it was written."
    if entry.previous == expected and entry.number == place + 1:
        return None
    return _broken_link(entries, place, entry)


def _broken_link(entries: Sequence[Entry | None], place: int, entry: Entry) -> tuple[str, int, str]:
    """An entry that is whole, and follows another one than the one before it."""
    others = {other.hash: at for at, other in enumerate(entries) if other is not None}
    if entry.previous == (entries[place - 1].hash if place else GENESIS):
        return "changed", place, f"entry {entry.number} stands where entry {place + 1} should: it was numbered anew."
    if any(other == entry for at, other in enumerate(entries) if at != place):
        return "inserted", place, f"entry {entry.number} stands in the log twice."
    follows = others.get(entry.previous)
    if follows is None and entry.previous == GENESIS:
        follows = -1
    if follows is not None and follows > place:
        return "reordered", place, f"entry {entry.number} stands before the entry that it follows."
    if follows is not None:
        first = follows + 1
        what = f"line {first + 1}" if place - first == 1 else f"lines {first + 1} to {place}"
        return "inserted", first, f"entry {entry.number} follows line {first}: {what} were put in between."
    if entry.number == place + 1 and place:
        return (
            "changed",
            place - 1,
            (
                f"entry {entry.number} follows another entry {place} than the one that stands here: that one was "
                "changed and its hash made anew."
            ),
        )
    gone = range(place + 1, entry.number)
    if len(gone) == 0:
        return "inserted", place, f"entry {entry.number} follows an entry that is not in the log."
    which = f"entry {gone[0]}" if len(gone) == 1 else f"entries {gone[0]} to {gone[-1]}"
    return "removed", place, f"{which} should stand here and {'is' if len(gone) == 1 else 'are'} gone."


def _against(entries: Sequence[Entry | None], head: tuple[int, str] | None) -> Check:
    """A chain that holds, against a head that was noted elsewhere."""
    there = len(entries)
    if head is None:
        return Check(True, there)
    count, noted = head
    if not isinstance(count, int) or count < 0 or not re.fullmatch("[0-9a-f]{64}", str(noted)):
        raise UsageError(f"A head is a count of entries and a hash of 64 hexadecimal digits, not {head!r}.")
    if count > there:
        gone = f"entry {count} is" if count - there == 1 else f"entries {there + 1} to {count} are"
        return Check(False, there, there + 1, f"{gone} missing: {count} were noted, {there} are left.", "cut off")
    last = entries[count - 1] if count else None
    if (last.hash if last else GENESIS) != noted:
        reason = f"entry {count} is not the one that was noted: it, or one before it, was written anew."
        return Check(False, count - 1 if count else 0, max(count, 1), reason, "rewritten")
    return Check(True, there, reason="It agrees with the noted head.")
