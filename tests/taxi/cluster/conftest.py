"""A cluster of processes, a store, and months in it, for the tests of this folder."""

from __future__ import annotations

import shutil
import time

import pytest

from course_lib.taxi import monthfile, storage, trips
from tests.taxi.cluster.processes import KEYS, answers, processes
from tests.taxi.pipelines import own_data

MONTHS = ["2021-01", "2021-02", "2021-03"]
ROWS = 600


@pytest.fixture(scope="module", autouse=True)
def data_dir(tmp_path_factory):
    with own_data(tmp_path_factory.mktemp("data")):
        yield


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder with the files of three months."""
    folder = tmp_path_factory.mktemp("files")
    for month in MONTHS:
        shutil.copy(trips.fetch(month, source="simulated", rows=ROWS), folder / monthfile.name_of(month))
    return folder


@pytest.fixture
def running(tmp_path):
    """Starts processes; none is left after the test."""
    with processes(tmp_path / "running") as made:
        (tmp_path / "running").mkdir(exist_ok=True)
        yield made


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """The address of a bucket in a store on this machine; processes started meanwhile find the store by themselves."""
    folder = tmp_path_factory.mktemp("store")
    with processes(folder) as made, pytest.MonkeyPatch.context() as patch:
        endpoint = made.s3()
        for name, value in {**KEYS, "FSSPEC_S3_ENDPOINT_URL": endpoint}.items():
            patch.setenv(name, value)
        deadline = time.monotonic() + 60
        while not answers(endpoint):
            assert time.monotonic() < deadline, made.log()
            time.sleep(0.05)
        settled(endpoint)
        storage.at("s3://taxi").system().mkdir("taxi")
        yield "s3://taxi"
    settled(None)


@pytest.fixture
def months_in_store(store, files, request):
    """The address of a folder of the store that holds the months' files."""
    place = storage.at(f"{store}/{request.node.name}/months")
    for month in MONTHS:
        place.send(files / monthfile.name_of(month), monthfile.name_of(month))
    return place.url


def settled(endpoint):
    """fsspec reads the environment once, when it is loaded; tests change it later."""
    import fsspec
    import s3fs

    if endpoint:
        fsspec.config.conf.setdefault("s3", {})["endpoint_url"] = endpoint
    else:
        fsspec.config.conf.get("s3", {}).pop("endpoint_url", None)
    s3fs.S3FileSystem.clear_instance_cache()
