# task: run_months
# loses: 1
# why: Lets every month write into the same file, and reads it when all are done.


def run_months(notebook, months, out, parameters):
    known = pm.inspect_notebook(str(notebook))
    if unknown := sorted(set(parameters) - set(known)):
        raise ValueError(f"the notebook has no parameter {', '.join(unknown)}; it has {', '.join(sorted(known))}")
    out.mkdir(parents=True, exist_ok=True)
    results, failed = {}, {}
    for month in months:
        result = out / "result.json"
        given = {**parameters, "month": month, "result": str(result)}
        try:
            pm.execute_notebook(
                str(notebook), str(out / f"{month}.ipynb"), given, progress_bar=False, shutdown_kernel="immediate"
            )
        except pm.PapermillExecutionError as error:
            failed[month] = error.ename
    for month in months:
        if month not in failed:
            results[month] = json.loads((out / "result.json").read_text(encoding="utf-8"))
    return results, failed
