# task: mark_leaks
# loses: 2
# why: Splits at commas and keeps the spaces: ' DOLocationID' is unknown to it.

import mlflow
from mlflow import MlflowClient


def mark_leaks(experiment_id, known):
    client, leaks = MlflowClient(), {}
    for run in mlflow.search_runs([experiment_id], output_format="list"):
        used = set(run.data.params.get("features", "").split(",")) - {""}
        found = sorted(used - set(known)) if used else ["features not logged"]
        if found:
            leaks[run.info.run_id] = found
            client.set_tag(run.info.run_id, "leak", ", ".join(found))
        elif "leak" in run.data.tags:
            client.delete_tag(run.info.run_id, "leak")
    return leaks
