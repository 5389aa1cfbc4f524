"""Writes adqs.csv: the antidepressant trial as an ADaM BDS file, with rows that such files have and analyses leave out.

Run from anywhere: python3 data-samples/adam/make.py
"""

import csv
import pathlib

HERE = pathlib.Path(__file__).parent
SOURCE = HERE.parent / "antidepressant" / "antidepressant.csv"
VISITS = {"4": ("Week 1", 1), "5": ("Week 2", 2), "6": ("Week 4", 4), "7": ("Week 6", 6)}
HEADER = (
    "STUDYID,USUBJID,TRT01P,TRT01PN,ITTFL,SEX,POOLINV,PARAMCD,PARAM,AVISIT,AVISITN,AVAL,CHG,BASE,ABLFL,ANL01FL,DTYPE"
).split(",")
HAMD = ("HAMD17", "HAMD-17 total score")
HAMA = ("HAMA", "Hamilton anxiety scale, total score")


def main():
    with SOURCE.open() as file:
        rows = list(csv.DictReader(file))
    patients = {}
    for row in rows:
        patients.setdefault(row["PATIENT"], []).append(row)
    out = []
    for number, (patient, visits) in enumerate(patients.items()):
        first = visits[0]
        arm, arm_number = ("Placebo", 0) if first["THERAPY"] == "PLACEBO" else ("Drug", 1)
        fixed = {
            "STUDYID": "DIA", "USUBJID": f"DIA-{patient}", "TRT01P": arm, "TRT01PN": arm_number, "ITTFL": "Y",
            "SEX": first["GENDER"], "POOLINV": first["POOLINV"],
        }
        base = int(first["BASVAL"])

        def add(parameter, avisit, avisitn, aval, **more):
            out.append({**fixed, "PARAMCD": parameter[0], "PARAM": parameter[1], "AVISIT": avisit, "AVISITN": avisitn, "AVAL": aval, **more})

        # The screening visit is synthetic: the baseline score, one point higher for every third patient.
        add(HAMD, "Screening", -1, base + (number % 3 == 0), BASE=base)
        add(HAMD, "Baseline", 0, base, BASE=base, ABLFL="Y", ANL01FL="Y")
        seen = {row["VISIT"] for row in visits}
        last = None
        for visit, (avisit, avisitn) in VISITS.items():
            row = next((row for row in visits if row["VISIT"] == visit), None)
            if row is None:
                # What a file with LOCF beside the observed values has; not flagged for analysis.
                if last is not None:
                    add(HAMD, avisit, avisitn, last, CHG=last - base, BASE=base, DTYPE="LOCF")
                continue
            last = int(row["HAMDTL17"])
            add(HAMD, avisit, avisitn, last, CHG=last - base, BASE=base, ANL01FL="Y")
            # The anxiety scale was not measured at baseline: no BASE, no CHG.
            if row["HAMATOTL"] != "NA":
                add(HAMA, avisit, avisitn, int(row["HAMATOTL"]), ANL01FL="Y")
        if "7" in seen and number % 40 == 0:
            add(HAMD, "", "", base, CHG=0, BASE=base)
    for number in (1, 2, 3):
        out.append({
            "STUDYID": "DIA", "USUBJID": f"DIA-S00{number}", "TRT01P": "Screen Failure", "TRT01PN": 99, "ITTFL": "N", "SEX": "F", "POOLINV": "006",
            "PARAMCD": HAMD[0], "PARAM": HAMD[1], "AVISIT": "Screening", "AVISITN": -1, "AVAL": 9 + number,
        })
    with (HERE / "adqs.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, HEADER, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(out)


main()
