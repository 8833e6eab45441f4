"""The package behind the workbook: the taxi case, the notebook tools and the grading, one wing each."""
