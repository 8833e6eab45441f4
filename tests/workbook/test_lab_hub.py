"""What a student's server is started with when JupyterHub starts it, short of the hub itself."""

import pytest

from course_lib.errors import CourseError, UsageError
from course_lib.workbook import lab_hub
from tests.workbook.test_handout import Authors

HUB = {"JUPYTERHUB_USER": "alice", "JUPYTERHUB_API_TOKEN": "t", "PATH": "/usr/bin"}


@pytest.fixture
def given(tmp_path):
    """The environment that a hub gives a student's server, and the course published."""
    authors = Authors(tmp_path)
    return HUB | {"COURSE_RELEASE": authors.repository, "COURSE_FOLDER": str(tmp_path / "home/workbook")}


def test_the_first_start_brings_the_workbook_and_the_next_one_news(given, tmp_path):
    server = lab_hub.hub_server(given)
    assert server.folder == tmp_path / "home/workbook/modules"
    assert (server.folder / "start.ipynb").is_file()
    assert server.told == ["The course is here: 6 files."]
    assert server.environment["COURSE_STUDENT"] == "alice"
    assert server.environment["COURSE_ROOT"] == str(tmp_path / "home/workbook")
    assert server.environment["DO_NOT_TRACK"] == "true"
    assert lab_hub.hub_server(given).told == ["Nothing new."]


def test_a_release_that_is_gone_keeps_nobody_from_work_that_is_there(given, tmp_path):
    lab_hub.hub_server(given)
    (tmp_path / "release.git").rename(tmp_path / "away.git")
    (told,) = lab_hub.hub_server(given).told
    assert told.startswith("The workbook stays as it is, because no newer one can be had: `git fetch` failed")
    with pytest.raises(CourseError, match="git fetch"):
        lab_hub.hub_server(given | {"COURSE_FOLDER": str(tmp_path / "other")})


def test_idle_kernels_and_servers_end_when_the_hub_says_so(given):
    assert not any("cull" in option for option in lab_hub.hub_server(given).options)
    options = lab_hub.hub_server(given | {"COURSE_IDLE": "7200"}).options
    assert "--MappingKernelManager.cull_idle_timeout=7200" in options
    assert "--ServerApp.shutdown_no_activity_timeout=7200" in options
    for wrong in ("two hours", "0", "-5"):
        with pytest.raises(UsageError, match="COURSE_IDLE is a number of seconds"):
            lab_hub.hub_server(given | {"COURSE_IDLE": wrong})


def test_without_a_hub_it_says_what_to_type():
    with pytest.raises(UsageError, match="`course lab` opens the workbook"):
        lab_hub.hub_server({"PATH": "/usr/bin"})


def test_without_jupyterhub_s_package_it_says_how_to_install_it(given, monkeypatch, tmp_path):
    monkeypatch.setitem(lab_hub.sys.modules, "jupyterhub", None)
    monkeypatch.setattr(lab_hub.sys, "argv", ["course"])
    monkeypatch.setattr(lab_hub.os, "environ", {})
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CourseError, match=r"-r deploy/requirements\.lock"):
        lab_hub.serve(lab_hub.hub_server(given))
