"""Writes adqs.xpt: adqs.csv as a SAS transport file of version 5, from SAS' published description of the format.

Run from anywhere, after make.py: python3 data-samples/adam/make_xpt.py
"""

import csv
import math
import pathlib
import struct

HERE = pathlib.Path(__file__).parent
NUMBERS = {"TRT01PN": "Planned Treatment (N)", "AVISITN": "Analysis Visit (N)", "AVAL": "Analysis Value", "CHG": "Change from Baseline", "BASE": "Baseline Value"}
LABELS = {
    "STUDYID": "Study Identifier", "USUBJID": "Unique Subject Identifier", "TRT01P": "Planned Treatment", "ITTFL": "Intent-To-Treat Population Flag",
    "SEX": "Sex", "POOLINV": "Pooled Investigator", "PARAMCD": "Parameter Code", "PARAM": "Parameter", "AVISIT": "Analysis Visit",
    "ABLFL": "Baseline Record Flag", "ANL01FL": "Analysis Flag 01", "DTYPE": "Derivation Type", **NUMBERS,
}
DAY = b"30NOV26:00:00:00"


def header(kind, digits="0" * 30):
    return f"HEADER RECORD*******{kind:<8}HEADER RECORD!!!!!!!{digits}  ".encode()


def padded(data):
    return data + b" " * (-len(data) % 80)


def ibm(text):
    """A number as IBM's mainframes stored it; a missing one as SAS does."""
    if text == "":
        return b"." + bytes(7)
    x = float(text)
    if x == 0:
        return bytes(8)
    exponent = math.floor(math.log(abs(x), 16)) + 1
    mantissa = round(abs(x) / 16.0**exponent * 2**56)
    return bytes([(0x80 if x < 0 else 0) | (64 + exponent)]) + mantissa.to_bytes(7, "big")


def main():
    with (HERE / "adqs.csv").open() as file:
        rows = list(csv.DictReader(file))
    names = list(rows[0])
    width = {name: 8 if name in NUMBERS else max(1, max(len(row[name]) for row in rows)) for name in names}
    namestrs, position = b"", 0
    for number, name in enumerate(names, 1):
        kind = 1 if name in NUMBERS else 2
        namestrs += struct.pack(
            ">hhhh8s40s8shhh2s8shhl52s", kind, 0, width[name], number, name.ljust(8).encode(), LABELS[name].ljust(40).encode(), b" " * 8, 0, 0, 0,
            bytes(2), b" " * 8, 0, 0, position, bytes(52),
        )
        position += width[name]
    data = b"".join(ibm(row[n]) if n in NUMBERS else row[n].ljust(width[n]).encode() for row in rows for n in names)
    sas = b"SAS     SAS     SASLIB  9.4     LINUX   " + b" " * 24 + DAY
    member = b"SAS     ADQS    SASDATA 9.4     LINUX   " + b" " * 24 + DAY
    out = [
        header("LIBRARY"), sas, padded(DAY), header("MEMBER", "000000000000000001600000000140"), header("DSCRPTR"), member,
        DAY + b" " * 16 + b"Questionnaires".ljust(40) + b" " * 8, header("NAMESTR", f"000000{len(names):04}" + "0" * 20), padded(namestrs),
        header("OBS"), padded(data),
    ]
    (HERE / "adqs.xpt").write_bytes(b"".join(out))


main()
