"""Downloads from a server of the tests' own: resumed, checked, and saved whole or not at all."""

import base64
import errno
import hashlib
import io
import socket
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from course_lib.errors import CourseError, UsageError
from course_lib.taxi import monthfile, simulator, tlc, trips
from tests.taxi.fileserver import Server, running

NAME = "green_tripdata_2021-01.parquet"


def month_bytes(month="2021-01", rows=3000):
    file = io.BytesIO()
    pq.write_table(simulator.simulate(month, rows), file)
    return file.getvalue()


MONTH = month_bytes()
PIECE = 8192


@pytest.fixture
def server():
    with running(Server(files={NAME: MONTH})) as one:
        yield one


@pytest.fixture
def get(server, tmp_path):
    """Download January into an empty folder, never waiting."""

    def download(**kwargs):
        return tlc.download("2021-01", tmp_path / "tlc", base=server.address, wait=lambda _: None, **kwargs)

    return download


def files(folder):
    """What lies in a folder, but for the lock that guards it."""
    return sorted(p.name for p in Path(folder).iterdir() if not p.name.endswith(".lock"))


def test_a_month_is_downloaded_whole_and_once(get, server, tmp_path):
    path = get()
    assert path == tmp_path / "tlc" / NAME
    assert path.read_bytes() == MONTH
    assert files(path.parent) == [NAME]
    assert get() == path
    assert len(server.requests) == 1
    assert server.requests[0]["Accept-Encoding"] == "identity"


def test_a_download_that_breaks_off_is_resumed_where_it_stopped(get, server):
    server.breaks = [PIECE + 100, 2 * PIECE + 5]
    path = get()
    assert path.read_bytes() == MONTH
    ranges = [request.get("Range") for request in server.requests]
    assert ranges == [None, f"bytes={PIECE}-", f"bytes={3 * PIECE}-"]
    assert files(path.parent) == [NAME]


def test_what_came_is_kept_for_the_next_call(get, server, tmp_path):
    server.breaks = [PIECE]
    with pytest.raises(tlc.Truncated, match=r"broke off after 8,192 bytes\. What came is kept: ask again") as caught:
        get(attempts=1)
    assert isinstance(caught.value, CourseError)
    assert not (tmp_path / "tlc" / NAME).exists()
    assert (tmp_path / "tlc" / f"{NAME}.part").read_bytes() == MONTH[:PIECE]
    assert get().read_bytes() == MONTH
    assert server.requests[1]["Range"] == f"bytes={PIECE}-"
    assert server.requests[1]["If-Range"] == server.etag


def test_waits_grow_between_attempts(server, tmp_path):
    server.breaks = [10, 10, 10, 10]
    waits = []
    with pytest.raises(tlc.Truncated):
        tlc.download("2021-01", tmp_path, base=server.address, attempts=4, wait=waits.append)
    assert waits == [1, 2, 4]


def test_a_file_that_changed_meanwhile_is_fetched_anew(get, server):
    server.breaks = [PIECE]
    with pytest.raises(tlc.Truncated):
        get(attempts=1)
    other = month_bytes(rows=2500)
    server.files[NAME], server.etag = other, '"v2"'
    assert get().read_bytes() == other


def test_a_server_that_cannot_resume_sends_all_of_it_again(get, server):
    server.ranges = False
    server.breaks = [PIECE]
    assert get().read_bytes() == MONTH
    assert len(server.requests) == 2


@pytest.mark.parametrize("etag", ["", 'W/"weak"'])
def test_without_a_promise_of_the_same_bytes_nothing_is_resumed(get, server, etag):
    server.etag = etag
    server.breaks = [PIECE]
    with pytest.raises(tlc.Truncated, match="Ask again to start anew"):
        get(attempts=1)
    assert get().read_bytes() == MONTH
    assert "Range" not in server.requests[1]


def test_a_part_that_is_complete_already_is_only_checked(get, server, tmp_path):
    folder = tmp_path / "tlc"
    folder.mkdir()
    (folder / f"{NAME}.part").write_bytes(MONTH)
    (folder / f"{NAME}.part.version").write_text(server.etag, encoding="utf-8")
    assert get().read_bytes() == MONTH
    assert files(folder) == [NAME]


def test_a_part_that_is_longer_than_the_file_is_thrown_away(get, server, tmp_path):
    folder = tmp_path / "tlc"
    folder.mkdir()
    (folder / f"{NAME}.part").write_bytes(MONTH + b"more")
    (folder / f"{NAME}.part.version").write_text(server.etag, encoding="utf-8")
    assert get().read_bytes() == MONTH


@pytest.mark.parametrize("status", [403, 404])
def test_a_month_that_is_not_published(get, server, tmp_path, status):
    server.status[NAME] = status
    with pytest.raises(
        tlc.NotPublished, match=rf"no file for 2021-01 \(.*answers {status}\).*about 2 months after.*2014-01 to"
    ) as caught:
        get()
    assert isinstance(caught.value, trips.MonthNotFound)
    assert isinstance(caught.value, UsageError)
    assert files(tmp_path / "tlc") == []
    assert len(server.requests) == 1, "asking again does not help"


def test_a_server_in_trouble_is_asked_again_and_then_named(get, server, tmp_path):
    server.status[NAME] = 503
    with pytest.raises(
        tlc.ServerFailed, match=r"answers 503 Service Unavailable\. Try again later.*TAXI_DATA=simulated"
    ):
        get()
    assert len(server.requests) == 3
    assert files(tmp_path / "tlc") == []
    server.status.clear()
    assert get().read_bytes() == MONTH


def test_an_html_page_is_never_saved(get, server, tmp_path):
    server.files[NAME] = b"<!DOCTYPE html><html><body>Please log in to the hotel's network</body></html>"
    with pytest.raises(
        tlc.NotTrips, match=r"no month of trips: it is an HTML page.*Nothing was saved.*asks for a login"
    ):
        get()
    assert files(tmp_path / "tlc") == []


def test_another_parquet_file_is_never_saved(get, server, tmp_path):
    file = io.BytesIO()
    frame = simulator.simulate("2021-01", 50).to_pandas().drop(columns="trip_type").assign(airport_fee=1)
    frame.to_parquet(file)
    server.files[NAME] = file.getvalue()
    with pytest.raises(tlc.NotTrips, match=r"(?s)nothing was saved.*trip_type: the column is missing.*airport_fee"):
        get()
    assert files(tmp_path / "tlc") == []


def test_a_file_of_another_month_is_never_saved(get, server, tmp_path):
    server.files[NAME] = month_bytes("2021-03", 300)
    with pytest.raises(tlc.NotTrips, match=r"trips of another month: only 0% of its pickups are in 2021-01"):
        get()
    assert files(tmp_path / "tlc") == []


def test_a_file_cut_on_the_server_is_never_saved(get, server, tmp_path):
    server.files[NAME] = MONTH[:-500]
    with pytest.raises(tlc.NotTrips, match="is a truncated parquet file"):
        get()
    assert files(tmp_path / "tlc") == []


def test_fewer_bytes_than_promised(get, server, tmp_path):
    server.lies_about_length = 100
    with pytest.raises(tlc.Truncated, match="broke off after"):
        get(attempts=1)
    assert not (tmp_path / "tlc" / NAME).exists()


def test_checksums_that_match_and_that_do_not(get, server, tmp_path):
    with pytest.raises(tlc.WrongChecksum, match=r"has the SHA-256 [0-9a-f]{64}, not 0{64}\. Nothing was saved"):
        get(sha256="0" * 64)
    assert files(tmp_path / "tlc") == []
    server.headers["Content-MD5"] = base64.b64encode(bytes(16)).decode()
    with pytest.raises(tlc.WrongChecksum, match="arrived damaged"):
        get()
    assert files(tmp_path / "tlc") == []
    server.headers["Content-MD5"] = base64.b64encode(hashlib.md5(MONTH).digest()).decode()
    assert get(sha256=hashlib.sha256(MONTH).hexdigest().upper()).read_bytes() == MONTH


def test_no_network(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(tlc.NoNetwork, match=r"can't be reached: is there a network\?.*TAXI_DATA=simulated") as caught:
        tlc.download("2021-01", tmp_path, base=nobody, wait=lambda _: pytest.fail("waited for a network"))
    assert not isinstance(caught.value, UsageError)
    assert files(tmp_path) == []


def test_an_address_that_is_none(tmp_path):
    with pytest.raises(tlc.ServerFailed, match="can't be asked for"):
        tlc.download("2021-01", tmp_path, base="nonsense://", wait=lambda _: None)


def test_a_network_that_goes_away_keeps_what_came(get, server, tmp_path, monkeypatch):
    server.breaks = [PIECE]
    with pytest.raises(tlc.Truncated):
        get(attempts=1)
    monkeypatch.setattr(tlc, "PUBLIC_FILES", "http://127.0.0.1:9")
    monkeypatch.delenv("TAXI_TLC_URL", raising=False)
    with pytest.raises(tlc.NoNetwork):
        tlc.download("2021-01", tmp_path / "tlc", wait=lambda _: None)
    assert (tmp_path / "tlc" / f"{NAME}.part").stat().st_size == PIECE
    assert get().read_bytes() == MONTH


def test_no_room_on_the_disk(get, tmp_path, monkeypatch):
    def full(part, _):
        part.path.write_bytes(b"PAR1 half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tlc._Part, "begin", full)
    with pytest.raises(
        monthfile.NoRoom, match=r"no room left on the disk for .*2021-01\.parquet.*Nothing half-written"
    ):
        get()
    assert files(tmp_path / "tlc") == []


def test_progress_goes_to_stderr_and_only_to_a_terminal(get, capsys):
    get(progress=True)
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "")


def test_a_misspelt_month_asks_nobody(server, tmp_path):
    with pytest.raises(trips.MonthNotFound, match="YYYY-MM"):
        tlc.download("2021-13", tmp_path, base=server.address)
    assert server.requests == []


def test_published_months_end_two_months_ago():
    assert tlc.published(date(2026, 11, 21))[-1] == "2026-09"
    assert tlc.published(date(2026, 2, 1))[-1] == "2025-12"
    assert tlc.published(date(2026, 3, 31))[-1] == "2026-01"
    assert tlc.published()[0] == "2014-01"


# --- as a source of trips


@pytest.fixture
def source(server, tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("TAXI_TLC_URL", server.address + "/")
    monkeypatch.setenv("TAXI_DATA", "tlc")
    return server


def test_load_downloads_once_and_reads_from_then_on(source, tmp_path):
    frame = trips.load("2021-01")
    assert len(frame) == 3000
    pd.testing.assert_frame_equal(trips.load("2021-01"), frame)
    assert len(source.requests) == 1
    assert trips.fetch("2021-01") == tmp_path / "data" / "tlc" / NAME


def test_load_of_a_month_that_is_not_there(source):
    with pytest.raises(tlc.NotPublished, match="no file for 2021-07"):
        trips.load("2021-07")
    asked = len(source.requests)
    with pytest.raises(trips.MonthNotFound, match="no file for 2009-01: the first is 2014-01"):
        trips.load("2009-01")
    with pytest.raises(UsageError, match="Only simulated months come in any size"):
        trips.load("2021-01", rows=5)
    assert len(source.requests) == asked, "the server is not asked what can't be"


def test_an_unwritable_cache_means_no_cache(source, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "file"))
    assert len(trips.load("2021-01")) == 3000
    assert len(source.requests) == 1
    with pytest.raises(monthfile.Unwritable, match="can't be written"):
        trips.fetch("2021-01")


def test_two_processes_wanting_one_month_download_it_once(source):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(3) as pool:
        paths = set(pool.map(lambda _: trips.fetch("2021-01"), range(3)))
    assert len(paths) == 1
    assert len(source.requests) == 1
