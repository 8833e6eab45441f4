"""Reading what should be installed, comparing it with what is, and the fingerprint of the whole."""

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.errors import CourseError
from course_lib.taxi import environment

CONDA = """
name: taxi
channels: [conda-forge]
dependencies:
  - python=3.11
  - conda-forge::numpy>=2,<3
  - scipy==1.17.1
  - cuda=12.4=h1234_0
  - pip
  - pip:
      - Scikit_Learn==1.9.1
      - pandas[parquet]>=3.0,<3.1
      - "pywin32==311 ; sys_platform == 'a system that nobody has'"
      - --editable .
      - -r more.txt
"""


def wanted(text=CONDA):
    return {requirement.name: str(requirement.specifier) for requirement in environment.conda_requirements(text)}


def test_conda_lines_and_pip_lines_are_both_read():
    assert wanted() == {
        "python": "==3.11.*",
        "numpy": "<3,>=2",
        "scipy": "==1.17.1",
        "cuda": "==12.4.*",
        "pip": "",
        "Scikit_Learn": "==1.9.1",
        "pandas": "<3.1,>=3.0",
        "pywin32": "==311",
    }


@pytest.mark.parametrize("text", ["dependencies:", "dependencies: []", "name: x", "dependencies:\n  - pip:"])
def test_an_environment_may_ask_for_nothing(text):
    assert wanted(text) == {}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("dependencies: [a: b: c", "no YAML"),
        ("- just\n- a list", "no list “dependencies”"),
        ("dependencies: numpy", "no list “dependencies”"),
        ("dependencies:\n  - pip:\n    - numpy = 2", "“numpy = 2” is no requirement"),
        ("dependencies:\n  - '!!'", "“!!” is no requirement"),
    ],
)
def test_a_text_that_is_no_environment_is_refused_in_plain_words(text, says):
    with pytest.raises(CourseError, match=says):
        environment.conda_requirements(text)


def test_the_project_s_own_file_is_read_and_is_what_is_installed_here():
    text = environment.project_file("environment.yml").read_text(encoding="utf-8")
    table = environment.compare(environment.conda_requirements(text))
    table = table.drop(["python", "pip"])  # this file says 3.11 and later ones are fine too; uv needs no pip
    assert len(table) > 200
    assert set(table["state"]) <= {"as wanted", "not for this system"}


def test_compare_says_one_of_four_things_for_each():
    have = {"python": "3.11.7", "NumPy": "2.4.6", "scipy": "1.16.0", "scikit-learn": "1.9.1", "pandas": "3.0.6"}
    table = environment.compare(environment.conda_requirements(CONDA), have)
    assert table["state"].to_dict() == {
        "python": "as wanted",
        "numpy": "as wanted",
        "scipy": "other version",
        "cuda": "missing",
        "pip": "missing",
        "scikit-learn": "as wanted",
        "pandas": "as wanted",
        "pywin32": "not for this system",
    }
    assert table.loc["scipy", ["wanted", "installed"]].to_list() == ["==1.17.1", "1.16.0"]
    assert set(table["state"]) <= set(environment.STATES)


def test_a_pre_release_that_is_installed_counts_as_what_it_is():
    table = environment.compare(["a>=3.0", "b>=3.0"], {"a": "3.1.0rc1", "b": "3.0.0rc1"})
    assert table["state"].to_list() == ["as wanted", "other version"]


def test_comparing_nothing_gives_an_empty_table():
    assert list(environment.compare([]).columns) == ["wanted", "installed", "state"]


def test_installed_versions_hold_python_and_packages_by_canonical_name():
    found = environment.installed_versions()
    assert found["python"] == ".".join(map(str, sys.version_info[:3]))
    assert "scikit-learn" in found
    assert all(name == name.lower() and "_" not in name for name in found)


def test_project_file_says_what_is_missing(tmp_path):
    (tmp_path / "there.txt").write_text("x", encoding="utf-8")
    assert environment.project_file("there.txt", tmp_path) == tmp_path / "there.txt"
    with pytest.raises(environment.NoProjectFile, match=r"no environment\.yml"):
        environment.project_file("environment.yml", tmp_path)


names = st.from_regex(r"[a-z][a-z0-9]{0,5}(-[a-z0-9]{1,3})?", fullmatch=True)
versions = st.from_regex(r"[1-9](\.[0-9]{1,2}){0,2}", fullmatch=True)
packages = st.dictionaries(names, versions, max_size=6)


@given(packages, st.randoms())
def test_order_and_spelling_do_not_change_the_fingerprint(found, random):
    items = [(name.replace("-", random.choice("-_.")).upper(), version + ".0") for name, version in found.items()]
    random.shuffle(items)
    assert environment.fingerprint(dict(items)) == environment.fingerprint(found)


@given(packages.filter(bool), versions)
def test_any_change_of_a_version_changes_it(found, version):
    from packaging.version import Version

    name = next(iter(found))
    same = Version(found[name]) == Version(version)
    assert (environment.fingerprint({**found, name: version}) == environment.fingerprint(found)) is same
    assert environment.fingerprint({k: v for k, v in found.items() if k != name}) != environment.fingerprint(found)


def test_names_and_versions_are_kept_apart():
    assert environment.fingerprint({"a1": "1.5"}) != environment.fingerprint({"a": "11.5"})
    assert environment.fingerprint({"a": "1", "b": "2"}) != environment.fingerprint({"a": "2", "b": "1"})


def test_importing_setuptools_installs_nothing(tmp_path, monkeypatch):
    before = environment.fingerprint()
    private = tmp_path / "_vendor" / "only_setuptools_has_it-1.0.dist-info"
    private.mkdir(parents=True)
    (private / "METADATA").write_text("Metadata-Version: 2.1\nName: only-setuptools-has-it\nVersion: 1.0\n", "utf-8")
    monkeypatch.syspath_prepend(private.parent)
    assert environment.fingerprint() == before


def test_the_fingerprint_of_this_place_is_the_same_in_another_process():
    code = "from course_lib.taxi import environment; print(environment.fingerprint())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": "12"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == environment.fingerprint()
    assert len(environment.fingerprint()) == 64
