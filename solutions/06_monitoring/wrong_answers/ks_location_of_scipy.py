# task: ks
# loses: 1
# why: SciPy's statistic_location is not the smallest of several
from scipy.stats import ks_2samp as _two


def ks(reference, current):
    a = [v for v in reference if not pd.isna(v)]
    b = [v for v in current if not pd.isna(v)]
    if not a or not b:
        raise ValueError
    found = _two(a, b)
    return float(found.statistic), float(found.statistic_location)
