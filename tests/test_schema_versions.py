"""Versions of tables, read from Alembic's scripts without Alembic."""

from __future__ import annotations

from pathlib import Path

import mlflow
import nbgrader
import pytest
from alembic.script import ScriptDirectory

from course_lib.schema_versions import newest_first

SCRIPTS = {
    "mlflow": Path(mlflow.__file__).parent / "store" / "db_migrations",
    "nbgrader": Path(nbgrader.__file__).parent / "alembic",
}


def write(folder, **scripts):
    for name, before in scripts.items():
        text = f'"""What it does.\n\nRevises: {before}\n"""\nrevision: str = "{name}"\ndown_revision = {before!r}\n'
        (folder / f"{name}_said.py").write_text(text, encoding="utf-8")


@pytest.mark.parametrize("package", SCRIPTS)
def test_it_says_what_alembic_says(package):
    theirs = [script.revision for script in ScriptDirectory(str(SCRIPTS[package])).walk_revisions()]
    assert list(newest_first(SCRIPTS[package] / "versions")) == theirs


def test_two_lines_that_were_joined(tmp_path):
    write(tmp_path, one=None, left="one", right="one", both=("left", "right"))
    (tmp_path / "helper.py").write_text("x = 1\n", encoding="utf-8")
    assert newest_first(tmp_path) == ("both", "left", "right", "one")


@pytest.mark.parametrize(
    ("scripts", "told"),
    [
        ({}, "0 newest versions: no script"),
        ({"one": None, "two": "one", "three": "one"}, "2 newest versions: three, two"),
    ],
)
def test_no_single_newest_version(tmp_path, scripts, told):
    write(tmp_path, **scripts)
    with pytest.raises(ValueError, match=told):
        newest_first(tmp_path)
