"""Two independent proportions by statsmodels: Newcombe's interval, the log ratio and the logit odds ratio.

`newcomb` is the hybrid score interval; `log` and `logit` are without correction, `log-adjusted` is not used.
With a half added to each cell (`*_half`), the counts handed to statsmodels are x + 0.5 of n + 1.
Run: python two_proportions.py > two_proportions_statsmodels.json
"""

import json
import sys
import warnings

import statsmodels
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

warnings.simplefilter("ignore")

CASES = [
    (56, 70, 48, 80), (9, 10, 3, 10), (6, 7, 2, 7), (5, 56, 0, 29), (0, 10, 0, 20), (0, 10, 0, 10),
    (10, 10, 0, 20), (10, 10, 0, 10), (28, 66, 19, 64), (19, 66, 27, 64), (1, 66, 1, 64), (250, 533, 204, 412),
    (33, 34, 27, 34), (900, 1000, 850, 1100), (7, 34, 1, 34),
]


def interval(x1, n1, x2, n2, compare, method, level):
    return [float(v) for v in confint_proportions_2indep(x1, n1, x2, n2, compare=compare, method=method, alpha=1 - level, correction=False)]


def row(x1, n1, x2, n2, level):
    out = dict(x1=x1, n1=n1, x2=x2, n2=n2, level=level)
    out["wilson1"] = [float(v) for v in proportion_confint(x1, n1, alpha=1 - level, method="wilson")]
    out["wilson2"] = [float(v) for v in proportion_confint(x2, n2, alpha=1 - level, method="wilson")]
    out["difference"] = interval(x1, n1, x2, n2, "diff", "newcomb", level)
    if min(x1, x2) > 0 and x1 < n1 and x2 < n2:
        out["ratio"] = interval(x1, n1, x2, n2, "ratio", "log", level)
        out["odds"] = interval(x1, n1, x2, n2, "odds-ratio", "logit", level)
    half = (x1 + 0.5, n1 + 1, x2 + 0.5, n2 + 1)
    out["ratio_half"] = interval(*half, "ratio", "log", level)
    out["odds_half"] = interval(*half, "odds-ratio", "logit", level)
    return out


json.dump(
    {
        "engine": {"name": "statsmodels", "version": statsmodels.__version__, "functions": "confint_proportions_2indep, proportion_confint"},
        "rows": [row(*case, level) for level in (0.9, 0.95, 0.99) for case in CASES],
    },
    sys.stdout,
    indent=1,
)
print()
