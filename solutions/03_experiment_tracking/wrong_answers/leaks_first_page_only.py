# task: mark_leaks
# loses: 1
# why: Looks at the first page of runs and takes it for all of them.

from mlflow import MlflowClient


def mark_leaks(experiment_id, known):
    client, leaks = MlflowClient(), {}
    for run in client.search_runs([experiment_id]):
        used = {name.strip() for name in run.data.params.get("features", "").split(",")} - {""}
        found = sorted(used - set(known)) if used else ["features not logged"]
        if found:
            leaks[run.info.run_id] = found
            client.set_tag(run.info.run_id, "leak", ", ".join(found))
        elif "leak" in run.data.tags:
            client.delete_tag(run.info.run_id, "leak")
    return leaks
