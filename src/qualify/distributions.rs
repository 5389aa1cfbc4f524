//! Distributions against tables of forty digits.

use super::checks::{Case, Method, broken};
use crate::dist::{chi_squared, f, noncentral_t, normal, t};
use crate::error::Result;

/// Rows of a table: arguments as exact doubles, values as the doubles nearest to forty digits.
fn table(name: &str, text: &str) -> Result<Vec<Vec<f64>>> {
    let row = |line: &str| line.split(',').map(|cell| cell.parse().map_err(|_| broken(name, format!("`{cell}` is no number")))).collect();
    text.lines().skip(2).map(row).collect()
}

/// So small a probability is nobody's p-value, and no check of one.
const SMALLEST: f64 = 1e-100;

pub(super) fn method() -> Result<Method> {
    let mut checks = vec![];
    let mut add = |name: &str, statistic: &str, rows: Vec<Vec<f64>>, of: &dyn Fn(&[f64]) -> (f64, f64), allowed: f64| {
        let mut case = Case::new(name);
        for row in rows {
            let (here, reference) = of(&row);
            if reference >= SMALLEST {
                let arguments: Vec<String> = row.iter().map(|x| format!("{x:e}")).collect();
                case.relative(&arguments.join(", "), statistic, here, reference, allowed);
            }
        }
        checks.extend(case.checks);
    };
    let normal_rows = table("normal.csv", include_str!("../../tests/references/dist/normal.csv"))?;
    add("normal", "upper tail", normal_rows, &|r| (normal::sf(r[0]), r[1]), 1e-13);
    let t_rows = table("t.csv", include_str!("../../tests/references/dist/t.csv"))?;
    add("t", "two-sided p", t_rows, &|r| (t::two_sided_p(r[0], r[1]), r[2]), 1e-11);
    let chi_rows = table("chi_squared.csv", include_str!("../../tests/references/dist/chi_squared.csv"))?;
    add("χ²", "upper tail", chi_rows, &|r| (chi_squared::sf(r[0], r[1]), r[3]), 1e-11);
    let f_rows = table("f.csv", include_str!("../../tests/references/dist/f.csv"))?;
    add("F", "upper tail", f_rows, &|r| (f::sf(r[0], r[1], r[2]), r[4]), 1e-10);
    let nct_rows = table("noncentral_t.csv", include_str!("../../tests/references/dist/noncentral_t.csv"))?;
    let mut case = Case::new("noncentral t");
    for r in nct_rows {
        let arguments = format!("{:e}, {:e}, {:e}", r[0], r[1], r[2]);
        case.absolute(&arguments, "distribution function", noncentral_t::cdf(r[0], r[1], r[2]), r[3], 1e-14);
    }
    checks.extend(case.checks);
    Ok(Method {
        name: "distributions".into(),
        title: "Distributions behind p-values and intervals".into(),
        reference: "mpmath 1.3.0, forty digits".into(),
        source: "computed by the script tests/references/dist/make_tables.py of the repository".into(),
        tolerance: "1e-13 (normal), 1e-11 (t, χ²), 1e-10 (F) relative, probabilities of 1e-100 and more; 1e-14 absolute (noncentral t, whose use is the limits of effect sizes).".into(),
        checks,
    })
}
