"""Ports, and JupyterLab started for real: it answers, at the start page, and ends when told."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from course_lib.errors import CourseError, UsageError
from course_lib.paths import project_root
from course_lib.workbook import lab, ports


def test_a_port_in_use_is_named_with_one_that_is_free():
    with socket.socket() as taken:
        taken.bind((ports.HOST, 0))
        taken.listen()
        number = taken.getsockname()[1]
        with pytest.raises(ports.PortInUse, match=rf"port {number} is in use\. Type --port \d+"):
            ports.find_free_port(number)
    assert ports.find_free_port(number) == number


def test_any_port_will_do_when_none_is_wanted():
    assert 1024 <= ports.find_free_port() <= 65535


@pytest.mark.parametrize("number", [0, -1, 70000])
def test_a_number_that_is_no_port_is_refused(number):
    with pytest.raises(UsageError, match="from 1 to 65535"):
        ports.find_free_port(number)


def test_a_copy_without_modules_says_so(tmp_path):
    with pytest.raises(CourseError, match=r"start\.ipynb is missing"):
        lab.lab_command(tmp_path)


def test_programs_of_the_environment_come_first_and_nobody_phones_home():
    environment = lab.lab_environment({"PATH": "/usr/bin"})
    assert environment["PATH"].split(os.pathsep)[1:] == ["/usr/bin"]
    assert environment["DO_NOT_TRACK"] == environment["MLFLOW_DISABLE_TELEMETRY"] == "true"


def test_formgrader_sees_the_whole_course_and_students_their_modules(tmp_path):
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / lab.START).touch()
    assert f"--ServerApp.root_dir={tmp_path / 'modules'}" in lab.lab_command(tmp_path)
    with pytest.raises(CourseError, match=r"Formgrader needs nbgrader_config\.py and solutions/"):
        lab.lab_command(tmp_path, formgrader=True)
    (tmp_path / "solutions").mkdir()
    (tmp_path / "nbgrader_config.py").touch()
    assert f"--ServerApp.root_dir={tmp_path}" in lab.lab_command(tmp_path, formgrader=True)


def test_nbgrader_finds_our_templates_and_settings_and_whatever_else_was_named():
    environment = lab.lab_environment({"JUPYTER_PATH": "mine"})
    ours, other = environment["JUPYTER_PATH"].split(os.pathsep)
    assert other == "mine"
    assert (Path(ours) / "nbconvert/templates/formgrade/mathjax.html.j2").is_file()
    assert (Path(environment["JUPYTER_CONFIG_PATH"]) / "nbgrader_config.py").is_file()


def test_jupyterlab_starts_at_the_start_page(tmp_path):
    port = ports.find_free_port()
    command = [*lab.lab_command(project_root(), port=port, browser=False), "--IdentityProvider.token=secret"]
    environment = lab.lab_environment() | {"JUPYTER_CONFIG_DIR": str(tmp_path), "JUPYTER_RUNTIME_DIR": str(tmp_path)}
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        try:
            page = _fetch(f"http://{ports.HOST}:{port}/lab/tree/{lab.START}?token=secret", server)
            assert "jupyter-config-data" in page
            listed = _fetch(f"http://{ports.HOST}:{port}/api/contents/{lab.START}?content=0&token=secret", server)
            assert '"type": "notebook"' in listed
        finally:
            server.send_signal(signal.SIGTERM) if sys.platform != "win32" else server.terminate()
            server.wait(30)


def _fetch(url: str, server: subprocess.Popen, patience: float = 90) -> str:
    until = time.monotonic() + patience
    while True:
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return answer.read().decode()
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            assert server.poll() is None, "JupyterLab ended"
            assert time.monotonic() < until, "JupyterLab doesn't answer"
            time.sleep(0.3)
