"""Running a month: each step only if it must be, again if that may help, and a failure as a result, not as a crash."""

from __future__ import annotations

import dataclasses
import json
import os
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from course_lib import paths
from course_lib.errors import CourseError, UsageError
from course_lib.taxi import pipeline_files as files
from course_lib.taxi import pipeline_manifest as manifests
from course_lib.taxi import pipeline_source, retry, storage
from course_lib.taxi.months import parse
from course_lib.taxi.pipeline_mirror import Mirror, rebased, workspace
from course_lib.taxi.pipeline_types import STEPS, MonthResult, Settings
from course_lib.taxi.storage_sign import not_seen

FAILURE = "failed.json"
LOCK = ".lock"
SIGN = ".run"  # holds the token of the backfill that is going on


@dataclass(frozen=True)
class Context:
    """What all steps of a run share: settings, where files and models go, and whether what is done is done again.

    ``code`` and ``token``, where given, are what a worker elsewhere must find as well: the same code, the same folder.
    ``store`` is the address of the state where it is kept in a store; then ``folder`` is this process's own copy of
    what it needs of it, and no other process's.
    """

    settings: Settings
    folder: Path
    tracking: Path
    force: bool = False
    code: Mapping[str, str] | None = None
    token: str | None = None
    store: str | None = None

    @property
    def mirror(self) -> Mirror | None:
        """The way between the store and ``folder``; None where there is no store."""
        return Mirror(storage.at(self.store), self.folder) if self.store else None


def context(
    settings: Settings | None = None,
    folder: str | os.PathLike[str] | None = None,
    tracking: str | os.PathLike[str] | None = None,
    force: bool = False,
) -> Context:
    """A context with what wasn't given filled in, and no relative path left.

    ``folder`` may be a store's address. Default folders: ``pipeline`` and ``mlflow`` in the project's build folder;
    where COURSE_STATE_DIR names a folder for a notebook's state, ``pipeline`` in there, and that folder itself, as for
    tracking.setup.
    """
    state = os.environ.get("COURSE_STATE_DIR")
    base = Path(state) if state else paths.build_dir()
    home = Path(tracking) if tracking is not None else (base if state else base / "mlflow")
    store = storage.at(folder).url if storage.is_url(folder) else None
    place = workspace(store) if store else Path(folder) if folder is not None else base / "pipeline"
    return Context(
        settings or Settings(), place.expanduser().resolve(), home.expanduser().resolve(), force, store=store
    )


def run_month(
    month: str,
    settings: Settings | None = None,
    *,
    folder: str | os.PathLike[str] | None = None,
    tracking: str | os.PathLike[str] | None = None,
    force: bool = False,
    until: str = STEPS[-1],
) -> MonthResult:
    """All steps of one month, up to the step ``until``, one after the other; those that are done are left alone.

    ``folder`` holds the state (default build/pipeline), ``tracking`` the registry (default build/mlflow). ``force``
    runs every step again. A step that fails is reported in the result (``result.checked()`` raises it); only a misspelt
    month or step or a wrong setting raises here (MonthNotFound, UsageError).
    """
    if until not in STEPS:
        raise UsageError(f"There is no step '{until}'. There are: {', '.join(STEPS)}.")
    about = context(settings, folder, tracking, force)
    about.settings.check_model()
    result = MonthResult(str(parse(month)))
    for step in STEPS[: STEPS.index(until) + 1]:
        result = advance(step, result, about)
    return result


def advance(step: str, so_far: MonthResult, about: Context, after: object = None) -> MonthResult:  # noqa: ARG001
    """The month's result with one more step: run, found unchanged, failed, or skipped because an earlier one failed.

    ``after`` is only there to be waited for. Never raises an Exception: one month's trouble is not another's.
    """
    if not so_far.ok:
        return so_far.with_step(step, "skipped")
    started = time.perf_counter()
    if about.store:  # elsewhere, files lie elsewhere
        about = dataclasses.replace(about, folder=workspace(about.store))
        so_far = rebased(so_far, about.folder)
    home = about.folder / so_far.month
    if trouble := _wrong_worker(step, about):
        return so_far.failing(step, trouble)
    try:
        with files.alone(home / LOCK):
            if step == STEPS[0]:
                files.sweep(home)
            did, output = _ensure(step, so_far, about)
            if did == "ran" or step == STEPS[-1]:
                _forget_failure(home, about)
    except Exception as error:
        words = str(error) if isinstance(error, CourseError) else f"{type(error).__name__}: {error}"
        _note_failure(home, step, words, error, about)
        return so_far.failing(step, words, time.perf_counter() - started)
    return so_far.with_step(step, did, output, time.perf_counter() - started)


def _ensure(step: str, so_far: MonthResult, about: Context) -> tuple[str, Any]:
    """``unchanged`` and what the step returned before, or ``ran`` and what it returned now."""
    extra = outside_inputs(step, so_far.month, about)
    wanted = manifests.key(step, so_far.month, about.settings, so_far.outputs, extra)
    mirror = about.mirror
    if mirror:
        retry.call(lambda: mirror.bring_manifest(so_far.month, step))
    found = manifests.read(about.folder, so_far.month, step)
    if found and not about.force and found.key == wanted.digest and is_done(found, about):
        return "unchanged", found.output()
    started = time.perf_counter()

    def work() -> Any:
        if mirror:
            mirror.bring_inputs(step, so_far)
        output = _call(step, so_far, about)
        key = wanted
        if step == "ingest":  # the file may not have been here before, or have changed meanwhile
            taken = pipeline_source.taken_in(output, about.settings, extra.get("source"))
            key = manifests.key(step, so_far.month, about.settings, {}, {"source": taken})
        written = manifests.files_of(output)
        plain = {name: value for name, value in dataclasses.asdict(output).items() if name not in written}
        manifests.write(
            manifests.Manifest(
                **{name: getattr(key, name) for name in ("step", "month", "code", "parameters", "inputs", "libraries")},
                key=key.digest,
                outputs=written,
                result=plain,
                rows=_rows(output),
                seconds=round(time.perf_counter() - started, 3),
                finished=datetime.now(UTC).isoformat(timespec="seconds"),
            ),
            about.folder,
        )
        if mirror:
            mirror.send(so_far.month, step, written)
        return output

    return "ran", retry.call(work)


def _call(step: str, so_far: MonthResult, about: Context) -> Any:
    from course_lib.taxi import pipeline_steps as steps

    out, done, settings = about.folder / so_far.month, so_far.outputs, about.settings
    if step == "ingest":
        return steps.ingest(so_far.month, settings, out)
    if step == "validate":
        return steps.validate(done["ingest"], settings, out)
    if step == "features":
        return steps.features(done["validate"], settings, out)
    if step == "train":
        return steps.train(done["features"], settings, out)
    if step == "evaluate":
        return steps.evaluate(done["train"], done["features"], settings, out)
    from course_lib.taxi.pipeline_register import register

    return register(done["evaluate"], done["train"], done["features"], settings, tracking=about.tracking)


def outside_inputs(step: str, month: str, about: Context) -> dict[str, str]:
    """Inputs that no step wrote: what the source holds, and which registry is meant."""
    if step == "register":
        return {"registry": str(about.tracking)}
    if step != "ingest":
        return {}
    held = pipeline_source.fingerprint(month, about.settings)
    if held is None:  # not here now: what was taken in once stays
        found = manifests.read(about.folder, month, "ingest")
        held = found.inputs.get("source", "") if found else ""
    return {"source": held}


def is_done(found: manifests.Manifest, about: Context) -> bool:
    """Whether what the manifest says is still so: its files, or its version in the registry."""
    if found.step != "register":
        return about.mirror.has(found) if about.store else found.is_intact()
    from course_lib.taxi.pipeline_register import is_registered

    return is_registered(about.tracking, found.output())


def last_failure(folder: Path, month: str) -> dict[str, str] | None:
    """What went wrong when the month last failed: ``step``, ``error``, ``traceback``, ``at``; None if nothing did."""
    try:
        return json.loads((folder / month / FAILURE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _forget_failure(home: Path, about: Context) -> None:
    (home / FAILURE).unlink(missing_ok=True)
    if about.store:
        (storage.at(about.store) / home.name).remove(FAILURE)


def _note_failure(home: Path, step: str, words: str, error: Exception, about: Context) -> None:
    """Leave the whole story in the month's folder, if that can be written to."""
    at = datetime.now(UTC).isoformat(timespec="seconds")
    story = {"step": step, "error": words, "traceback": "".join(traceback.format_exception(error)), "at": at}
    try:
        files.write_json(story, home / FAILURE)
        if about.store:
            (storage.at(about.store) / home.name).send(home / FAILURE, FAILURE)
    except (OSError, CourseError) as second:
        error.add_note(f"(This could not be written to {home / FAILURE}: {second})")


def _wrong_worker(step: str, about: Context) -> str | None:
    """Why this worker must not touch the month: it sees another folder, or has other code than who asked it."""
    if about.token is None:
        return None
    place = storage.at(about.store or about.folder)
    try:
        sign = (place.read(SIGN) or b"").decode()
    except CourseError as error:
        return f"This worker can't read {place}: {error}"
    if about.token not in sign.splitlines():
        return not_seen(place)
    if about.code and about.code[step] != manifests.code_hash(step):
        return "This worker runs another version of course_lib: install the same one there, and restart it."
    return None


def _rows(output: Any) -> int:
    names = ("rows_good", "rows_train", "rows_evaluation", "rows")
    return sum(getattr(output, name, 0) for name in names)
