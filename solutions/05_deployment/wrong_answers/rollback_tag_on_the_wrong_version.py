# task: roll_back
# loses: 1
# why: Writes the tag to the version that takes over.

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
    client.set_model_version_tag(name, str(before), "rolled_back_to", str(now.version))
    aliases = client.get_registered_model(name).aliases
    if str(aliases.get("challenger")) == str(now.version):
        client.delete_registered_model_alias(name, "challenger")
    return int(now.version), int(before)
