"""The two ways in which a command fails.

Every error that a user can cause or mend derives from one of these; the command line turns them into one
clear message and an exit code, and never into a traceback.
"""


class CourseError(Exception):
    """The work failed (exit code 1). The message says what was wrong and what to do about it."""


class UsageError(CourseError):
    """The question was wrong: a month that doesn't exist, an unknown module, a bad parameter (exit code 2)."""
