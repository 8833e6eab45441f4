# task: score_days
# loses: 1
# why: Scores a day again whose file holds other bookings.


def score_days(bookings, predict, version, folder):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    day_of = bookings["lpep_pickup_datetime"].dt.date.astype(str)
    scored = []
    for day in sorted(day_of.unique()):
        part = bookings[(day_of == day).to_numpy()].copy()
        path = folder / f"{day}.parquet"
        if path.exists():
            try:
                old = pd.read_parquet(path)
                if (
                    len(old) == len(part)
                    and "model_version" in old
                    and (old["model_version"] == version).all()
                    and old["PULocationID"].tolist() == part["PULocationID"].tolist()
                ):
                    continue
            except Exception:
                pass
        minutes = predict(part)
        part["minutes"] = np.asarray(minutes)
        part["model_version"] = version
        part.to_parquet(path, index=False)
        scored.append(day)
    return scored
