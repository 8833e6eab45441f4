"""Folders here and in a store: the same verbs, whole files only, and what goes wrong in words."""

from __future__ import annotations

import contextlib

import fsspec
import pytest

from course_lib.errors import UsageError
from course_lib.taxi import retry, storage, storage_lease
from course_lib.taxi.pipeline_files import Busy
from tests.taxi.cluster.conftest import settled
from tests.taxi.cluster.processes import free_port


@pytest.fixture(params=["here", "store"])
def place(request, tmp_path):
    if request.param == "here":
        return storage.at(tmp_path / "place")
    return storage.at(request.getfixturevalue("store")) / request.node.name.partition("[")[0]


def test_written_read_and_removed(place, tmp_path):
    assert (place.names(), place.held("a.txt"), place.read("a.txt")) == ([], None, None)
    place.write("a.txt", b"one")
    before = place.held("a.txt")
    place.write("a.txt", b"two")
    assert (place.names(), place.read("a.txt"), place.held("a.txt").bytes) == (["a.txt"], b"two", 3)
    assert place.held("a.txt").version != before.version
    with place.opened("a.txt") as file:
        file.seek(1)
        assert file.read() == b"wo"
    assert place.fetch("a.txt", tmp_path / "deep" / "copy").read_bytes() == b"two"
    (place / "inside").write("b.txt", b"")
    assert place.names() == ["a.txt"]
    place.remove("a.txt")
    place.remove("a.txt")
    assert place.names() == []


def test_what_breaks_off_leaves_nothing(place):
    place.write("a.txt", b"before")
    with contextlib.suppress(KeyError), place.writing("a.txt") as part:
        part.write_bytes(b"half")
        raise KeyError
    assert (place.names(), place.read("a.txt")) == (["a.txt"], b"before")


def test_created_once(place):
    place.write("other", b"")
    assert [place.create("lock", b"one"), place.create("lock", b"two")] == [True, False]
    assert place.read("lock") == b"one"


def test_other_systems_than_object_stores_get_parts_first(monkeypatch, tmp_path):
    place, system = storage.at("memory://parts"), fsspec.filesystem("memory")
    monkeypatch.setattr(storage, "_WHOLE_OBJECTS", set())
    monkeypatch.setattr(type(system), "put_file", lambda *_: (_ for _ in ()).throw(OSError("the line is dead")))
    (tmp_path / "a").write_bytes(b"a")
    with pytest.raises(storage.Unreachable, match="the line is dead"):
        place.send(tmp_path / "a", "a")
    monkeypatch.undo()
    monkeypatch.setattr(storage, "_WHOLE_OBJECTS", set())
    place.send(tmp_path / "a", "a")
    system.pipe_file("/parts/.b.1.part", b"half")
    assert place.names() == ["a"]
    place.sweep()
    assert [entry["name"] for entry in system.ls("/parts")] == ["/parts/a"]


def test_trouble_is_told_in_words(store):
    with pytest.raises(UsageError, match="nosuch://bucket/folder is no address of a store"):
        storage.at("nosuch://bucket/folder")
    with pytest.raises(storage.StorageError, match=r"s3://no-such-bucket/a isn't there"):
        storage.at("s3://no-such-bucket").write("a", b"")
    assert storage.at("s3://no-such-bucket").names() == []
    assert not storage.is_url("build/years")
    assert storage.is_url(store)


def test_a_store_that_does_not_answer_may_be_asked_again(store, monkeypatch):  # noqa: ARG001
    before = fsspec.config.conf["s3"]["endpoint_url"]
    settled(f"http://127.0.0.1:{free_port()}")
    try:
        with pytest.raises(storage.Unreachable, match="the store doesn't answer") as caught:
            storage.at("s3://taxi").read("a")
    finally:
        settled(before)
    assert retry.may_retry(caught.value)


def test_held_by_one_at_a_time(place):
    def hold(who, wait=0.0, dead=30.0):
        return storage_lease.held(place, "lock", who, wait, lambda other: f"{other} is here", renew=0.1, dead=dead)

    place.write("other", b"")
    with hold("one"), pytest.raises(Busy, match="one is here"), hold("two"):
        raise AssertionError
    with hold("two"):
        assert place.read("lock").startswith(b"two\n")
    assert place.read("lock") is None
    place.write("lock", b"killed\n7\n")  # nobody renews it
    with hold("three", dead=1.0):
        assert place.read("lock").startswith(b"three\n")
