"""python3 tests/references/generalized/statsmodels_glm.py, from the repository's root: statsmodels.json. GLM with its robust
covariances, GEE with another family, another link and an offset, on the data of the other references."""
import json
import numpy as np
import pandas as pd
import statsmodels
import statsmodels.api as sm

trial = pd.read_csv("tests/references/generalized/independent/trial.csv")
exposure = pd.read_csv("tests/references/offset/exposure.csv").dropna(subset=["relapses"])
respiratory = pd.read_csv("tests/references/gee/respiratory.csv")
columns = lambda *all: np.column_stack([np.ones(len(all[0])), *all]).astype(float)
X = columns(trial.arm == "new", trial.arm == "other", trial.site == "south", trial.site == "west", trial.severity == "low", trial.base)
ARM = columns(trial.arm == "new", trial.arm == "other")
first = exposure[exposure.visit == 1]
F = columns(first.arm == "new", first.base)
binomial, poisson, links = sm.families.Binomial, sm.families.Poisson, sm.families.links
glms = [("logit", trial.y, X, binomial(), None), ("log", trial.y, ARM, binomial(link=links.Log()), None),
        ("poisson", trial["count"], X, poisson(), None), ("poisson of 0 and 1", trial.y, X, poisson(), None),
        ("poisson, offset", first.relapses, F, poisson(), np.log(first.weeks)), ("logit, offset", first["any"], F, binomial(), first.predicted)]
cases = []
for name, y, x, family, offset in glms:
    model = sm.GLM(np.asarray(y, float), x, family=family, offset=None if offset is None else np.asarray(offset))
    fits = {c: model.fit(maxiter=200, tol=1e-15, cov_type=c) for c in ["nonrobust", "HC0", "HC1"]}
    fit = fits["nonrobust"]
    cases.append(dict(engine="glm", name=name, beta=list(fit.params), log_likelihood=fit.llf, se={c: list(f.bse) for c, f in fits.items()}))
late = [exposure.visit == v for v in [2, 3]]
arm = (exposure.arm == "new").astype(float)
E = columns(arm, *late, exposure.base, *[arm * l for l in late])
V = columns(arm, *late, *[arm * l for l in late])
R = columns(respiratory.treat == "A", respiratory.center == 2)
gees = [("poisson, offset", exposure.relapses, E, exposure.patient, poisson(), np.log(exposure.weeks)),
        ("logit, offset", exposure["any"], V, exposure.patient, binomial(), exposure.predicted),
        ("log", respiratory.outcome, R, respiratory.patient, binomial(link=links.Log()), None)]
for name, y, x, groups, family, offset in gees:
    for structure, own in [("independence", sm.cov_struct.Independence), ("exchangeable", sm.cov_struct.Exchangeable)]:
        se = {}
        for cov in ["robust", "bias_reduced"]:
            working = own()
            model = sm.GEE(np.asarray(y, float), x, groups=np.asarray(groups), family=family, cov_struct=working,
                           offset=None if offset is None else np.asarray(offset))
            fit = model.fit(maxiter=500, ctol=1e-13, cov_type=cov, scaling_factor=1.0)
            se[cov] = list(fit.bse)
        alpha = float(working.dep_params) if structure == "exchangeable" else None
        cases.append(dict(engine="gee", name=name, structure=structure, beta=list(fit.params), alpha=alpha, se=se))
json.dump(dict(engine=f"statsmodels {statsmodels.__version__}", cases=cases), open("tests/references/generalized/statsmodels.json", "w"), indent=1)
