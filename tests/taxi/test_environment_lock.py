"""Lock files: versions, hashes, and who asked for what."""

import pytest

from course_lib.errors import CourseError
from course_lib.taxi import environment

LOCK = """\
# Written by a tool; don't edit.
Flask==3.1.3 \\
    --hash=sha256:aaaa \\
    --hash=sha256:bbbb
    # via
    #   the-project (pyproject.toml)
    #   mlflow
colorama==0.4.6 ; sys_platform == 'win32' \\
    --hash=sha256:cccc
    # via click
click==8.3.0 \\
    --hash=sha256:dddd
    # via flask
mlflow==3.17.2 \\
    --hash=sha256:eeee
    # via the-project (pyproject.toml)
"""


def test_every_part_of_a_pin_is_read():
    flask, colorama, *_ = environment.read_lock(LOCK)
    assert flask == environment.Pin("flask", "3.1.3", "", ("sha256:aaaa", "sha256:bbbb"), ("the-project", "mlflow"))
    assert colorama == environment.Pin("colorama", "0.4.6", "sys_platform == 'win32'", ("sha256:cccc",), ("click",))


def test_what_asks_for_what():
    pins = environment.read_lock(LOCK)
    assert environment.required_by(pins, "The_Project") == {"flask", "mlflow"}
    assert environment.rests_on(pins, "mlflow") == {"flask", "click", "colorama"}
    assert environment.rests_on(pins, "colorama") == set()


def test_a_circle_of_packages_ends():
    pins = environment.read_lock("a==1\n    # via b\nb==1\n    # via a\n")
    assert environment.rests_on(pins, "a") == {"b"}


@pytest.mark.parametrize("text", ["", "# only a comment\n", "<html>404</html>"])
def test_a_damaged_lock_is_no_empty_environment(text):
    with pytest.raises(CourseError, match="names no package"):
        environment.read_lock(text)


def test_the_project_s_own_lock_has_hashes_for_every_package_and_somebody_who_asked():
    pins = environment.read_lock(environment.project_file("requirements.lock").read_text(encoding="utf-8"))
    assert len(pins) > 200
    assert all(pin.hashes and pin.via for pin in pins)
    assert all(h.startswith("sha256:") and len(h) == 71 for pin in pins for h in pin.hashes)
    assert environment.rests_on(pins, "jupyterlab") > environment.required_by(pins, "jupyterlab")
