"""The registry: every practice that an assessment looks for, in the order of the levels.

To look for one more, write a function that takes a Project and returns Evidence, and add a line here.
"""

from __future__ import annotations

from course_lib.taxi.maturity import automated, governed, managed, orchestrated, pipelines, watched
from course_lib.taxi.maturity.findings import AD_HOC, AUTOMATED, GOVERNED, MANAGED, ORCHESTRATED, Practice

PRACTICES = (
    Practice(AD_HOC, "code", 1, "write the first notebook or script", managed.code),
    Practice(
        MANAGED,
        "version control",
        0.5,
        'type `git init`, then `git add .` and `git commit -m "…"`, once .gitignore keeps data out',
        managed.version_control,
    ),
    Practice(
        MANAGED,
        "data kept out",
        0.5,
        "write .gitignore (data/, build/, mlruns/, *.db, .venv/); `git rm --cached FILE` for what Git already tracks",
        managed.data_kept_out,
    ),
    Practice(
        MANAGED,
        "no secrets",
        1,
        "read secrets from the environment (os.environ) or a file that Git ignores; change those that were seen",
        managed.no_secrets,
    ),
    Practice(
        MANAGED,
        "locked environment",
        1,
        "list what you import in requirements.in; `uv pip compile requirements.in -o requirements.lock` pins the rest",
        managed.locked_environment,
    ),
    Practice(
        MANAGED,
        "how to run",
        1,
        "write README.md: what this is, where its data comes from, and the commands that set it up and run it",
        managed.how_to_run,
    ),
    Practice(
        AUTOMATED,
        "code in modules",
        6,
        "move the notebook's code into functions of a .py file, and import them in the notebook",
        automated.code_in_modules,
    ),
    Practice(
        AUTOMATED,
        "tests",
        6,
        "write tests/test_….py: import your functions, assert what they must give; `pytest` runs them",
        automated.tests,
    ),
    Practice(
        AUTOMATED,
        "continuous integration",
        2,
        "write .github/workflows/ci.yml (or your server's file) that installs the lock and runs pytest",
        automated.continuous_integration,
    ),
    Practice(
        AUTOMATED,
        "tracked runs",
        4,
        "wrap training in `with tracking.run(…, params=…, trips=train, valid=valid)` and log its metrics",
        automated.tracked_runs,
    ),
    Practice(
        AUTOMATED,
        "registered models",
        2,
        "`tracking.register_run(run.id, …)`, then point the alias champion to the version in use",
        automated.registered_models,
    ),
    Practice(
        ORCHESTRATED,
        "pipeline",
        16,
        "split the way from data to model into steps that know their inputs and skip what is done (DVC, Airflow …)",
        pipelines.pipeline,
    ),
    Practice(
        ORCHESTRATED,
        "data contract",
        6,
        "write a pandera schema of the columns that come in, and call its validate() where they come in",
        orchestrated.data_contract,
    ),
    Practice(
        ORCHESTRATED,
        "deployment",
        16,
        "put the registered model behind an app with POST /predict (or a batch job), and write a Dockerfile for it",
        orchestrated.deployment,
    ),
    Practice(
        ORCHESTRATED,
        "monitoring",
        16,
        "write down at which error or drift somebody is woken (an alert rule), and let a job write the report",
        watched.monitoring,
    ),
    Practice(
        ORCHESTRATED,
        "retraining",
        8,
        "let a schedule or a standing alert start the pipeline: a scheduled workflow that runs it will do",
        watched.retraining,
    ),
    Practice(
        GOVERNED,
        "promotion gate",
        6,
        "compare challenger and champion on the same later data before the alias moves: tracking.promote(trips=…)",
        governed.promotion_gate,
    ),
    Practice(
        GOVERNED,
        "model card",
        6,
        "`course card` writes one from the registry; add what the model is not for, and who answers for it",
        governed.model_card,
    ),
    Practice(
        GOVERNED,
        "audit log",
        4,
        "append every promotion and rollback to an AuditLog: each entry holds the hash of the one before",
        governed.audit_log,
    ),
    Practice(
        GOVERNED,
        "review rule",
        1,
        "write .github/CODEOWNERS: who must agree to a change of which files, at least for gate and pipeline",
        governed.review_rule,
    ),
)
