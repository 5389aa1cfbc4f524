"""python3 tests/references/gee/statsmodels_gee.py, from the repository's root, after gee.R: statsmodels.json."""
import json
import numpy as np
import statsmodels
import statsmodels.api as sm
import pandas as pd

r = pd.read_csv("tests/references/gee/respiratory.csv")
s = pd.read_csv("tests/references/gee/imrs_binary.csv")
XR = np.column_stack([np.ones(len(r)), r.treat == "A", r.center == 2, r.sex == "F", r.age, r.baseline]).astype(float)
visits = ["6 months", "9 months", "12 months"]
arm = (s["arm"] == "ImRs+GST").astype(float)
XS = np.column_stack([np.ones(len(s)), s.site == "B", s.age, arm] + [s.visit == v for v in visits] + [arm * (s.visit == v) for v in visits]).astype(float)
cases = []
for name, X, y, groups in [("respiratory", XR, r.outcome, r.patient), ("imrs", XS, s.remission, s.patient)]:
    for structure, own in [("independence", sm.cov_struct.Independence()), ("exchangeable", sm.cov_struct.Exchangeable())]:
        for cov in ["robust", "naive", "bias_reduced"]:
            model = sm.GEE(np.asarray(y, float), X, groups=np.asarray(groups), family=sm.families.Binomial(), cov_struct=own)
            f = model.fit(maxiter=200, ctol=1e-13, cov_type=cov, scaling_factor=1.0)
            cases.append(dict(data=name, structure=structure, cov=cov, beta=list(f.params), se=list(f.bse), phi=f.scale,
                              alpha=[float(own.dep_params)] if structure == "exchangeable" else []))
json.dump(dict(engine=f"statsmodels {statsmodels.__version__}", cases=cases), open("tests/references/gee/statsmodels.json", "w"), indent=1)
