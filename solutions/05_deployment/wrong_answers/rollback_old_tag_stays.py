# task: roll_back
# loses: 1
# why: Leaves an older tag rolled_back_to as it was.


def roll_back(name):
    client = MlflowClient()
    try:
        champion = client.get_model_version_by_alias(name, "champion")
    except MlflowException:
        raise LookupError(f"{name} has no champion") from None
    target = champion.tags.get("gate.champion")
    if target is None:
        raise LookupError(f"{name}: no version before")
    try:
        client.get_model_version(name, target)
    except MlflowException:
        raise LookupError(f"{name}: version {target} is gone") from None
    client.set_registered_model_alias(name, "champion", target)
    "rolled_back_to" in champion.tags or client.set_model_version_tag(name, champion.version, "rolled_back_to", target)
    aliases = client.get_registered_model(name).aliases
    if str(aliases.get("challenger")) == str(champion.version):
        client.delete_registered_model_alias(name, "challenger")
    return int(champion.version), int(target)
