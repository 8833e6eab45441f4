"""How mature is this project? Evidence from its directory, level by level, and the next step that pays.

from course_lib.taxi import maturity
found = maturity.assess(".")
found.level, found.next_step
maturity.radar(found)
"""

from course_lib.taxi.maturity.assessing import assess
from course_lib.taxi.maturity.findings import LEVELS, Assessment, Evidence, Finding, NothingToAssess, Practice
from course_lib.taxi.maturity.practices import PRACTICES
from course_lib.taxi.maturity.radar import radar

__all__ = [
    "LEVELS",
    "PRACTICES",
    "Assessment",
    "Evidence",
    "Finding",
    "NothingToAssess",
    "Practice",
    "assess",
    "radar",
]
