#!/usr/bin/env python3
"""Makes the 40-digit tables that the `dist` module is tested against. Needs mpmath alone (gmpy2 makes it fast): python3 make_tables.py [table…]

Arguments are taken as the exact binary value of the decimal that is printed, so a table holds the function at the very double the
library is given. Each probability comes from a series with positive terms (or, for the noncentral t, from a numerical integral) at a
working precision far beyond the cancellation in 1 - p; nothing of the library's own algorithms is used. Every value is checked against
a second working precision before it is written.
"""

import csv
import sys
from functools import lru_cache
from pathlib import Path

import mpmath
from mpmath import mp, mpf

HERE = Path(__file__).parent
DIGITS = 40


def number(x):
    return mpmath.inf if x == float("inf") else mpf(x)


def text(x):
    return "inf" if x == float("inf") else repr(float(x))


@lru_cache(maxsize=None)
def log_beta(a, b, digits):
    return mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b)


@lru_cache(maxsize=None)
def log_gamma(a, digits):
    return mp.loggamma(a)


def beta_series(a, b, x):
    """I_x(a, b) by x^a (1-x)^b / (a B(a,b)) * sum (a+b)_n / (a+1)_n x^n."""
    term = total = mpf(1)
    n = 0
    while term > total * mpf(10) ** -(mp.dps + 2):
        term *= (a + b + n) / (a + 1 + n) * x
        total += term
        n += 1
    return mp.exp(a * mp.log(x) + b * mp.log1p(-x) - log_beta(a, b, mp.dps)) / a * total


def beta_tails(a, b, x, y):
    """(I_x(a,b), 1 - I_x(a,b)); the series is used on the side where it is short."""
    if x < y:
        p = beta_series(a, b, x)
        return p, 1 - p
    q = beta_series(b, a, y)
    return 1 - q, q


def gamma_tails(a, x):
    """(P(a,x), Q(a,x)) by x^a e^-x / Gamma(a+1) * sum x^n / (a+1)_n."""
    term = total = mpf(1)
    n = 0
    while term > total * mpf(10) ** -(mp.dps + 2):
        n += 1
        term *= x / (a + n)
        total += term
    p = mp.exp(a * mp.log(x) - x - log_gamma(a + 1, mp.dps)) * total
    return p, 1 - p


def normal_sf(x):
    return mp.erfc(x / mp.sqrt(2)) / 2


def t_two_sided(t, df):
    if mp.isinf(df):
        return 2 * normal_sf(abs(t))
    square = t * t
    return beta_tails(df / 2, mpf(1) / 2, df / (df + square), square / (df + square))[0]


def f_tails(x, df1, df2):
    if mp.isinf(df2):
        return gamma_tails(df1 / 2, df1 * x / 2)
    total = df1 * x + df2
    return beta_tails(df1 / 2, df2 / 2, df1 * x / total, df2 / total)


def noncentral_t_cdf(t, df, ncp):
    """Integral over the chi density of s: Phi(t s - ncp), split where either factor turns."""
    if mp.isinf(df):
        return 1 - normal_sf(t - ncp)
    log_constant = mp.log(2) + (df / 2) * mp.log(df / 2) - mp.loggamma(df / 2)
    density = lambda s: mp.exp(log_constant + (df - 1) * mp.log(s) - df * s * s / 2)
    spread = 1 / mp.sqrt(2 * df)
    points = {mpf(0)}
    for k in (-40, -20, -12, -8, -5, -3, -1, 0, 1, 3, 5, 8, 12, 20, 40):
        points.add(max(mpf(0), 1 + k * spread))
        if t != 0:
            points.add(max(mpf(0), (ncp + mpf(k) / 2) / t))
    top = 1 + 45 * spread
    points = sorted(p for p in points if p < top) + [top]
    integrand = lambda s: density(s) * (1 - normal_sf(t * s - ncp)) if s > 0 else mpf(0)
    return mp.quad(integrand, points)


def checked(function, *arguments):
    """The value at the first of a rising sequence of working precisions that agrees with the one before to 40 digits."""
    return checked_tails(lambda *a: (function(*a),), *arguments)[0]


def checked_tails(function, *arguments):
    """Several values at once, each as `checked` has it."""
    previous = None
    for precision in (50, 60, 90, 150, 250, 380, 420):
        with mp.workdps(precision):
            values = function(*[number(a) for a in arguments])
            if previous and all(v != 0 and abs(v - p) <= abs(v) * mpf(10) ** -DIGITS for v, p in zip(values, previous)):
                return values
            previous = values
    raise AssertionError((arguments, values))


def write(name, header, rows):
    with open(HERE / f"{name}.csv", "w", newline="") as file:
        file.write(f"# made by make_tables.py with mpmath {mpmath.__version__}; 40 significant digits\n")
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    print(name, len(rows), file=sys.stderr)


def digits40(x):
    return mp.nstr(x, DIGITS, strip_zeros=False, min_fixed=0, max_fixed=0)


INF = float("inf")


def normal_table():
    xs = [-38.0, -37.5, -30.0, -20.0, -10.0, -8.3, -5.0, -3.0, -1.96, -1.0, -0.5, -0.1, -1e-8, 0.0, 1e-8, 0.3, 0.67, 0.99, 1.0, 1.01,
          1.2815515655446004, 1.645, 1.959963984540054, 2.5758, 3.3, 4.7, 6.0, 7.7, 9.9, 12.3, 15.1, 20.2, 25.7, 31.3, 35.0, 37.1]
    write("normal", ["x", "sf"], [[text(x), digits40(checked(normal_sf, x))] for x in xs])


def t_table():
    dfs = [0.05, 0.31, 1.0, 2.0, 2.7, 4.0, 9.99, 31.4, 127.3, 500.0, 2345.6, 1e5, 1e7, 1e8, 1e10, 1e15, INF]
    ts = [1e-12, 1e-3, 0.1, 0.5, 0.999, 1.0, 1.4, 1.7, 1.9599, 2.0, 2.5, 3.3, 5.0, 8.0, 12.5, 20.3, 37.0, 60.0, 150.0, 1e4, 1e12]
    rows = []
    for df in dfs:
        for t in ts:
            if df > 1e4 and t > 40:
                continue
            p = checked(t_two_sided, t, df)
            if p > mpf(10) ** -300:
                rows.append([text(t), text(df), digits40(p)])
    write("t", ["t", "df", "two_sided_p"], rows)


def chi_squared_table():
    rows = []
    for df in [0.05, 0.5, 1.0, 1.7, 3.0, 8.4, 30.0, 99.5, 400.0, 3000.0, 4e4, 1e6]:
        for ratio in [1e-9, 1e-3, 0.1, 0.5, 0.8, 0.95, 0.999, 1.0, 1.001, 1.07, 1.3, 2.0, 4.0, 10.0, 60.0]:
            x = df * ratio
            if df > 1e3 and not 0.9 < ratio < 1.1 or x - df > 1200:
                continue
            lower, upper = checked_tails(lambda v, d: gamma_tails(d / 2, v / 2), x, df)
            if min(lower, upper) > mpf(10) ** -300:
                rows.append([text(x), text(df), digits40(lower), digits40(upper)])
    for df in [3e7, 3e8, 1e10]:
        for z in [-6.0, -2.0, -0.01, 0.0, 0.5, 3.0, 7.0]:
            x = df + z * (2 * df) ** 0.5
            value = checked(lambda v, d: uniform_quadrature(d / 2, v / 2), x, df)
            rows.append([text(x), text(df), digits40(value), digits40(1 - value)])
    write("chi_squared", ["x", "df", "cdf", "sf"], rows)


def uniform_quadrature(a, x):
    """P(a, x) for huge a: the density integrated in units of its standard deviation."""
    sd = mp.sqrt(a)
    log_constant = -mp.loggamma(a)
    density = lambda u: mp.exp(log_constant + (a - 1) * mp.log(u) - u)
    z = (x - a) / sd
    points = [mpf(k) for k in range(-45, 46, 3) if k < z]
    return mp.quad(lambda v: density(a + v * sd) * sd, points + [z])


def f_table():
    rows = []
    for df1 in [0.3, 1.0, 2.0, 4.6, 12.0, 40.0]:
        for df2 in [0.4, 1.0, 2.3, 11.7, 30.0, 152.532, 1e3, 1e5, 1e8, 1e12, INF]:
            for x in [1e-6, 0.01, 0.7, 0.98, 1.05, 2.5, 4.0, 9.0, 30.0, 200.0]:
                if df1 * x > 1500:
                    continue
                lower, upper = checked_tails(f_tails, x, df1, df2)
                if min(lower, upper) > mpf(10) ** -300:
                    rows.append([text(x), text(df1), text(df2), digits40(lower), digits40(upper)])
    for df1, df2 in [(2e4, 3e4), (1e6, 1e6)]:
        for x in [0.99, 1.0, 1.013]:
            lower, upper = checked_tails(f_tails, x, df1, df2)
            rows.append([text(x), text(df1), text(df2), digits40(lower), digits40(upper)])
    write("f", ["x", "df1", "df2", "cdf", "sf"], rows)


def noncentral_t_table():
    rows = []
    for df in [1.0, 2.5, 30.0, 128.0, 1000.0, INF]:
        for ncp in [-3.0, 0.1, 1.0, 6.0, 14.0, 40.0]:
            for t in [-4.0, 0.0, 0.3, 2.2, 5.0, 13.0, 42.0]:
                with mp.workdps(30):
                    value = noncentral_t_cdf(mpf(t), number(df), mpf(ncp))
                with mp.workdps(36):
                    again = noncentral_t_cdf(mpf(t), number(df), mpf(ncp))
                assert abs(value - again) < mpf(10) ** -22, (t, df, ncp, value, again)
                rows.append([text(t), text(df), text(ncp), mp.nstr(again, 22, strip_zeros=False, min_fixed=0, max_fixed=0)])
    write("noncentral_t", ["t", "df", "ncp", "cdf"], rows)


if __name__ == "__main__":
    wanted = sys.argv[1:] or ["normal", "t", "chi_squared", "f", "noncentral_t"]
    for name in wanted:
        globals()[f"{name}_table"]()
