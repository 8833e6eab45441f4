"""The MLflow registry, as the service sees it."""

from __future__ import annotations

from typing import Any

from course_lib.errors import CourseError, UsageError
from course_lib.taxi import tracking, tracking_audit, tracking_store
from course_lib.taxi.service import logs, rollout
from course_lib.taxi.service.live import Wanted


class MLflowRegistry:
    """Versions of one registered model, their aliases ``champion`` and ``challenger``, and the roll-out's tag.

    ``patient``: a registry that can't be reached now is no reason not to begin; it is tried again whenever it is asked.
    """

    def __init__(self, name: str = tracking.MODEL_NAME, folder: str | None = None, *, patient: bool = False) -> None:
        self.name, self._folder = name, folder
        self._there = False
        if not patient:
            self._reach()

    def _reach(self) -> None:
        if not self._there:
            tracking.setup(self._folder)
            self._there = True

    def wanted(self) -> Wanted:
        """What should be served now; nothing while no model is registered. Raises CourseError."""
        self._reach()
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException

        try:
            model = MlflowClient().get_registered_model(self.name)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return Wanted(None)
            raise CourseError(logs.told(error)) from error
        except Exception as error:  # a database that is gone or locked speaks SQLAlchemy
            raise CourseError(logs.told(error)) from error
        versions = {alias: int(version) for alias, version in model.aliases.items()}
        plan = rollout.parse(model.tags.get(rollout.TAG))
        return Wanted(versions.get("champion"), versions.get("challenger"), plan)

    def load(self, version: int) -> Any:
        """The model as it was fitted. ``version`` is a number, so that no text can ever become an address here."""
        import mlflow

        return mlflow.sklearn.load_model(f"models:/{self.name}/{int(version)}")

    def rollback(self, by: str | None = None) -> tuple[int, int]:
        """Make the version champion again that this champion was promoted over; returns (from, to).

        The roll-out ends, too: what goes wrong is not the moment to try something out. ``by`` is who the audit log says
        did it. Raises UsageError when there is nothing to go back to, NoSuchVersion when that version is gone, and
        AuditError, having changed nothing, when it can't be recorded.
        """
        from mlflow import MlflowClient

        champion = self.wanted().champion
        if champion is None:
            raise UsageError(f"No version of {self.name} is the champion: there is nothing to roll back.")
        client = MlflowClient()
        tags = client.get_model_version(self.name, str(champion)).tags
        before = tags.get("gate.champion", "") if tags.get("gate") == "promoted" else ""
        if not before.isdecimal():
            raise UsageError(f"Version {champion} of {self.name} was promoted over no other: nothing to go back to.")
        tracking.set_alias(self.name, "champion", int(before), by=by, action=tracking_audit.ROLLED_BACK)
        client.set_model_version_tag(self.name, str(champion), "rolled_back_to", before)
        self.set_rollout(rollout.Plan(), by)
        return champion, int(before)

    def set_rollout(self, plan: rollout.Plan, by: str | None = None) -> None:
        """From now on, every service that watches this registry rolls out so; recorded as :meth:`rollback` is."""
        from mlflow import MlflowClient

        model = MlflowClient().get_registered_model(self.name)
        before = model.tags.get(rollout.TAG, str(rollout.Plan()))
        if before == str(plan):
            return
        details = {"from": before, "to": str(plan), "challenger": model.aliases.get("challenger")}
        with tracking_store.exclusive():
            tracking_audit.recorded(
                self.name,
                None,
                tracking_audit.ROLL_OUT,
                lambda: MlflowClient().set_registered_model_tag(self.name, rollout.TAG, str(plan)),
                by=by,
                details=details,
            )
