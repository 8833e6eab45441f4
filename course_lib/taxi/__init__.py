"""The case: predicting how long a taxi ride takes. Lessons import from here and from libraries only."""
