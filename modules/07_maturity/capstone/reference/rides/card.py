"""The champion's model card, from the registry and the rides it was judged on."""

from pathlib import Path

import pandas as pd

from course_lib.taxi import tracking
from course_lib.taxi.governance import card
from rides.records import NAME, TRACKING


def write(folder: Path, learned: pd.DataFrame, rides: pd.DataFrame, tracking_folder: Path = TRACKING) -> None:
    """Write model_card.md, .html and .json into ``folder``."""
    tracking.setup(tracking_folder)
    card.build(NAME, "champion", tracking_folder, rides=rides, learned=learned).save(folder)
