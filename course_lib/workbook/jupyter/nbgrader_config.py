"""nbgrader's settings in `course lab`, for the Validate button; a course's own nbgrader_config.py comes after it."""

c = get_config()  # noqa: F821  (nbgrader provides it)
# The first cell of a notebook imports pandas or MLflow: nbgrader's own 30 seconds are too few on a busy machine.
c.Execute.timeout = 120
