# task: mark_leaks
# loses: 1
# why: Looks for the name in one long text of all known names, where "week" is found in "weekday".

import mlflow
from mlflow import MlflowClient


def mark_leaks(experiment_id, known):
    client, leaks = MlflowClient(), {}
    for run in mlflow.search_runs([experiment_id], output_format="list"):
        used = {name.strip() for name in run.data.params.get("features", "").split(",")} - {""}
        found = sorted(name for name in used if name not in " ".join(known)) if used else ["features not logged"]
        if found:
            leaks[run.info.run_id] = found
            client.set_tag(run.info.run_id, "leak", ", ".join(found))
        elif "leak" in run.data.tags:
            client.delete_tag(run.info.run_id, "leak")
    return leaks
