# task: mark_leaks
# loses: 2
# why: Looks for the two columns that everybody knows about, and for nothing else.

import mlflow
from mlflow import MlflowClient


def mark_leaks(experiment_id, known):  # noqa: ARG001
    client, leaks = MlflowClient(), {}
    for run in mlflow.search_runs([experiment_id], output_format="list"):
        used = {name.strip() for name in run.data.params.get("features", "").split(",")} - {""}
        found = sorted(used & {"fare_amount", "total_amount"}) if used else ["features not logged"]
        if found:
            leaks[run.info.run_id] = found
            client.set_tag(run.info.run_id, "leak", ", ".join(found))
        elif "leak" in run.data.tags:
            client.delete_tag(run.info.run_id, "leak")
    return leaks
