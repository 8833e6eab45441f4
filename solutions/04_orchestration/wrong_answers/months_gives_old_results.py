# task: run_months
# loses: 1
# why: A month that has a result file is not run again, whatever has changed.


def run_months(notebook, months, out, parameters):
    known = pm.inspect_notebook(str(notebook))
    if unknown := sorted(set(parameters) - set(known)):
        raise ValueError(f"the notebook has no parameter {', '.join(unknown)}; it has {', '.join(sorted(known))}")
    out.mkdir(parents=True, exist_ok=True)
    results, failed = {}, {}
    for month in months:
        result = out / f"{month}.json"
        if result.exists():
            results[month] = json.loads(result.read_text(encoding="utf-8"))
            continue
        given = {**parameters, "month": month, "result": str(result)}
        try:
            page = str(out / f"{month}.ipynb")
            pm.execute_notebook(str(notebook), page, given, progress_bar=False, shutdown_kernel="immediate")
        except pm.PapermillExecutionError as error:
            failed[month] = error.ename
        else:
            results[month] = json.loads(result.read_text(encoding="utf-8"))
    return results, failed
