"""Which libraries hand-ins use besides those that the instructor's notebooks import: an import may take a second.

What several use is imported once, before processes are forked. Who uses what is not is graded first, so that nobody
waits for one such hand-in at the end. No grade depends on either.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from course_lib.grading.kernels.identity import DEFAULT_MODULES

if TYPE_CHECKING:
    from course_lib.grading.submissions import Submission
    from course_lib.grading.worker import Setting

# Each begins with a word that is looked for as fast as memory is read; that it is a whole word is asked behind it.
_IMPORTS = tuple(re.compile(rb"%s(?<!\w%s) +([A-Za-z_][\w.]*)" % (word, word)) for word in (b"import", b"from"))
_MOST = 1 << 20  # of a file's bytes
_SEVERAL = 2


def imported(submission: Submission) -> set[str]:
    """The modules that the text of a hand-in says it imports."""
    texts = [file.content[:_MOST] for file in submission.files.values()]
    found = {name for text in texts for pattern in _IMPORTS for name in pattern.findall(text)}
    return {name.decode("ascii", "replace") for name in found}


def shared(submissions: Iterable[Submission]) -> list[str]:
    """Of the usual libraries, those that several hand-ins import. Nothing else is imported on a student's word."""
    counts = Counter(usual for submission in submissions for usual in _usual(imported(submission)))
    return [usual for usual in DEFAULT_MODULES if counts[usual] >= _SEVERAL]


def long_first(submissions: Iterable[Submission], setting: Setting) -> list[Submission]:
    """Those first that import one of the usual libraries that is not there yet; else in the order that they have."""
    there = {name.partition(".")[0] for name in setting.modules}
    late = {name.partition(".")[0] for name in DEFAULT_MODULES} - there
    return sorted(submissions, key=lambda s: not any(name.partition(".")[0] in late for name in imported(s)))


def _usual(names: set[str]) -> set[str]:
    return {usual for usual in DEFAULT_MODULES if any(n == usual or n.startswith(usual + ".") for n in names)}
