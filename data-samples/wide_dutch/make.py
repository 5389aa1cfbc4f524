"""Writes klachten.csv: a made-up trial as a Dutch spreadsheet exports it. No patient is in it.

Run from anywhere: python3 data-samples/wide_dutch/make.py
"""

import pathlib
import random

HERE = pathlib.Path(__file__).parent
MEANS = {"wachtlijst": (24.0, 22.5, 22.0, 21.5), "online": (24.0, 18.0, 15.5, 15.0)}


def number(x):
    return f"{x:.1f}".replace(".", ",")


def main():
    rng = random.Random(20261130)
    lines = ["respnr;conditie;geslacht;leeftijd;klacht_T0;klacht_T1;klacht_T2;klacht_T3;slaap_T0;slaap_T3"]
    for k in range(96):
        arm = list(MEANS)[k % 2]
        level = rng.gauss(0, 4)
        scores = [min(40, max(0, mean + level + rng.gauss(0, 3))) for mean in MEANS[arm]]
        texts = [number(x) for x in scores]
        # Who drops out does not come back; 999 stands for a missing value, as the code book says.
        leaves = rng.choices([1, 2, 3, 4], [4, 6, 9, 81])[0]
        texts = [text if t < leaves else "999" for t, text in enumerate(texts)]
        sleep = [number(min(10, max(0, 5 + level / 4 + rng.gauss(0, 1)))) for _ in range(2)]
        sleep[1] = sleep[1] if leaves > 3 else "999"
        age = "999" if k in (17, 61) else str(rng.randint(18, 70))
        lines.append(";".join([f"R{k + 1:03}", arm, rng.choice(["man", "vrouw"]), age, *texts, *sleep]))
    (HERE / "klachten.csv").write_text("\r\n".join(lines) + "\r\n", encoding="cp1252", newline="")


main()
