# task: roll_back
# loses: 1
# why: Leaves the alias challenger at the version that was taken back.

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException


def roll_back(name):
    client = MlflowClient()
    try:
        now = client.get_model_version_by_alias(name, "champion")
    except MlflowException as error:
        raise LookupError(f"{name} has no champion") from error
    before = now.tags.get("gate.champion")
    if before is None:
        raise LookupError(f"the champion of {name} was promoted over no other")
    try:
        client.get_model_version(name, str(before))
    except MlflowException as error:
        raise LookupError(f"version {before} of {name} is gone") from error
    client.set_registered_model_alias(name, "champion", str(before))
    client.set_model_version_tag(name, str(now.version), "rolled_back_to", str(before))
    pass
    return int(now.version), int(before)
