"""Writes the files of this folder with the writers that people's programs use; the data are made up here.

    pip install pyreadstat==1.3.7 openpyxl==3.1.5 odfpy==1.4.1 xlwt==1.3.0 pandas==3.1.1 msoffcrypto-tool==6.1.0
    python make.py && Rscript make.R

Every file has a CSV beside it that says the same.
"""
import csv
import datetime
import io
import os

import openpyxl
import pandas as pd
import pyreadstat
import xlwt
from odf.opendocument import OpenDocumentSpreadsheet
from odf.table import CoveredTableCell, Table, TableCell, TableRow
from odf.text import P

os.chdir(os.path.dirname(os.path.abspath(__file__)))


def numbers(seed):
    """A linear congruential generator, so that the files are the same on every machine."""
    while True:
        seed = (seed * 1103515245 + 12345) % 2**31
        yield seed / 2**31


draw = numbers(11)


def write_csv(name, rows, **options):
    with open(name, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n", **options).writerows(rows)


# --- A Dutch workbook: a row per patient, decimal commas as text, 999 for missing, dates, a formula, an empty row -------
DUTCH = [["Patiëntnr", "Conditie", "Geslacht", "Leeftijd", "Intake", "BDI_T0", "BDI_T1", "BDI_T2"]]
for patient in range(1, 13):
    score = 20 + 20 * next(draw)
    row = [f"P{patient:03}", ["wachtlijst", "therapie"][patient % 2], ["man", "vrouw"][patient % 3 % 2], 20 + int(40 * next(draw))]
    row.append(datetime.date(2023, 1 + patient % 12, 1 + (7 * patient) % 28))
    for visit in range(3):
        value = round(score - 4 * visit * (patient % 2) + 3 * next(draw), 1)
        missing = next(draw) < 0.15 and visit > 0
        # Some are numbers and some are text, as in workbooks that were typed.
        row.append(999 if missing else value if patient % 4 == 0 else str(value).replace(".", ","))
    DUTCH.append(row)


def dutch_text(value):
    return str(value).replace(".", ",") if isinstance(value, float) else value


write_csv("dutch.csv", [[dutch_text(value) for value in row] for row in DUTCH], delimiter=";")

workbook = openpyxl.Workbook()
workbook.active.title = "Toelichting"
workbook.active["A1"] = "Scores van de proef; 999 = niet ingevuld"
scores = workbook.create_sheet("Scores")
for row in DUTCH[:7] + [[]] + DUTCH[7:]:
    scores.append(row)
for row in scores.iter_rows(min_row=2):
    row[4].number_format = "DD-MM-YYYY"
workbook.save("dutch.xlsx")

old = xlwt.Workbook()
sheet = old.add_sheet("Scores")
date = xlwt.easyxf(num_format_str="DD-MM-YYYY")
for i, row in enumerate(DUTCH):
    for j, value in enumerate(row):
        sheet.write(i, j, value, date) if isinstance(value, datetime.date) else sheet.write(i, j, value)
old.save("dutch.xls")

document = OpenDocumentSpreadsheet()
table = Table(name="Scores")
for row in DUTCH:
    line = TableRow()
    for value in row:
        if isinstance(value, datetime.date):
            cell = TableCell(valuetype="date", datevalue=value.isoformat())
        elif isinstance(value, (int, float)):
            cell = TableCell(valuetype="float", value=str(value))
        else:
            cell = TableCell(valuetype="string")
            cell.addElement(P(text=value))
        line.addElement(cell)
    table.addElement(line)
document.spreadsheet.addElement(table)
document.save("dutch.ods")

# --- A workbook with a title, a header in two rows with merged cells, merged patients, errors and several sheets --------
workbook = openpyxl.Workbook()
merged = workbook.active
merged.title = "T0-T1"
merged.append(["Trial of something", None, None, None, None, None])
merged.append(["id", "arm", "BDI", None, "BAI", None])
merged.append([None, None, "T0", "T1", "T0", "T1"])
for row in [["A", "drug", 21, 12.5, 30, 20], ["B", "placebo", 25, "#N/A", 31, 29], ["C", "drug", 19, 11, 28, 17], ["D", "placebo", 30, 28, 33, 35]]:
    merged.append(row)
for cells in ["A1:F1", "A2:A3", "B2:B3", "C2:D2", "E2:F2"]:
    merged.merge_cells(cells)
long = workbook.create_sheet("long")
long.append(["id", "arm", "visit", "seen", "score"])
for i, row in enumerate([["A", "drug", 0, True, 21], [None, None, 1, False, 12.5], ["B", "placebo", 0, True, 25], [None, None, 1, True, 24]]):
    long.append(row)
for cells in ["A2:A3", "B2:B3", "A4:A5", "B4:B5"]:
    long.merge_cells(cells)
broken = workbook.create_sheet("broken")
broken.append(["id", "visit", "score"])
broken.append(["A", 0, 12])
broken.append(["A", 1, "#DIV/0!"])
broken.append(["B", 0, "a lot"])
workbook.save("merged.xlsx")

# Formulas without results: no program has computed them yet.
workbook = openpyxl.Workbook()
for row in [["id", "visit", "score", "sum"], ["A", 0, 12, "=C2+1"], ["A", 1, 11, "=C3+1"], ["B", 0, 9, "=C4+1"], ["B", 1, 8, "=C5+1"]]:
    workbook.active.append(row)
workbook.save("formulas.xlsx")

try:
    import msoffcrypto

    plain = msoffcrypto.OfficeFile(open("dutch.xlsx", "rb"))
    protected = io.BytesIO()
    plain.encrypt("secret", protected)
    open("protected.xlsx", "wb").write(protected.getvalue())
except ImportError:
    print("protected.xlsx needs msoffcrypto-tool")

# --- SPSS: a row per patient and visit, values with labels, 999 and 97 to 98 missing, texts of any length, dates --------
VISITS = {0: "nameting", 1: "voormeting", 2: "follow-up 6 maanden"}
ORDER = [1, 0, 2]
ARMS = {0: "wachtlijst", 1: "therapie"}
SEXES = {"m": "man", "v": "vrouw"}
LONG_TEXT = "Therapeut met een zeer lange omschrijving, " * 8
spss, told = [], [["ppn", "arm", "meting", "datum", "bdi", "sekse", "opleiding", "therapeut", "leeftijd"]]
for patient in range(1, 11):
    arm, sex = patient % 2, "mv"[patient % 3 % 2]
    schooling, age = 1 + int(3 * next(draw)), 18 + int(50 * next(draw))
    therapist = LONG_TEXT + "AB"[patient % 4 // 2] if arm else ""
    for place, visit in enumerate(ORDER):
        value = round(25 + 10 * next(draw) - 5 * place * arm, 2)
        code = 999.0 if next(draw) < 0.1 else 97.5 if next(draw) < 0.05 else None
        day = datetime.date(2024, 1 + 2 * place, patient)
        spss.append([float(patient), float(arm), float(visit), day, code or value, sex, float(schooling), therapist, float(age)])
        words = ["laag", "midden", "hoog"][schooling - 1]
        told.append([patient, ARMS[arm], VISITS[visit], day.isoformat(), "" if code else value, SEXES[sex], words, therapist, age])
write_csv("spss.csv", told)
frame = pd.DataFrame(spss, columns=told[0])
labels = ["Proefpersoon", "Conditie", "Meetmoment", "Datum van afname", "BDI-II totaal", "Geslacht", "Opleidingsniveau", "", "Leeftijd in jaren"]
for name, compress in [("spss.sav", False), ("spss.zsav", True)]:
    pyreadstat.write_sav(
        frame,
        name,
        column_labels=labels,
        compress=compress,
        variable_value_labels={
            "arm": ARMS,
            "meting": VISITS,
            "sekse": SEXES,
            "opleiding": {1: "laag", 2: "midden", 3: "hoog"},
            "bdi": {999: "niet ingevuld"},
        },
        missing_ranges={"bdi": [999, {"lo": 97, "hi": 98}]},
    )

# --- ADaM: a row per patient, parameter-free BDS, dates and labels ------------------------------------------------------
adam, told = [], [["USUBJID", "TRT01P", "AVISIT", "AVISITN", "ADT", "AVAL", "BASE", "SEX", "SITEID"]]
for patient in range(1, 11):
    arm, sex, base = ["Placebo", "Drug"][patient % 2], "FM"[patient % 3 % 2], round(40 + 10 * next(draw), 3)
    for visit, label in enumerate(["Baseline", "Week 4", "Week 8"]):
        value = base if visit == 0 else round(base + 10 * next(draw) * (patient % 2) - next(draw), 3)
        value = None if next(draw) < 0.15 and visit > 0 else value
        day = datetime.date(2024, 1 + visit, patient)
        adam.append([f"S-{patient:03}", arm, label, float(4 * visit), day, value, base, sex, f"0{1 + patient % 3}"])
        told.append([*adam[-1][:4], day.isoformat(), "" if value is None else value, *adam[-1][6:]])
write_csv("adam.csv", told)
frame = pd.DataFrame(adam, columns=told[0])
labels = ["Unique Subject Identifier", "Planned Treatment", "Analysis Visit", "Analysis Visit (N)", "Analysis Date", "Analysis Value", "Baseline Value", "Sex", "Study Site"]
for version in [5, 8]:
    pyreadstat.write_xport(frame, f"adam{version}.xpt", table_name="ADFEV", column_labels=labels, file_format_version=version)

# --- Stata: values with labels, missing values by letter ----------------------------------------------------------------
stata, told = [], [["id", "arm", "week", "hamd", "age", "centre"]]
for patient in range(101, 111):
    arm, age, centre = patient % 2, 20 + int(40 * next(draw)), ["Noord", "Zuid"][patient % 4 // 2]
    for week in [0, 4, 8]:
        value = int(15 + 15 * next(draw) - week * arm)
        lost = next(draw) < 0.2 and week > 0
        stata.append([patient, arm, week, "a" if lost else value, age, centre])
        told.append([patient, ["placebo", "active"][arm], week, "" if lost else value, age, centre])
write_csv("stata.csv", told)
frame = pd.DataFrame(stata, columns=told[0])
pyreadstat.write_dta(
    frame,
    "stata.dta",
    version=15,
    column_labels=["Patient", "Treatment", "Week", "Hamilton depression score", "Age (years)", "Centre"],
    variable_value_labels={"arm": {0: "placebo", 1: "active"}, "hamd": {"a": "did not attend"}},
    missing_user_values={"hamd": ["a"]},
)
