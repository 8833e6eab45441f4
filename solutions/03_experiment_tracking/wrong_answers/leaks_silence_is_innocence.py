# task: mark_leaks
# loses: 1
# why: Takes a run that logged no features for a clean one.

import mlflow
from mlflow import MlflowClient


def mark_leaks(experiment_id, known):
    client, leaks = MlflowClient(), {}
    for run in mlflow.search_runs([experiment_id], output_format="list"):
        used = {name.strip() for name in run.data.params.get("features", "").split(",")} - {""}
        found = sorted(used - set(known))
        if found:
            leaks[run.info.run_id] = found
            client.set_tag(run.info.run_id, "leak", ", ".join(found))
        elif "leak" in run.data.tags:
            client.delete_tag(run.info.run_id, "leak")
    return leaks
