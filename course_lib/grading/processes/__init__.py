"""The two processes in which a notebook is graded, and the one that they are forked from.

``nursery`` imports the libraries once and forks; it never holds a test. ``student`` runs the student's code in a
notebook ``shell``; ``judge`` runs the tests, and knows the student's functions only through ``proxies``. ``starter``
is what a grading worker uses to start and end both.
"""
