"""From submissions to grades.

A class is graded by `grade_class.grade`; the steps, in the order in which a submission meets them:

================================  =====================================================================
``submissions`` ``archives``      who handed in what, in three layouts; nothing is trusted, nothing unpacked
``assignment``                    the instructor's notebook: answers, tests, points
``rebuild`` ``matching``          the student's answers, put into the instructor's notebook
``execution``                     two processes: the student's code, and the tests that judge what it answers
``wire``                          the data that may pass from the first to the second
``outcome`` ``flags``             statuses, points, hints, and what a person should look at
``gradebook`` ``feedback``        nbgrader's own database and directories
``statistics`` ``report``         the class, as pictures, tables and CSV files
================================  =====================================================================
"""
