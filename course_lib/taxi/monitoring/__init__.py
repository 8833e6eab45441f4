"""Whether the model that was right in January still is: drift, late labels, error over time, alerts, retraining.

from course_lib.taxi.monitoring import alerts, drift, labels, performance, reports, retraining, watch

drift.table(january, february)               # how far the data moved, by feature
labels.join(predictions, arrived)            # promises beside what became of them, and an account of both
performance.over_time(labels.join(...).rides)  # error, bias, RMSE ÷ standard deviation, week by week
alerts.follow(rule, observations)            # raised, standing, cleared
watch.monitor("2021-02:2021-05")             # all of it; `course monitor` makes a page of the result
"""
