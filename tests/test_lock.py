"""pyproject.toml, requirements.lock and environment.yml say the same; a difference is found and named."""

import shutil
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from course_lib import lock
from course_lib.errors import CourseError

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def copy(tmp_path):
    for name in (lock.LOCK, lock.CONDA, lock.PROJECT):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_the_files_agree():
    assert lock.differences(ROOT) == []


def test_conda_users_get_every_locked_version_and_no_other():
    dependencies = yaml.safe_load((ROOT / lock.CONDA).read_text(encoding="utf-8"))["dependencies"]
    pip = next(part["pip"] for part in dependencies if isinstance(part, dict))
    assert pip[-1] == "--editable ."
    conda = sorted((r.name, str(r.specifier), str(r.marker or "")) for r in map(Requirement, pip[:-1]))
    locked = [Requirement(f"{n}=={v} ; {m}" if m else f"{n}=={v}") for n, v, m in lock.read_lock(ROOT)]
    assert conda == sorted((r.name, str(r.specifier), str(r.marker or "")) for r in locked)
    assert len(conda) > 100


def test_a_version_that_differs_is_found(copy):
    path = copy / lock.CONDA
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("pandas==3.", "pandas==2."), encoding="utf-8")
    assert lock.differences(copy) == ["environment.yml and requirements.lock differ"]


def test_a_package_that_was_asked_for_and_never_locked_is_found(copy):
    path = copy / lock.PROJECT
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"tqdm>=', '"a-new-package",\n    "tqdm>=99'), encoding="utf-8")
    found = lock.differences(copy)
    assert "pyproject.toml asks for a-new-package, and requirements.lock doesn't have it" in found
    assert any("tqdm>=99" in line for line in found)


def test_every_locked_version_is_exact_and_has_hashes():
    text = (ROOT / lock.LOCK).read_text(encoding="utf-8")
    assert lock.unpinned(text) == []
    for name, version, _ in lock.read_lock(ROOT)[::25]:  # and each would be missed
        start = text.lower().index(f"{name}=={version}")
        first = text.index("--hash=", start)
        assert len(lock.unpinned(text[:first] + "--hash=md5:0" + text[first + 78 :])) == 1, name


@pytest.mark.parametrize(
    "line",
    [
        "tqdm",
        "tqdm>=4.67",
        "tqdm==4.*",
        "tqdm==4.67.1",
        "tqdm==4.67.1 --hash=sha256:abc",
        "tqdm==4.67.1 --hash=md5:" + "0" * 64,
        "tqdm @ https://example.org/tqdm.whl --hash=sha256:" + "0" * 64,
        "https://example.org/tqdm.whl",
        "-e .",
        "--extra-index-url https://example.org",
    ],
)
def test_what_lets_anything_in_is_found(line):
    good = "idna==3.10 \\\n    --hash=sha256:" + "1" * 64 + "\n    # via requests\n"
    assert lock.unpinned(good) == []
    assert lock.unpinned(f"{good}{line}\n{good}") == [line.partition(" --hash")[0]]


def test_an_empty_or_missing_lock_says_so(copy):
    (copy / lock.LOCK).write_text("# nothing\n", encoding="utf-8")
    with pytest.raises(CourseError, match="names no package"):
        lock.read_lock(copy)
    (copy / lock.LOCK).unlink()
    with pytest.raises(CourseError, match="is missing"):
        lock.read_lock(copy)


def test_without_uv_the_lock_stays_as_it_was(copy, monkeypatch):
    before = (copy / lock.LOCK).read_bytes()
    monkeypatch.setattr(lock.shutil, "which", lambda _: None)
    with pytest.raises(CourseError, match="pip install uv"):
        lock.write_lock(copy)
    assert (copy / lock.LOCK).read_bytes() == before


@pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not installed: solving can't be tried")
def test_versions_that_can_not_fit_leave_the_lock_as_it_was(copy):
    before = (copy / lock.LOCK).read_bytes()
    path = copy / lock.PROJECT
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"tqdm>=4.67"', '"tqdm>=4.67", "tqdm<4"'), encoding="utf-8")
    with pytest.raises(CourseError, match="no set of versions"):
        lock.write_lock(copy)
    assert (copy / lock.LOCK).read_bytes() == before
    assert not list(copy.glob(".requirements*"))
