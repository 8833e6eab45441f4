# task: mark_leaks
# loses: 1
# why: Looks for names anywhere in the text, so every name of which another is a part is taken for known.

from mlflow import MlflowClient


def mark_leaks(experiment_id, known):
    client, leaks = MlflowClient(), {}
    for run in client.search_runs([experiment_id]):
        used = {name.strip() for name in run.data.params.get("features", "").split(",")} - {""}
        found = sorted(name for name in used if not any(part.lower() in name.lower() for part in known)) if used else ["features not logged"]
        if found:
            leaks[run.info.run_id] = found
            client.set_tag(run.info.run_id, "leak", ", ".join(found))
        elif "leak" in run.data.tags:
            client.delete_tag(run.info.run_id, "leak")
    return leaks
