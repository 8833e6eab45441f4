"""Git's own files, read without git: the same answers as git gives."""

import pytest

from course_lib.taxi.maturity import repository
from tests.taxi.maturity.projects import MANAGED, commit, git, write


@pytest.mark.parametrize("version", [2, 3, 4])
def test_the_index_is_what_git_says(tmp_path, version):
    files = {f"{'x' * length}/{length}é.txt": "1" for length in range(1, 40)}
    commit(write(tmp_path, {**MANAGED, **files}))
    if version == 3:
        git(tmp_path, "rm", "--cached", "-q", "README.md")
        git(tmp_path, "add", "--intent-to-add", "README.md")
    git(tmp_path, "update-index", "--index-version", str(4 if version == 4 else 2))
    found = repository.find(tmp_path)
    assert found.tracked == set(git(tmp_path, "-c", "core.quotePath=false", "ls-files").splitlines())
    assert (found.branch, found.commit) == ("main", git(tmp_path, "rev-parse", "HEAD"))


def test_packed_and_detached_heads(tmp_path):
    commit(write(tmp_path, MANAGED))
    head = git(tmp_path, "rev-parse", "HEAD")
    git(tmp_path, "pack-refs", "--all")
    assert repository.find(tmp_path).commit == head
    git(tmp_path, "checkout", "-q", "--detach")
    found = repository.find(tmp_path)
    assert (found.branch, found.commit) == ("no branch", head)


def test_worktrees_and_folders_inside(tmp_path):
    commit(write(tmp_path / "main", MANAGED))
    git(tmp_path / "main", "worktree", "add", "-q", str(tmp_path / "other"))
    other = repository.find(tmp_path / "other")
    assert "rides/times.py" in other.tracked
    inside = repository.find(tmp_path / "main" / "rides")
    assert inside.tracked == {"__init__.py", "times.py"}
    assert inside.root == tmp_path / "main"


def test_what_is_no_repository_yet(tmp_path):
    write(tmp_path, MANAGED)
    with pytest.raises(repository.NoRepository, match="no Git repository"):
        repository.find(tmp_path)
    git(tmp_path, "init", "-q")
    with pytest.raises(repository.NoRepository, match="without a single commit"):
        repository.find(tmp_path)
    (tmp_path / ".git" / "HEAD").unlink()
    with pytest.raises(repository.NoRepository, match="can't be read"):
        repository.find(tmp_path)


def test_a_damaged_index_is_said(tmp_path):
    commit(write(tmp_path, MANAGED))
    (tmp_path / ".git" / "index").write_bytes(b"DIRC\0\0\0\2\0\0\xff\xff")
    with pytest.raises(repository.NoRepository, match="can't be read"):
        repository.find(tmp_path)
