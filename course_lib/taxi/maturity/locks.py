"""Which file fixes the versions of all packages, in the forms that the usual tools write."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from course_lib.errors import CourseError
from course_lib.taxi.environment import conda_requirements
from course_lib.taxi.maturity.code import imports, mentions
from course_lib.taxi.maturity.findings import Evidence
from course_lib.taxi.maturity.scan import File, Project

# Imported under another name than installed; of the rest, those that a machine-learning project is made of.
_INSTALLED_AS = {
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
    "PIL": "pillow",
    "cv2": "opencv-python",
    "bs4": "beautifulsoup4",
}
_WELL_KNOWN = {
    *(
        "numpy",
        "pandas",
        "polars",
        "scipy",
        "sklearn",
        "xgboost",
        "lightgbm",
        "catboost",
        "torch",
        "tensorflow",
        "keras",
    ),
    *(
        "mlflow",
        "wandb",
        "flask",
        "fastapi",
        "matplotlib",
        "seaborn",
        "dask",
        "pyarrow",
        "pandera",
        "pydantic",
        "requests",
    ),
    *("evidently", "joblib", "statsmodels", "shap", "sqlalchemy", "pytest", "yaml", "bs4", "cv2", "PIL"),
}


def look(project: Project) -> Evidence:
    """The first lock file in the directory that pins everything; else what is wrong with what there is."""
    problems = []
    for file, pinned, loose in _candidates(project):
        if not pinned and not loose:
            problems.append(f"{file.name} names no package")
        elif loose:
            problems.append(
                f"{file.name} leaves the version of {loose[0]} open ({len(loose)} of {len(pinned | set(loose))})"
            )
        elif absent := missing_imports(project, pinned):
            problems.append(f"{file.name} does not have {absent[0][0]}, which {absent[0][1]} imports")
        else:
            return Evidence(f"{file.name}: {len(pinned)} packages, each at an exact version")
    return Evidence(missing=problems[0] if problems else "no file says which versions of which packages this runs on")


def missing_imports(project: Project, pinned: set[str]) -> list[tuple[str, str]]:
    """Well-known packages that the code imports and a lock doesn't have, each with a file that imports it."""
    absent = [name for name in sorted(_WELL_KNOWN) if not _other_names(name) & pinned]
    return [
        (name, file.name)
        for file in [*project.modules, *project.notebooks]
        if mentions(project.text(file), absent)
        for name in sorted(imports(project.tree(file)) & set(absent))
    ]


def _other_names(module: str) -> set[str]:
    """The packages that a module can come with."""
    package = canonicalize_name(_INSTALLED_AS.get(module, module))
    return {package, f"{package}-cpu", f"{package}-skinny", f"{package}-headless"}


def _candidates(project: Project) -> Iterator[tuple[File, set[str], list[str]]]:
    """Each file at the top that could be a lock, the packages that it pins, and the requirements it leaves open."""
    readers = [
        (("requirements*.lock", "requirements*.txt", "constraints*.txt", "requirements/*.txt"), _requirements),
        (("uv.lock", "poetry.lock", "pdm.lock", "pylock*.toml"), _toml),
        (("pipfile.lock",), _pipfile),
        (("conda-lock.yml", "conda-lock.yaml", "*-lock.yml"), _conda_lock),
        (("pixi.lock",), _conda_lock),
        (("environment*.yml", "environment*.yaml"), _conda),
    ]
    for patterns, read in readers:
        for file in project.named(*patterns):
            if file.name.count("/") <= 1 and (file.name.count("/") == 0 or file.name.startswith("requirements/")):
                pinned, loose = read(project, file)
                yield file, pinned, loose


def requirements(text: str) -> tuple[set[str], list[str]]:
    """The packages that a requirements file pins, and those that it doesn't."""
    pinned: set[str] = set()
    loose = []
    for line in text.replace("\\\n", " ").splitlines():
        line = re.sub(r"\s--hash=\S+", "", re.sub(r"(?:^|\s)#.*", "", line)).strip()
        if not line or line.startswith("-"):
            continue
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        exact = requirement.url or [
            s for s in requirement.specifier if s.operator in ("==", "===") and "*" not in s.version
        ]
        if exact:
            pinned.add(canonicalize_name(requirement.name))
        else:
            loose.append(requirement.name)
    return pinned, loose


def _requirements(project: Project, file: File) -> tuple[set[str], list[str]]:
    return requirements(project.text(file))


def _toml(project: Project, file: File) -> tuple[set[str], list[str]]:
    try:
        content = tomllib.loads(project.text(file))
    except tomllib.TOMLDecodeError:
        return set(), []
    packages = content.get("package") or content.get("packages") or []
    entries = [one for one in packages if isinstance(one, dict) and isinstance(one.get("name"), str)]
    return {canonicalize_name(one["name"]) for one in entries if one.get("version") or one.get("source")}, []


def _pipfile(project: Project, file: File) -> tuple[set[str], list[str]]:
    content = project.json(file)
    packages = content.get("default") if isinstance(content, dict) else None
    if not isinstance(packages, dict):
        return set(), []
    exact = {
        name for name, one in packages.items() if isinstance(one, dict) and str(one.get("version", "")).startswith("==")
    }
    return {canonicalize_name(name) for name in exact}, sorted(set(packages) - exact)


def _conda_lock(project: Project, file: File) -> tuple[set[str], list[str]]:
    content = project.yaml(file)
    packages = (content.get("package") or content.get("packages") or []) if isinstance(content, dict) else []
    names = set()
    for one in packages if isinstance(packages, list) else []:
        if isinstance(one, dict) and (name := one.get("name") or _name_in_address(one)):
            names.add(canonicalize_name(name))
    return names, []


def _name_in_address(entry: dict) -> str:
    """The package in ``conda: https://…/numpy-2.1.0-py311.conda`` or ``pypi: …/numpy-2.1.0-….whl``."""
    address = str(entry.get("conda") or entry.get("pypi") or "").rpartition("/")[2]
    match = re.match(r"(.+?)-\d", address)
    return match[1] if match else ""


def _conda(project: Project, file: File) -> tuple[set[str], list[str]]:
    """conda's ``name=1.2.3`` is exact enough with all three numbers; Python itself may have two."""
    try:
        wanted = conda_requirements(project.text(file))
    except CourseError:
        return set(), []
    pinned, loose = set(), []
    for one in wanted:
        versions = [spec.version for spec in one.specifier if spec.operator == "=="]
        exact = any("*" not in version or version.removesuffix(".*").count(".") >= 2 for version in versions)
        if exact or (one.name in ("python", "pip") and versions):
            pinned.add(canonicalize_name(one.name))
        elif one.name != "pip":
            loose.append(one.name)
    return pinned, loose
