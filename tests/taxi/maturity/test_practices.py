"""Each practice: what counts as evidence, and what only looks like it."""

import pytest

from course_lib.taxi.maturity import automated, governed, managed, orchestrated, pipelines, watched
from course_lib.taxi.maturity.scan import Project
from tests.taxi.maturity.projects import MODULE, README, TEST, WORKFLOW, commit, notebook, write

CARD = (
    "# Model card: taxi-duration, version 3\n\nIntended use: riders' apps. Training data: green taxi trips of 2021-01. "
    "RMSE 6.81 minutes on the last week; by borough: Queens 6.1, Bronx 7.4. Limits: not for pricing. Owner: taxi team. "
    + "It was trained on what is known when a ride is booked and on nothing else whatever. "
    * 5
)
FLOWS = {
    "dags/a.py": "from airflow.decorators import dag\n\n@dag(schedule='@daily')\ndef monthly():\n    pass\n",
    "flow.py": "from prefect import flow, task\n\n@flow\ndef monthly():\n    pass\n",
    "assets.py": "import dagster as dg\n\n@dg.asset\ndef trips():\n    pass\n",
    "graph.py": "from dask import delayed\n\nlast = delayed(print)(1)\n",
    "dvc.yaml": "stages:\n  a:\n    cmd: python a\n    outs: [a.csv]\n  b:\n    cmd: python b\n    deps: [a.csv]\n",
    "Snakefile": "rule a:\n    input: 'x'\n    output: 'y'\n\nrule b:\n    input: 'y'\n    output: 'z'\n",
    "Makefile": "model.pkl: train.csv\n\tpython train.py\n\ntrain.csv: clean.py\n\tpython clean.py\n",
}
RULES = "groups:\n- name: taxi\n  rules:\n  - alert: ErrorTooHigh\n    expr: taxi_rmse > 9\n    for: 1h\n"
CRON = "on:\n  schedule:\n    - cron: '0 4 1 * *'\njobs:\n  a:\n    steps:\n      - run: python -m rides.pipeline\n"
GATED = (
    "def promote(client, new, old):\n    if new.rmse < old.rmse - 0.05:\n"
    "        client.set_registered_model_alias('m', 'champion', new.version)\n"
)
UNGUARDED = "def promote(client, new):\n    client.set_registered_model_alias('m', 'champion', new.version)\n"
SCHEMA = "import pandera.pandas as pa\n\nschema = pa.DataFrameSchema({'a': pa.Column(int)})\n"
SERVICE = "from flask import Flask\n\napp = Flask('a')\n\n\n@app.post('/predict')\ndef answer():\n    return {}\n"
DOCKER = "FROM python:3.11-slim\nCOPY . .\nCMD ['python', 'app.py']\n"

# the practice's function, files that are evidence
FOUND = [
    (managed.how_to_run, {"README.md": README}),
    (managed.how_to_run, {"README.rst": "words " * 40 + "\n\n    make all\n"}),
    (
        managed.locked_environment,
        {"requirements.txt": "pandas==3.0.6\n# a comment\nnumpy==2.4.6 ; python_version>'3'\n"},
    ),
    (managed.locked_environment, {"uv.lock": "[[package]]\nname = 'pandas'\nversion = '3.0.6'\n"}),
    (managed.locked_environment, {"poetry.lock": "[[package]]\nname = 'pandas'\nversion = '3.0.6'\n"}),
    (managed.locked_environment, {"Pipfile.lock": {"default": {"pandas": {"version": "==3.0.6"}}}}),
    (managed.locked_environment, {"conda-lock.yml": "package:\n- name: pandas\n  version: 3.0.6\n"}),
    (
        managed.locked_environment,
        {"environment.yml": "dependencies:\n- python=3.11\n- pandas=3.0.6\n- pip:\n  - mlflow==3.17.0\n"},
    ),
    (automated.code_in_modules, {"rides/times.py": MODULE, "tests/test_times.py": TEST}),
    (
        automated.code_in_modules,
        {"times.py": MODULE, "a.ipynb": notebook("from times import minutes\n%matplotlib inline")},
    ),
    (automated.tests, {"rides/times.py": MODULE, "tests/test_times.py": TEST}),
    (
        automated.tests,
        {
            "times.py": MODULE,
            "test_times.py": "import unittest\nimport times\n\nclass TestTimes(unittest.TestCase):\n"
            "    def test_it(self):\n        self.assertEqual(times.minutes([]), [])\n",
        },
    ),
    (automated.continuous_integration, {".github/workflows/ci.yml": WORKFLOW}),
    (automated.continuous_integration, {".gitlab-ci.yml": "test:\n  script:\n    - tox -e py311\n"}),
    (automated.continuous_integration, {"ci/run.sh": "#!/bin/sh\npython -m pytest\n"}),
    (automated.continuous_integration, {"Jenkinsfile": "stage('t') { sh 'make test' }\n"}),
    *[(pipelines.pipeline, {name: text}) for name, text in FLOWS.items()],
    (
        pipelines.pipeline,
        {f"state/{step}.json": {"step": step, "key": "a", "outputs": {"x": "b"}} for step in ("train", "clean")},
    ),
    (orchestrated.data_contract, {"a.py": SCHEMA + "\n\ndef read(x):\n    return schema.validate(x)\n"}),
    (
        orchestrated.data_contract,
        {"a.py": "from pydantic import BaseModel\n\nclass Ride(BaseModel):\n    a: int\n\nRide.model_validate({})\n"},
    ),
    (
        orchestrated.data_contract,
        {"gx/suite.json": {"expectations": [{"expectation_type": "expect_column_to_exist", "kwargs": {}}]}},
    ),
    (orchestrated.data_contract, {"a.py": "from course_lib.taxi import contract\n\ncontract.check(1)\n"}),
    (orchestrated.deployment, {"app.py": SERVICE, "Dockerfile": DOCKER}),
    (
        orchestrated.deployment,
        {"job.py": "def score_month(month):\n    return model.predict(month)\n", "Procfile": "a: b\n"},
    ),
    (watched.monitoring, {"alerts.yml": RULES}),
    (watched.monitoring, {"a.py": "rule = Rule('rmse', raise_at=9.0)\n"}),
    (watched.retraining, {".github/workflows/train.yml": CRON}),
    (watched.retraining, {"a.py": "def night(alert):\n    if alert.standing:\n        retrain('2022-01')\n"}),
    (governed.promotion_gate, {"gate.py": GATED}),
    (governed.model_card, {"docs/model_card.md": CARD}),
    (governed.review_rule, {".github/CODEOWNERS": "# who\n* @taxi-team\n"}),
]
# the practice's function, files that only look like evidence, a word of what is said
NOT_FOUND = [
    (managed.how_to_run, {"README.md": "# Taxi\n"}, "too few"),
    (managed.how_to_run, {"README.md": "words " * 60}, "no command"),
    (managed.locked_environment, {"requirements.txt": "pandas\nnumpy==2.4.6\n"}, "pandas"),
    (managed.locked_environment, {"requirements.txt": "pandas>=3,<4\n"}, "open"),
    (managed.locked_environment, {"requirements.txt": "pandas==3.*\n"}, "open"),
    (managed.locked_environment, {"requirements.txt": "# later\n"}, "no package"),
    (
        managed.locked_environment,
        {"requirements.txt": "numpy==2.4.6\n", "a.py": "import sklearn.linear_model\n"},
        "sklearn",
    ),
    (managed.locked_environment, {"environment.yml": "dependencies:\n- python=3.11\n- pandas\n"}, "pandas"),
    (managed.locked_environment, {"uv.lock": ""}, "no package"),
    (automated.code_in_modules, {"a.ipynb": notebook("def f():\n    return 1")}, "notebooks"),
    (automated.code_in_modules, {"a.py": "x = 1\n", "b.py": "import a\n"}, "no function"),
    (automated.code_in_modules, {"a.py": MODULE}, "nothing imports"),
    (
        automated.code_in_modules,
        {"times.py": MODULE, "a.ipynb": notebook("import times\n" + "x = 1\n" * 200)},
        "notebooks",
    ),
    (automated.tests, {"tests/__init__.py": ""}, "no file"),
    (automated.tests, {"rides/times.py": MODULE, "tests/test_times.py": ""}, "no test"),
    (
        automated.tests,
        {"a.py": MODULE, "test_a.py": "import a\n\ndef test_a():\n    a.minutes([])\n    assert True\n"},
        "asserts nothing",
    ),
    (
        automated.tests,
        {"a.py": MODULE, "test_a.py": "def test_a():\n    x = 1 + 1\n    assert x == 2\n"},
        "imports nothing",
    ),
    (
        automated.continuous_integration,
        {".github/workflows/ci.yml": "jobs:\n  a:\n    steps:\n      - run: echo hi\n"},
        "no test",
    ),
    (automated.continuous_integration, {".github/workflows/ci.yml": "# run: pytest\nname: pytest\n"}, "no test"),
    (pipelines.pipeline, {"Makefile": "test:\n\tpytest\n\nlint:\n\truff check\n"}, "no pipeline"),
    (pipelines.pipeline, {"dvc.yaml": "stages: {}\n"}, "no pipeline"),
    (pipelines.pipeline, {"a.py": "import airflow\n"}, "no pipeline"),
    (orchestrated.data_contract, {"a.py": SCHEMA}, "nothing is validated"),
    (orchestrated.data_contract, {"a.py": "from course_lib.taxi import contract\n"}, "no schema"),
    (orchestrated.data_contract, {"a.py": "import pandera\n"}, "no schema"),
    (orchestrated.deployment, {"Dockerfile": DOCKER}, "no code here"),
    (orchestrated.deployment, {"app.py": SERVICE}, "nothing packs"),
    (orchestrated.deployment, {"app.py": SERVICE, "Dockerfile": "# to do\n"}, "nothing packs"),
    (watched.monitoring, {"alerts.yml": "alerts: none\n", "report.html": "<p>drift</p>"}, "nobody"),
    (watched.retraining, {".github/workflows/ci.yml": WORKFLOW}, "nothing trains"),
    (watched.retraining, {"a.py": "def retrain():\n    pass\n"}, "nothing trains"),
    (governed.promotion_gate, {"gate.py": UNGUARDED}, "without comparing"),
    (governed.model_card, {"model_card.md": "# Card\n"}, "too few"),
    (governed.model_card, {"model_card.md": "words and more words " * 60}, "no measured number"),
    (governed.model_card, {"model_card.md": "It is 3.14 and nothing else is said here. " * 30}, "does not say"),
    (governed.audit_log, {"audit.jsonl": ""}, "is empty"),
    (governed.audit_log, {"audit.jsonl": '{"who": "kim"}\n'}, "no hash"),
    (governed.review_rule, {".github/CODEOWNERS": "# nobody yet\n"}, "no owner"),
    (governed.review_rule, {"lib/CODEOWNERS": "* @team\n"}, "no rule"),
]


@pytest.mark.parametrize(("look", "files"), FOUND)
def test_evidence_is_found(tmp_path, look, files):
    found = look(Project.open(write(tmp_path, files)))
    assert found.found, found.missing
    assert any(part in found.where for name in files for part in (name, name.rpartition("/")[2])), found.where


@pytest.mark.parametrize(("look", "files", "word"), NOT_FOUND)
def test_what_only_looks_like_evidence_is_not(tmp_path, look, files, word):
    found = look(Project.open(write(tmp_path, files)))
    assert not found.found, found.where
    assert word in found.missing


SECRETS = {
    "key": ("a.py", 'key = "AKIA' + 'IOSFODNN7EXAMPL2"\n'),
    "password": ("a.py", 'DB_PASSWORD = "Tr4vel' + '!ng-by-n1ght"\n'),
    "notebook": ("a.ipynb", 'db_password = "Tr4vel' + '!ng-by-n1ght"'),
    "env": (".env", "API_TOKEN=Tr4vel" + "!ng-by-n1ght\n"),
    "address": ("a.py", 'url = "postgresql://kim:Tr4vel' + '!ng9@db/trips"\n'),
}


@pytest.mark.parametrize("kind", SECRETS)
def test_secrets_are_found_and_not_repeated(tmp_path, kind):
    name, text = SECRETS[kind]
    write(tmp_path, {name: notebook(text) if name.endswith("ipynb") else text})
    found = managed.no_secrets(Project.open(tmp_path))
    assert not found.found
    assert name in found.missing
    assert "Tr4vel" not in found.missing


def test_placeholders_and_what_git_ignores_are_no_secrets(tmp_path):
    fine = {"a.py": 'PASSWORD = "changeme"\ntoken = os.environ["TOKEN"]\nurl = "postgresql://kim:${PASSWORD}@db/x"\n'}
    commit(write(tmp_path, {**fine, ".gitignore": ".env\n", ".env": "TOKEN=Tr4vel" + "!ng-by-n1ght\n"}))
    assert managed.no_secrets(Project.open(tmp_path)).found


def test_data_and_databases_in_git_are_found(tmp_path):
    rules = {".gitignore": "build/\n"}
    large = commit(write(tmp_path / "large", {**rules, "trips.csv": "1,2,3\n" * 200_000}))
    assert "trips.csv" in managed.data_kept_out(Project.open(large)).missing
    model = commit(write(tmp_path / "model", {**rules, "model.pkl": "x"}))
    assert "model.pkl" in managed.data_kept_out(Project.open(model)).missing
    sample = commit(write(tmp_path / "sample", {**rules, "sample.csv": "1,2,3\n"}))
    assert managed.data_kept_out(Project.open(sample)).found
    open_ = commit(write(tmp_path / "open", {".gitignore": "# nothing\n", "a.py": "x = 1\n"}))
    assert "no .gitignore" in managed.data_kept_out(Project.open(open_)).missing


def test_an_audit_chain_holds_or_does_not(tmp_path):
    from course_lib.taxi.governance.audit import AuditLog

    log = AuditLog(tmp_path / "audit.jsonl")
    for version in (1, 2, 3):
        log.append("promoted", f"taxi-duration/{version}", "kim", {"rmse": 6.8})
    found = governed.audit_log(Project.open(tmp_path))
    assert found.found, found.missing
    path = tmp_path / "audit.jsonl"
    path.write_text(path.read_text(encoding="utf-8").replace("6.8", "5.8", 1), encoding="utf-8")
    assert not governed.audit_log(Project.open(tmp_path)).found
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(lines[:1] + lines[2:]), encoding="utf-8")
    assert not governed.audit_log(Project.open(tmp_path)).found
