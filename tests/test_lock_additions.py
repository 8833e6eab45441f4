"""Locks on top of the course's: they fit it, name nothing twice, and a difference is found."""

import shutil
from pathlib import Path

import pytest

from course_lib import doctor, lock, lock_additions

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def copy(tmp_path):
    for name in (lock.LOCK, lock.CONDA, lock.PROJECT):
        shutil.copy(ROOT / name, tmp_path / name)
    for folder in lock_additions.FOLDERS:
        (tmp_path / folder).mkdir(parents=True)
        for name in (lock_additions.SOURCE, lock.LOCK):
            shutil.copy(ROOT / folder / name, tmp_path / folder / name)
    return tmp_path


def change(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_the_hub_s_packages_are_locked_and_none_of_them_is_the_course_s(copy):
    assert lock_additions.differences(copy) == []
    assert {"jupyterhub", "configurable-http-proxy"} <= lock_additions.known(copy)
    assert not lock_additions.known(copy) & {name for name, _, _ in lock.read_lock(copy)}


def test_differences_are_found_without_a_network(copy):
    change(copy / "deploy" / lock_additions.SOURCE, "jupyterhub>=5.5", "jupyterhub>=99")
    change(copy / "tests/deploy" / lock_additions.SOURCE, "kubernetes-validate", "never-locked")
    change(copy / "deploy" / lock.LOCK, "oauthlib==", "traitlets==")
    change(copy / "tests/deploy" / lock.LOCK, "importlib-resources==", "importlib-resources>=")
    found = "\n".join(lock.differences(copy))
    assert "deploy/requirements.in asks for jupyterhub" in found
    assert "tests/deploy/requirements.in asks for never-locked" in found
    assert "traitlets is in requirements.lock and in deploy/requirements.lock" in found
    assert "tests/deploy/requirements.lock is not exact: importlib-resources>=" in found


def test_students_copies_have_no_such_lists(tmp_path):
    for name in (lock.LOCK, lock.CONDA, lock.PROJECT):
        shutil.copy(ROOT / name, tmp_path / name)
    assert lock.differences(tmp_path) == []
    assert lock_additions.renderers(tmp_path) == {}
    assert lock_additions.known(tmp_path) == set()


def test_doctor_takes_the_hub_s_packages_for_known(copy):
    assert doctor.other_packages(copy, {"jupyterhub", "oauthlib", "numpy"}).ok
    assert not doctor.other_packages(copy, {"jupyterhub", "left-pad"}).ok


@pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not installed: solving can't be tried")
def test_a_list_that_can_not_fit_the_course_leaves_its_lock_as_it_was(copy):
    before = (copy / "deploy" / lock.LOCK).read_bytes()
    change(copy / "deploy" / lock_additions.SOURCE, "jupyterhub>=5.5", "tornado<1\njupyterhub>=5.5")
    with pytest.raises(lock.CourseError, match="no set of versions"):
        lock_additions.renderers(copy)["deploy/requirements.lock"]()
    assert (copy / "deploy" / lock.LOCK).read_bytes() == before
