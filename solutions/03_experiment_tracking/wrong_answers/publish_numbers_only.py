# task: publish
# loses: 1
# why: Makes floats of the predictions, so a classifier that answers with texts is refused.

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.models import infer_signature


def publish(model, example, name):
    client = MlflowClient()
    with mlflow.start_run():
        info = mlflow.sklearn.log_model(
            model,
            name="model",
            signature=infer_signature(example, model.predict(example).astype(float)),
            input_example=example,
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
