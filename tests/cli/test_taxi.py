"""`course train`: what people read, what programs read, and how both fail."""

import json

import pytest

SOME = ["--rows", "400"]


@pytest.fixture(autouse=True)
def own_folders(tmp_path, tmp_path_factory, monkeypatch):
    """Builds go to a fresh folder; simulated months to one that the tests share."""
    monkeypatch.setenv("COURSE_ROOT", str(tmp_path))
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path_factory.getbasetemp() / "cli-taxi-data"))
    monkeypatch.delenv("TAXI_DATA", raising=False)


# --- train


def test_train_prints_one_json_object_and_nothing_else_on_stdout(course):
    code, out, err = course("train", "--train", "2021-01", "--valid", "2021-02", *SOME, "--json")
    assert code == 0
    result = json.loads(out)
    assert result["rows"] == {"2021-01": 400, "2021-02": 400}
    for month in result["rows"]:
        assert sum(result["dropped"][month].values()) + result["kept"][month] == 400
    assert list(result["scores"]) == ["mean", "rule_of_thumb", "linear", "boosting"]
    for scores in result["scores"].values():
        assert list(scores) == ["rmse", "mae", "bias", "r2", "within_5", "n"]
        assert scores["rmse"] >= scores["mae"] > 0
        assert 0 <= scores["within_5"] <= 1
    assert "training boosting on" in err


def test_train_shows_people_rows_by_reason_and_scores(course):
    code, out, err = course("train", *SOME)
    assert code == 0
    for words in ("2021-01 (train)", "2021-02 (valid)", "came in", "- too long", "kept", "rule_of_thumb", "boosting"):
        assert words in out
    for heading in ("RMSE (min)", "MAE (min)", "bias (min)", "R²", "within 5 min"):
        assert heading in out
    assert "scoring on" in err
    assert "scoring on" not in out


def test_train_leaves_nothing_behind_unless_asked(course, tmp_path):
    assert course("train", *SOME, "--json")[0] == 0
    assert list(tmp_path.iterdir()) == []


def test_train_saves_a_picture_when_asked(course, tmp_path):
    code, out, err = course("train", *SOME, "--with-distance", "--plot", "--json")
    assert code == 0
    picture = tmp_path / "build" / "pictures" / "models-2021-01-2021-02-with-distance.png"
    assert json.loads(out)["picture"] == str(picture)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert str(picture) in err


def test_train_registers_the_best_model_as_champion(course, tmp_path):
    import mlflow

    from course_lib.taxi import tracking
    from tests.taxi.samples import rides

    code, out, err = course("train", *SOME, "--register", "--json")
    assert code == 0
    result = json.loads(out)
    assert result["registered"]["version"] == 1
    assert result["registered"]["alias"] == "champion"
    assert result["registered"]["model"] == result["best"]
    assert (tmp_path / "build" / "mlflow" / "mlflow.db").is_file()
    assert tracking.load("taxi-duration").predict(rides(3)).shape == (3,)
    run = mlflow.search_runs(output_format="list")[0].data
    assert run.metrics["rmse"] == pytest.approx(result["scores"][result["best"]]["rmse"])
    assert run.params["train"] == "2021-01"
    assert "version 1" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--train", "2021-13"], "'2021-13' is not a month"),
        (["--train", "january"], "'january' is not a month"),
        (["--valid", "2099-01"], "2099-01 can't be simulated"),
        (["--train", "2021-02", "--valid", "2021-02"], "the month they learned from"),
        (["--train", "2021-03", "--valid", "2021-02"], "2021-02 comes before 2021-03"),
        (["--with-distance", "--register"], "can't be registered"),
        (["--source", "no/such/folder"], "isn't there"),
        (["--rows", "0"], "rows must be"),
    ],
)
def test_train_asked_wrongly_exits_2_with_a_plain_message(course, arguments, message):
    code, out, err = course("train", *arguments, "--json")
    assert code == 2
    assert out == ""
    assert err.splitlines()[-1].startswith("Error: ")
    assert message in err
    assert "Traceback" not in err


def test_train_on_a_broken_month_exits_1(course, tmp_path):
    (tmp_path / "green_tripdata_2021-01.parquet").write_text("<html>not found</html>", encoding="utf-8")
    code, out, err = course("train", "--source", str(tmp_path))
    assert (code, out) == (1, "")
    assert "green_tripdata_2021-01.parquet" in err
    assert "Traceback" not in err
