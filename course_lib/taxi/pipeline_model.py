"""A fitted model as bytes and back."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

from course_lib.errors import CourseError
from course_lib.taxi import pipeline_files as files
from course_lib.taxi.pipeline_types import Trained

if TYPE_CHECKING:
    from course_lib.taxi.models import DurationPipeline


def dump(model: DurationPipeline) -> bytes:
    """The model's bytes; models that were fitted alike have the same."""
    return pickle.dumps(model, protocol=5)


def load_model(trained: Trained) -> DurationPipeline:
    """The model that ``train`` wrote. Raises CourseError if the file is another by now: a pickle is code."""
    if not files.is_intact(trained.model):
        raise CourseError(f"{trained.model.path} is not the model that was written there: train {trained.month} again.")
    return pickle.loads(trained.model.path.read_bytes())
