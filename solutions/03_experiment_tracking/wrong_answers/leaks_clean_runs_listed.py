# task: mark_leaks
# loses: 2
# why: Lists clean runs as well, and gives them an empty tag.

from mlflow import MlflowClient


def mark_leaks(experiment_id, known):
    client, leaks = MlflowClient(), {}
    for run in client.search_runs([experiment_id]):
        used = {name.strip() for name in run.data.params.get("features", "").split(",")} - {""}
        found = sorted(used - set(known)) if used else ["features not logged"]
        if True:
            leaks[run.info.run_id] = found
            client.set_tag(run.info.run_id, "leak", ", ".join(found))
    return leaks
