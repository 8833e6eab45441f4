# task: run_months
# loses: 1
# why: Leaves unknown parameters to papermill, which only warns.


def run_months(notebook, months, out, parameters):
    out.mkdir(parents=True, exist_ok=True)
    results, failed = {}, {}
    for month in months:
        result = out / f"{month}.json"
        given = {**parameters, "month": month, "result": str(result)}
        try:
            pm.execute_notebook(str(notebook), str(out / f"{month}.ipynb"), given, progress_bar=False)
        except pm.PapermillExecutionError as error:
            failed[month] = error.ename
        else:
            results[month] = json.loads(result.read_text(encoding="utf-8"))
    return results, failed
