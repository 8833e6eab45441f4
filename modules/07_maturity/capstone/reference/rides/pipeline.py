"""From the data to a champion with its card, in steps. A step is done again only when what it depends on changed.

Each step leaves a manifest, state/steps/<step>.json, written last: the hashes of its inputs and of the code, and
those of its outputs. The step is skipped while all of them are still true.
"""

import hashlib
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import joblib
import pandas as pd

from course_lib.errors import CourseError
from rides import data, model

DATA, STATE = Path("data/trips.csv"), Path("state")


@dataclass(frozen=True)
class Step:
    """A step: what it reads, what it writes, and the function that does it."""

    name: str
    inputs: tuple[Path, ...]
    outputs: tuple[Path, ...]
    do: Callable[[], None]


CHECKED, TRAIN, VALID = STATE / "checked.parquet", STATE / "train.parquet", STATE / "valid.parquet"
MODEL, DECISION = STATE / "model.joblib", STATE / "decision.json"
CARD = STATE / "card"


def check() -> None:
    """The trips that keep the contract."""
    data.check(data.read(DATA)).to_parquet(CHECKED)


def split() -> None:
    """What is learned from, and the last week, which is judged on."""
    train, valid = data.split(pd.read_parquet(CHECKED))
    train.to_parquet(TRAIN)
    valid.to_parquet(VALID)


def train() -> None:
    """The fitted model."""
    joblib.dump(model.train(pd.read_parquet(TRAIN)), MODEL)


def register() -> None:
    """The run, the registered version, and what the gate decided."""
    from rides.records import record

    decision = record(joblib.load(MODEL), pd.read_parquet(TRAIN), pd.read_parquet(VALID))
    DECISION.write_text(json.dumps(decision, indent=1), encoding="utf-8")


def describe() -> None:
    """The champion's model card."""
    from rides.card import write

    write(CARD, learned=pd.read_parquet(TRAIN), rides=pd.read_parquet(VALID))


STEPS = (
    Step("check", (DATA,), (CHECKED,), check),
    Step("split", (CHECKED,), (TRAIN, VALID), split),
    Step("train", (TRAIN,), (MODEL,), train),
    Step("register", (MODEL, TRAIN, VALID), (DECISION,), register),
    Step("card", (DECISION, VALID), (CARD / "model_card.md",), describe),
)


def run() -> list[str]:
    """Do what is to be done; returns the names of the steps that were."""
    done = []
    for step in STEPS:
        if _is_done(step):
            print(f"{step.name}: nothing to do")
            continue
        STATE.mkdir(exist_ok=True)
        step.do()
        manifest = {"step": step.name, "key": _key(step), "inputs": _hashes(step.inputs), "outputs": _hashes(step.outputs)}
        _manifest(step).parent.mkdir(exist_ok=True)
        _manifest(step).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
        print(f"{step.name}: done")
        done.append(step.name)
    return done


def _is_done(step: Step) -> bool:
    try:
        manifest = json.loads(_manifest(step).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return manifest["key"] == _key(step) and manifest["outputs"] == _hashes(step.outputs)


def _manifest(step: Step) -> Path:
    return STATE / "steps" / f"{step.name}.json"


def _key(step: Step) -> str:
    """All that the step depends on: its inputs, and the code."""
    code = [path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py"))]
    parts = [step.name.encode(), json.dumps(_hashes(step.inputs), sort_keys=True).encode(), *code]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _hashes(paths: tuple[Path, ...]) -> dict[str, str | None]:
    return {
        path.as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None for path in paths
    }


if __name__ == "__main__":
    try:
        run()
    except CourseError as error:
        sys.exit(f"The pipeline stopped: {error}")
