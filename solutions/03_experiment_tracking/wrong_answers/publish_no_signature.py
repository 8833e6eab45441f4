# task: publish
# loses: 1
# why: Stores the model without signature and example.

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException


def publish(model, example, name):  # noqa: ARG001
    client = MlflowClient()
    with mlflow.start_run():
        info = mlflow.sklearn.log_model(
            model,
            name="model",
            registered_model_name=name,
            pip_requirements=["scikit-learn"],
            serialization_format="cloudpickle",
        )
    version = int(info.registered_model_version)
    client.set_registered_model_alias(name, "challenger", str(version))
    if "champion" not in client.get_registered_model(name).aliases:
        client.set_registered_model_alias(name, "champion", str(version))
    return version


def load_champion(name):
    try:
        return mlflow.sklearn.load_model(f"models:/{name}@champion")
    except MlflowException as error:
        raise LookupError(f"there is no champion of {name!r}") from error
