"""The capstone: an ad-hoc notebook to start from, and checks of the five steps to a governed project.

from course_lib.taxi.maturity import capstone
folder = capstone.start("my_project")
capstone.check(folder)              # runs the folder's code, in a copy of it and with time limits
"""

from course_lib.taxi.maturity.capstone.checking import check
from course_lib.taxi.maturity.capstone.results import Checked, Result, Step
from course_lib.taxi.maturity.capstone.starting import start, starter

__all__ = ["Checked", "Result", "Step", "check", "start", "starter"]
