"""What a model's owners answer for: what it is, who let it loose, what it looks at, and whom it serves badly.

from course_lib.taxi.governance import audit, card, dependence, explain, fairness, importance, plots

card.build()                                   # the model card of the champion, from the registry
audit.of(folder).verify()                      # whether the record of promotions still is what was written
importance.permutation(model, trips)           # what the model looks at
dependence.partial(model, trips, "hour")       # what it makes of one thing
explain.ride(model, ride, trips)               # why this ride got this answer
fairness.error_by(rides, "pickup borough")     # who gets the worse answers
"""
