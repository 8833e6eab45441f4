"""nbgrader's settings for this course; nbgrader reads this file when it is started from here.

nbgrader generate_assignment 01_intro     solutions/ → modules/, as `course build` does, and into the gradebook
nbgrader autograde 01_intro               gradebook/submitted → gradebook/autograded
nbgrader generate_feedback 01_intro       gradebook/autograded → gradebook/feedback
nbgrader export                           grades.csv
"""

import os
import sys
from contextlib import suppress
from pathlib import Path

from course_lib.workbook.release import PREPROCESSORS

# Kernels that nbgrader starts inherit this: nobody phones home (mlflow reads the word, not 1).
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")

# nbgrader calls the command `alembic` by name; this lets it be found where the environment isn't activated.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])

root = Path(__file__).resolve().parent
with suppress(OSError):
    (root / "gradebook").mkdir(exist_ok=True)  # SQLite makes files, not folders

c = get_config()  # noqa: F821  (nbgrader provides it)
c.CourseDirectory.course_id = "taxi-mlops"
c.CourseDirectory.root = str(root)
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "modules"
c.CourseDirectory.submitted_directory = "gradebook/submitted"
c.CourseDirectory.autograded_directory = "gradebook/autograded"
c.CourseDirectory.feedback_directory = "gradebook/feedback"
c.CourseDirectory.solution_directory = "gradebook/solution"
c.CourseDirectory.source_with_tests_directory = "gradebook/source_with_tests"
# A file, or a server that several people enter grades on: postgresql://user@host/grades (its password: ~/.pgpass).
gradebook = f"sqlite:///{(root / 'gradebook' / 'gradebook.db').as_posix()}"
c.CourseDirectory.db_url = os.environ.get("COURSE_GRADEBOOK") or gradebook

# Authors' text, keys and wrong answers never reach students, nor the folder in which their code is graded;
# of a capstone only the starter does, and `course build` puts it there.
c.CourseDirectory.ignore = [
    *(".ipynb_checkpoints", "*.pyc", "__pycache__", "feedback"),
    *("*.md", "quiz.yml", "wrong_answers", "capstone", "*.bak", "*.part"),
]

# A release is built, never edited, and lies in Git: making it again replaces it, as formgrader's button does.
c.GenerateAssignment.force = True
c.GenerateAssignment.preprocessors = PREPROCESSORS

# The first cell of a notebook imports pandas and scikit-learn, on a busy machine for all of a class at once.
c.Execute.timeout = 120
# A warning is no mistake: by itself nbgrader gives 0 points to a test that printed anything to stderr.
c.IgnorePattern.enabled = True
c.IgnorePattern.pattern = "."
