"""A month is run as far as it must be and no further; what is done is trusted only while it can be proved."""

import dataclasses
import json
import shutil
import threading

import pytest
from filelock import FileLock

from course_lib.errors import UsageError
from course_lib.taxi import monthfile, pipeline, pipeline_files, pipeline_run, pipeline_steps
from course_lib.taxi import pipeline_manifest as manifests
from tests.taxi.pipelines import month_file, settings, state_of

MONTH = "2021-03"
DONE = pipeline.STEPS[:-1]


@pytest.fixture(scope="module", autouse=True)
def data_dir(tmp_path_factory):
    """Simulated months go to a folder of the tests' own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_DATA_DIR", str(tmp_path_factory.mktemp("data")))
        patch.delenv("TAXI_DATA", raising=False)
        yield


@pytest.fixture(scope="module")
def done_once(tmp_path_factory, data_dir):  # noqa: ARG001
    folder = tmp_path_factory.mktemp("once")
    assert run(folder).ok
    return folder


@pytest.fixture
def state(done_once, tmp_path):
    """A state folder in which the month is done but for its registration."""
    return shutil.copytree(done_once, tmp_path / "state", ignore=shutil.ignore_patterns(".lock"))


def run(folder, wanted=None, **options):
    options = {"until": "evaluate", **options}
    return pipeline.run_month(MONTH, wanted or settings(), folder=folder, tracking=folder / "mlflow", **options)


def did(result):
    return [step for step in DONE if result.did.get(step) == "ran"]


def test_a_month_is_run_once_and_then_left_alone(state):
    before = {path: path.stat().st_mtime_ns for path in state.rglob("*.*") if path.name != ".lock"}
    again = run(state)
    assert again.did == dict.fromkeys(DONE, "unchanged")
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert again.outputs["evaluate"].metrics == pipeline.manifest(state, MONTH, "evaluate").result["metrics"]


def test_manifests_say_what_was_done_from_what(state):
    train = pipeline.manifest(state, MONTH, "train")
    tables = pipeline.manifest(state, MONTH, "features")
    assert train.parameters == {"model": "mean", "random_state": 0}
    assert train.inputs == {
        "features.train": tables.outputs["train"].sha256,
        "features.evaluation": tables.outputs["evaluation"].sha256,
    }
    assert set(train.libraries) == {"scikit-learn", "numpy", "pandas", "python"}
    assert train.code == pipeline.code_hash("train")
    assert train.rows == tables.result["rows_train"]
    assert train.outputs["model"].path == state / MONTH / "model.pkl"
    assert train.seconds >= 0
    assert pipeline.manifest(state, "2021-04", "train") is None


@pytest.mark.parametrize(
    ("changes", "first"),
    [
        ({"rows": 310}, ["ingest", "validate", "features", "train", "evaluate"]),
        ({"max_bad_share": 0.5}, ["validate"]),  # it comes out the same, so nothing after it is run
        ({"evaluation_days": 5}, ["features", "train", "evaluate"]),
        ({"max_minutes": 30}, ["features", "train", "evaluate"]),
        ({"model": "rule_of_thumb"}, ["train", "evaluate"]),
        ({"random_state": 1}, ["train"]),  # the mean doesn't care
        ({"model_name": "other", "margin": 1.0}, []),
    ],
)
def test_a_setting_reruns_the_steps_that_read_it_and_those_whose_inputs_change(state, changes, first):
    assert did(run(state, settings(**changes))) == first


def test_force_runs_everything(state):
    before = state_of(state)
    assert did(run(state, force=True)) == list(DONE)
    assert state_of(state) == before


def test_changed_code_makes_a_step_stale(state, monkeypatch):
    monkeypatch.setattr(manifests, "code_hash", lambda step: "new" if step == "features" else pipeline.code_hash(step))
    assert did(run(state)) == ["features"]


def test_another_library_makes_a_step_stale(state, monkeypatch):
    real = manifests.metadata.version
    monkeypatch.setattr(manifests.metadata, "version", lambda name: "9.9" if name == "scikit-learn" else real(name))
    assert did(run(state)) == ["train", "evaluate"]


@pytest.mark.parametrize(
    ("file", "reruns"),
    [
        ("raw.parquet", ["ingest"]),
        ("quarantined.parquet", ["validate"]),
        ("train.parquet", ["features"]),
        ("model.pkl", ["train"]),
        ("scores.json", ["evaluate"]),
    ],
)
@pytest.mark.parametrize("harm", ["gone", "cut", "one bit", "empty"])
def test_a_file_that_is_not_what_it_was_is_made_again(state, file, reruns, harm):
    before = state_of(state)
    path = state / MONTH / file
    content = bytearray(path.read_bytes())
    if harm == "gone":
        path.unlink()
    elif harm == "one bit":
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    else:
        path.write_bytes(content[: len(content) // 2] if harm == "cut" else b"")
    assert did(run(state)) == reruns
    assert state_of(state) == before


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"step": "train"}', '{"outputs": {}}', "\x00" * 40])
def test_a_manifest_that_cannot_be_read_counts_as_none(state, content):
    before = state_of(state)
    (state / MONTH / "train.json").write_text(content, encoding="utf-8")
    assert did(run(state)) == ["train"]
    assert state_of(state) == before


def test_a_manifest_of_another_month_is_not_believed(state):
    (state / "2021-04").mkdir()
    shutil.copy(state / MONTH / "ingest.json", state / "2021-04")
    assert pipeline.manifest(state, "2021-04", "ingest") is None


def test_what_killed_processes_left_is_swept(state):
    left = state / MONTH / ".model.pkl.0123.part"
    left.write_bytes(b"half a model")
    run(state)
    assert not left.exists()


def test_a_file_that_changes_at_the_source_is_taken_in_again(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    path = month_file(source, MONTH)
    wanted = settings(source=str(source), rows=None)
    assert did(run(tmp_path, wanted)) == list(DONE)
    assert did(run(tmp_path, wanted)) == []
    month_file(source, MONTH, lambda frame: frame.iloc[5:])
    assert did(run(tmp_path, wanted)) == list(DONE)
    path.unlink()  # what was taken in once stays
    assert did(run(tmp_path, wanted)) == []


def test_a_failure_is_a_result_that_names_step_and_reason_and_leaves_its_story(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    month_file(source, MONTH, lambda frame: frame.assign(PULocationID=999))
    wanted = settings(source=str(source), rows=None)
    result = run(tmp_path, wanted)
    assert not result.ok
    assert result.did == {
        "ingest": "ran",
        "validate": "failed",
        "features": "skipped",
        "train": "skipped",
        "evaluate": "skipped",
    }
    assert result.failed_step == "validate"
    assert "PULocationID: zones have the numbers 1 to 265 (300 rows)" in result.error
    story = pipeline.last_failure(tmp_path, MONTH)
    assert (story["step"], story["error"]) == ("validate", result.error)
    assert "TooManyBad" in story["traceback"]
    with pytest.raises(pipeline.StepFailed, match="2021-03 failed at validate: The trips of 2021-03: 300 of 300 rows"):
        result.checked()
    month_file(source, MONTH)  # mended
    assert run(tmp_path, wanted).checked().ok
    assert pipeline.last_failure(tmp_path, MONTH) is None


def test_a_failed_step_leaves_the_last_good_files_as_they_were(state, monkeypatch):
    def broken(*_):
        raise ValueError("a mistake in the code")

    before = state_of(state)
    monkeypatch.setattr(pipeline_steps, "train", broken)
    result = run(state, force=True)
    assert (result.failed_step, result.error) == ("train", "ValueError: a mistake in the code")
    (state / MONTH / "failed.json").unlink()
    assert state_of(state) == before


def test_what_may_pass_is_tried_again_and_what_may_not_is_not(tmp_path, monkeypatch):
    monkeypatch.setattr(pipeline_run.retry.time, "sleep", lambda _: None)
    real, calls = pipeline_files.copy, []

    def flaky(source, target):
        calls.append(target.name)
        if len(calls) < 3:
            raise ConnectionResetError("the disk is on the network")
        return real(source, target)

    monkeypatch.setattr(pipeline_files, "copy", flaky)
    monkeypatch.setattr(
        pipeline_run.retry.call, "__kwdefaults__", {**pipeline_run.retry.call.__kwdefaults__, "wait": lambda _: None}
    )
    assert run(tmp_path, until="ingest").ok
    assert len(calls) == 3

    def full(*_):
        calls.append("full")
        raise OSError(28, "No space left on device")

    calls.clear()
    monkeypatch.setattr(pipeline_files, "copy", full)
    result = run(tmp_path, until="ingest", force=True)
    assert calls == ["full"]
    assert "No space left on device" in result.error


def test_two_at_work_on_one_month_take_turns(state, monkeypatch):
    monkeypatch.setattr(pipeline_run.files, "PATIENCE", 5)
    lock = FileLock(state / MONTH / ".lock", thread_local=False)
    lock.acquire()
    threading.Timer(0.3, lock.release).start()
    assert run(state).ok


def test_a_month_held_for_too_long_fails_with_that_reason(state, monkeypatch):
    monkeypatch.setattr(pipeline_files.alone.__wrapped__, "__defaults__", (0.1, None))
    with FileLock(state / MONTH / ".lock"):
        result = run(state)
    assert result.failed_step == "ingest"
    assert "Another process has been at work in" in result.error


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ({"month": "2021-13"}, "'2021-13' is not a month"),
        ({"until": "predict"}, "no step 'predict'. There are: ingest, validate"),
        ({"settings": settings(model="forest")}, "no model 'forest'"),
    ],
)
def test_wrong_questions_raise(tmp_path, question, words):
    question = {"month": MONTH, "settings": settings(), **question}
    with pytest.raises(UsageError, match=words):
        pipeline.run_month(**question, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_results_are_plain_for_json(state):
    plain = json.loads(json.dumps(run(state).as_dict(), allow_nan=False))
    assert (plain["rows_in"], plain["quarantined"]) == (300, 0)
    assert plain["rows_train"] + plain["rows_evaluation"] < 300
    assert plain["metrics"]["rmse"] > 0


def test_keys_depend_on_everything_that_counts():
    key = manifests.Key("train", MONTH, "code", {"model": "mean"}, {"features.train": "ab"}, {"numpy": "2"})
    for field, other in {
        "step": "features",
        "month": "2021-04",
        "code": "other",
        "parameters": {"model": "linear"},
        "inputs": {"features.train": "cd"},
        "libraries": {"numpy": "3"},
    }.items():
        assert dataclasses.replace(key, **{field: other}).digest != key.digest


def test_the_default_folders_are_the_project_s_or_the_run_s(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_ROOT", str(tmp_path))
    monkeypatch.delenv("COURSE_STATE_DIR", raising=False)
    about = pipeline_run.context(settings())
    assert (about.folder, about.tracking) == (tmp_path / "build" / "pipeline", tmp_path / "build" / "mlflow")
    monkeypatch.setenv("COURSE_STATE_DIR", str(tmp_path / "state"))
    about = pipeline_run.context(settings())
    assert (about.folder, about.tracking) == (tmp_path / "state" / "pipeline", tmp_path / "state")
    assert monthfile.name_of(MONTH)
