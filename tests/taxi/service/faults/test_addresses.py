"""Nothing in a request decides which model file is loaded: only the registry's aliases do."""

from __future__ import annotations

import itertools

import pytest

from course_lib.taxi.service.live import Wanted
from course_lib.taxi.service.registry import MLflowRegistry
from tests.taxi.service.fakes import RIDE, Constant, FakeRegistry, service

ADDRESSES = [
    "models:/taxi-duration/2",
    "models:/other@champion",
    "runs:/0123456789abcdef/model",
    "file:///etc/passwd",
    "../../../../etc/passwd",
    "http://127.0.0.1:1/model.pkl",
    "s3://bucket/model",
    "2",
    "challenger",
]
NAMES = ["model", "model_uri", "version", "model_version", "alias", "path", "registry", "store", "rider"]


@pytest.fixture
def watched(tmp_path, monkeypatch):
    """A service, and every file that mlflow is asked to load."""
    import mlflow

    asked: list[str] = []

    def load(address, *_, **__):
        asked.append(str(address))
        raise AssertionError(f"{address} was asked for")

    monkeypatch.setattr(mlflow.sklearn, "load_model", load)
    monkeypatch.setattr(mlflow.pyfunc, "load_model", load)
    monkeypatch.setattr(mlflow.artifacts, "download_artifacts", load)
    registry = FakeRegistry({1: Constant(10.0), 2: Constant(20.0)}, Wanted(1, 2))
    with service(tmp_path, registry) as made:
        yield made, asked


def test_no_request_reaches_the_loader(watched):
    made, asked = watched
    requests = 0
    for name, address in itertools.product(NAMES, ADDRESSES):
        headers = {f"X-{name.replace('_', '-')}": address, "X-Request-ID": address, "MLflow-Model": address}
        answers = [
            made.predict(RIDE | {name: address}, headers=headers),
            made.predict([RIDE, RIDE | {name: address}], query_string={name: address}),
            made.predict(RIDE, headers=headers, query_string={name: address}),
            made.client.post("/invocations", json={name: address}, headers=headers),
        ]
        if name == NAMES[0]:
            answers += [
                made.client.get("/day", query_string={"pickup": 7, "dropoff": 8, "date": "2021-02-03", name: address}),
                made.client.get("/zones", query_string={"q": address, name: address}),
                made.client.get(f"/{address}"),
                made.client.get(f"/static/{address}"),
                made.client.post(f"/models/{address}", json={name: address}),
                made.client.get("/health/ready", query_string={name: address}, headers=headers),
            ]
        requests += len(answers)
        for answer in answers:
            assert answer.status_code in (200, 308, 400, 404, 405, 422), answer.text
            if answer.status_code == 200 and "minutes" in answer.text:
                told = answer.json.get("predictions", [answer.json])
                assert {one["model"]["version"] for one in told} == {1}
            assert b"root:" not in answer.data
        made.models.refresh()
    assert requests == 9 * 9 * 4 + 9 * 6
    assert asked == []
    assert made.registry.loads == [1], "once, at the start, by the registry's alias"


@pytest.mark.parametrize("address", [one for one in ADDRESSES if not one.isdecimal()])
def test_only_a_number_can_be_loaded(tmp_path, address):
    with pytest.raises(ValueError, match="invalid literal"):
        MLflowRegistry(folder=tmp_path, patient=True).load(address)
