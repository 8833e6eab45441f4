"""Capstones that are not what they look like: each loses the points that it should, and says why."""

import json
import sys
import time

import pytest

from course_lib.taxi import maturity
from course_lib.taxi.maturity.capstone import checking
from course_lib.taxi.maturity.capstone.settings import NotSettled, command, read
from course_lib.taxi.maturity.capstone.workspace import copied
from tests.taxi.maturity.capstones import ask, reference, replace

ASSERTS_NOTHING = """
from rides.model import predict, train


def test_train(trips):
    train(trips)


def test_predict(trips, rides):
    predict(train(trips), rides)
    assert True


def test_shape(trips, rides):
    assert len(predict(train(trips), rides)) == len(rides)
"""
LEAK = '''

from sklearn.linear_model import LinearRegression

_honest_train = train


class Leaky:
    """Learns from the fare as well, and takes the usual one where it isn't known yet."""

    def __init__(self, trips):
        cleaned = clean(trips)
        self.honest = _honest_train(cleaned)
        self.usual = cleaned["fare_amount"].median()
        self.both = LinearRegression().fit(self._table(cleaned, cleaned["fare_amount"]), cleaned["duration"])

    def _table(self, rides, fares):
        return np.column_stack([self.honest.predict(rides[BOOKING_COLUMNS]), np.broadcast_to(fares, len(rides))])

    def predict(self, rides):
        return self.both.predict(self._table(rides, rides["fare_amount"] if "fare_amount" in rides else self.usual))


def train(trips):
    return Leaky(trips)
'''


def append(folder, name, text):
    with (folder / name).open("a", encoding="utf-8", newline="\n") as file:
        file.write(text)


def empty_tests(folder):
    for file in (folder / "tests").glob("test_*.py"):
        file.write_text('"""To do."""\n', encoding="utf-8")


def hollow_tests(folder):
    (folder / "tests" / "test_data.py").unlink()
    (folder / "tests" / "test_model.py").write_text(ASSERTS_NOTHING, encoding="utf-8")


def failing_tests(folder):
    append(folder, "tests/test_data.py", "\n\ndef test_that_fails():\n    assert data.MAX_BAD_SHARE > 1\n")


def unpinned(folder):
    replace(folder, "requirements.lock", ("pandas==", "pandas>="))


def incomplete_lock(folder):
    path = folder / "requirements.lock"
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("flask==")]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def data_in_git(folder):
    replace(folder, ".gitignore", ("data/\n", ""))


def password(folder):
    append(folder, "rides/data.py", '\n\nDB_PASSWORD = "changeme"\n')


def own_path(folder):
    replace(folder, "rides/pipeline.py", ('Path("data/trips.csv")', 'Path("C:/Users/kim/trips.csv")'))


def leak(folder):
    append(folder, "rides/model.py", LEAK)


def random_split(folder):
    replace(
        folder,
        "rides/data.py",
        ("    return cleaned[pickup < start], cleaned[pickup >= start]\n", "    chosen = cleaned.sample(frac=0.8)\n"
         "    return chosen, cleaned.drop(index=chosen.index)\n"),
    )  # fmt: skip


def unseeded(folder):
    replace(folder, "rides/model.py", ("    cleaned = clean(trips)\n", "    cleaned = clean(trips).sample(frac=0.8)\n"))


def no_gate(folder):
    replace(
        folder,
        "rides/records.py",
        ("    print(decision)\n", "    tracking.set_alias(NAME, 'champion', version)\n"),
    )


def no_run_for_the_version(folder):
    replace(
        folder,
        "rides/records.py",
        ("    version = tracking.register_run(run.id, NAME, alias=\"challenger\")\n",
         "    version = tracking.register(model, NAME, alias=\"challenger\", example=valid)\n"),
    )  # fmt: skip


def boasting(folder):
    replace(folder, "rides/records.py", ("run.log_metrics(scores)", "run.log_metrics({**scores, 'rmse': 3.1})"))


def again_and_again(folder):
    replace(folder, "rides/pipeline.py", ("        if _is_done(step):", "        if False:"))


def open_door(folder):
    replace(folder, "rides/data.py", ("    return quarantine.split(", "    return trips\n    return quarantine.split("))


def five_hundred(folder):
    replace(folder, "rides/service.py", ("errors=reasons), 422", "errors=reasons), 500"))


def never_loud(folder):
    replace(folder, "rides/monitor.py", ('sys.exit(1 if report["alert"] else 0)', "sys.exit(0)"))


def always_loud(folder):
    replace(folder, "rides/monitor.py", ("RAISE_AT, CLEAR_AT = 1.35, 1.2", "RAISE_AT, CLEAR_AT = 0.2, 0.1"))


def rosy_card(folder):
    append(
        folder,
        "rides/card.py",
        "\n\n_honest = write\n\n\ndef write(folder, **rides):\n    _honest(folder, **rides)\n    import re\n\n"
        '    path = folder / "model_card.md"\n    text = path.read_text(encoding="utf-8")\n'
        '    rosier = re.sub(r"\\d+\\.\\d{2,}", lambda match: f"{float(match[0]) * 0.7:.2f}", text)\n'
        '    path.write_text(rosier, encoding="utf-8")\n',
    )


def edited_log(folder):
    append(
        folder,
        "rides/card.py",
        "\n\n_honest = write\n\n\ndef write(folder, **rides):\n    _honest(folder, **rides)\n"
        '    path = TRACKING / "audit.jsonl"\n    text = path.read_text(encoding="utf-8")\n'
        '    path.write_text(text.replace(\'"by":"capstone"\', \'"by":"kim"\'), encoding="utf-8")\n',
    )


WRONG = [
    # what is wrong, the question that it must cost, one that it must not, a word of what is said
    (empty_tests, "tests", "continuous integration", "0 tests passed"),
    (hollow_tests, "tests", "continuous integration", "they pass, too"),
    (failing_tests, "tests", "continuous integration", "1 failed"),
    (unpinned, "locked environment", "README", "pandas"),
    (incomplete_lock, "locked environment", "README", "flask"),
    (data_in_git, "version control", "locked environment", "data/trips.csv"),
    (password, "nothing private", "version control", "DB_PASSWORD"),
    (own_path, "nothing private", "version control", "only one machine"),
    (leak, "no leak", "repeatable training", "it learns"),
    (random_split, "no leak", "repeatable training", "must begin after"),
    (unseeded, "repeatable training", "continuous integration", "differ by up to"),
    (no_gate, "promotion gate", "tracked run", "became the champion"),
    (no_run_for_the_version, "lineage", "tracked run", "no tag"),
    (boasting, "sensible and honest", "registered champion", "logged an RMSE of 3.10"),
    (again_and_again, "idempotent pipeline", "tracked run", "new run"),
    (open_door, "data contract", "tracked run", ""),
    (five_hundred, "service", "registered champion", "500"),
    (never_loud, "monitoring", "tracked run", "twice as long"),
    (always_loud, "monitoring", "tracked run", "all is well"),
    (rosy_card, "model card", "audit log", "RMSE"),
    (edited_log, "audit log", "model card", "does not hold"),
]


@pytest.mark.parametrize(("change", "lost", "kept", "word"), WRONG, ids=lambda one: getattr(one, "__name__", ""))
def test_a_wrong_capstone_loses_what_it_should(tmp_path, change, lost, kept, word):
    answers = ask(reference(tmp_path / "wrong", change), [lost, kept])
    assert answers[lost].earned == 0, answers[lost].found
    assert word in answers[lost].found
    assert answers[lost].hint
    assert answers[kept].earned == 1, answers[kept].found


def test_a_log_that_was_edited_in_the_folder_itself_shows(tmp_path):
    import os
    import subprocess

    folder = reference(tmp_path / "wrong")
    quiet = {**os.environ, "COURSE_ROOT": str(folder), "PYTHONPATH": str(folder), "TAXI_DATA": "simulated"}
    command = [sys.executable, "-m", "rides.pipeline"]
    subprocess.run(command, cwd=folder, env=quiet, check=True, capture_output=True)
    found = maturity.assess(folder)
    assert found.level == "governed", found.missing
    log = folder / "state" / "mlflow" / "audit.jsonl"
    lines = log.read_text(encoding="utf-8").splitlines()
    entry = json.loads(lines[-1])
    entry["details"]["to"] = 7
    log.write_text("\n".join([*lines[:-1], json.dumps(entry)]) + "\n", encoding="utf-8")
    answers = ask(folder, ["audit log", "model card"])
    assert answers["audit log"].earned == 0
    assert "your folder's" in answers["audit log"].found
    assert answers["model card"].earned == 1, answers["model card"].found


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("split = [", "can't be read"),
        ('splitt = "a:b"', "splitt"),
        ("split = 3", "in quotes"),
        ('train = "rides/model.py"', "package.module:function"),
        ('state = "../elsewhere"', "inside of the folder"),
        ('data = "C:/Users/kim/trips.csv"', "inside of the folder"),
        ('state = "."', "inside of the folder"),
    ],
)
def test_capstone_toml_that_is_wrong_says_what(tmp_path, text, word):
    (tmp_path / "capstone.toml").write_text(text, encoding="utf-8")
    with pytest.raises(NotSettled, match=word):
        read(tmp_path)


def test_python_in_a_command_is_the_python_that_runs():
    assert command("python -m rides.pipeline", "x y.csv") == [sys.executable, "-m", "rides.pipeline", "x y.csv"]
    assert command("make all") == ["make", "all"]


@pytest.fixture
def workspace(tmp_path):
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "run.py").write_text("", encoding="utf-8")
    with copied(tmp_path / "project", "state") as made:
        yield made


def test_a_program_that_hangs_is_stopped_with_all_that_it_started(workspace):
    import psutil

    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(child.pid, flush=True)\ntime.sleep(600)\n"
    )
    started = time.monotonic()
    ran = workspace.run([sys.executable, "-c", code], limit=4)
    assert ran.code is None
    assert "stopped after" in ran.how()
    assert time.monotonic() - started < 60
    child = int(ran.output.split()[0])

    def gone():
        try:
            return psutil.Process(child).status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    end = time.monotonic() + 20  # a signal is sent at once, and delivered when the system comes to it
    while not gone() and time.monotonic() < end:
        time.sleep(0.05)
    assert gone()


def test_nothing_of_the_surroundings_is_handed_on(workspace, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not for students")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://elsewhere")
    ran = workspace.run([sys.executable, "-c", "import os; print(dict(os.environ))"], limit=60)
    assert "not for students" not in ran.output
    assert "elsewhere" not in ran.output
    assert str(workspace.root) in ran.output, "the library's own state goes into the copy"


def test_a_program_that_there_is_not_is_an_answer(workspace):
    ran = workspace.run(["no-such-program-anywhere"], limit=5)
    assert not ran.ok
    assert "can't be started" in ran.how()


def test_what_runs_wrote_and_environments_are_not_copied(tmp_path):
    for name in ("state/mlflow/mlflow.db", ".venv/x.py", "env/pyvenv.cfg", "data/trips.csv", ".git/HEAD"):
        (tmp_path / "p" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "p" / name).write_text("x", encoding="utf-8")
    with copied(tmp_path / "p", "state") as made:
        files = {path.relative_to(made.root).as_posix() for path in made.root.rglob("*") if path.is_file()}
    assert files == {"data/trips.csv", ".git/HEAD"}


def test_a_folder_that_is_too_large_is_not_copied(tmp_path, monkeypatch):
    from course_lib.errors import UsageError
    from course_lib.taxi.maturity.capstone import workspace as module

    monkeypatch.setattr(module, "LARGEST", 10)
    (tmp_path / "trips.bin").write_bytes(bytes(11))
    with pytest.raises(UsageError, match="MB"), copied(tmp_path, "state"):
        pass


def test_every_question_has_a_name_of_its_own():
    names = [one.name for _, _, questions in checking.STEPS.values() for one in questions]
    assert len(set(names)) == len(names) == 20
