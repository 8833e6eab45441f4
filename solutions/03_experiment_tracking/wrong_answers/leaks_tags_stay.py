# task: mark_leaks
# loses: 1
# why: Never takes a tag away, so a run that is clean now stays marked.

import mlflow
from mlflow import MlflowClient


def mark_leaks(experiment_id, known):
    client, leaks = MlflowClient(), {}
    for run in mlflow.search_runs([experiment_id], output_format="list"):
        used = {name.strip() for name in run.data.params.get("features", "").split(",")} - {""}
        found = sorted(used - set(known)) if used else ["features not logged"]
        if found:
            leaks[run.info.run_id] = found
            client.set_tag(run.info.run_id, "leak", ", ".join(found))
    return leaks
