//! What must not matter does not: the order of the patients, the names of the clusters, the outcome's unit and
//! origin, the unit and origin of the time of a random slope.

use crate::common::clustered as trials;
use crate::common::tolerances::{INVARIANCE, INVARIANCE_DF};
use crate::common::{Comparison, assert_all};
use trialstats::{Df, Fit, Model};

/// A model of each engine and covariance: formula and data.
const MODELS: [(&str, &str); 5] = [
    ("partially_nested", "y ~ baseline + arm * visit + (1 | therapist) + (0 + gst | group) + us(visit | patient)"),
    ("partially_nested", "y ~ baseline + arm * visit + (1 | therapist) + (0 + gst | group) + ar1h(visit | arm / patient)"),
    ("partially_nested", "y ~ baseline + arm * visit + (1 | therapist) + (0 + gst | group) + (1 | patient)"),
    ("crossed", "y ~ arm * days + (1 | therapist) + (1 | site) + (1 + days | patient)"),
    ("small_clusters", "y ~ arm * visit + (1 | group) + us(visit | patient)"),
];

fn fit(data: &str, formula: &str, rows: &str, df: Df) -> Fit {
    let trial = trials::layout(data, formula).read_csv_from(data, rows.as_bytes()).unwrap_or_else(|e| panic!("{data}: {e}"));
    let fit = Model::formula(formula).and_then(|model| model.df(df).fit(&trial)).unwrap_or_else(|e| panic!("{formula}: {e}"));
    trials::by_its_engine(formula, fit)
}

/// The file's rows, each changed field by field: `change` has the column's name and the field.
fn changed(rows: &str, change: impl Fn(&str, &str) -> String) -> String {
    let mut lines = rows.lines();
    let header = lines.next().expect("a header");
    let names: Vec<&str> = header.split(',').collect();
    let row = |line: &str| line.split(',').zip(&names).map(|(field, name)| change(name, field)).collect::<Vec<_>>().join(",");
    std::iter::once(header.to_string()).chain(lines.map(row)).collect::<Vec<_>>().join("\n")
}

/// `b` is `a` with the outcome times `scale` plus `shift`.
fn compare(c: &mut Comparison, a: &Fit, b: &Fit, shift: f64, scale: f64) {
    let n = (a.n_observations() - a.rank()) as f64;
    c.within("log-likelihood", b.log_likelihood(), a.log_likelihood() - n * scale.ln(), INVARIANCE * n);
    for (j, (a, b)) in a.coefficients().rows.iter().zip(b.coefficients().rows).enumerate() {
        let origin = if j == 0 { shift } else { 0.0 };
        c.within(&format!("{} estimate", a.label), b.estimate, origin + scale * a.estimate, INVARIANCE * scale * a.se);
        c.relative(&format!("{} SE", a.label), b.se, scale * a.se, INVARIANCE);
        c.relative(&format!("{} df", a.label), b.df, a.df, INVARIANCE_DF);
    }
    c.same("covariance parameters", b.covariance_parameters().len(), a.covariance_parameters().len());
}

/// The same fit, or the same up to the outcome's unit, after a change of the file.
fn unchanged(what: &str, shift: f64, scale: f64, change: impl Fn(&str) -> String) {
    assert_all(MODELS.iter().map(|(data, formula)| {
        let rows = trials::rows_of(data);
        let mut c = Comparison::of(format!("{what}: {formula}"));
        for df in [Df::Satterthwaite, Df::KenwardRoger] {
            compare(&mut c, &fit(data, formula, &rows, df), &fit(data, formula, &change(&rows), df), shift, scale);
        }
        c
    }));
}

#[test]
fn the_order_of_the_rows_does_not_matter() {
    unchanged("reversed", 0.0, 1.0, |rows| {
        let mut lines: Vec<&str> = rows.lines().collect();
        lines[1..].reverse();
        lines.join("\n")
    });
}

#[test]
fn the_names_of_the_clusters_do_not_matter() {
    unchanged("renamed", 0.0, 1.0, |rows| {
        changed(rows, |name, field| match name {
            "group" | "therapist" | "site" if !field.is_empty() => format!("z{}", field.chars().rev().collect::<String>()),
            _ => field.into(),
        })
    });
}

#[test]
fn the_unit_and_origin_of_the_outcome_do_not_matter() {
    unchanged("another unit", 7.0, 100.0, |rows| {
        changed(rows, |name, field| match (name, field.parse::<f64>()) {
            ("y", Ok(y)) => (100.0 * y + 7.0).to_string(),
            _ => field.into(),
        })
    });
}

/// A model with a random slope on time.
struct Timed {
    data: &'static str,
    formula: &'static str,
    /// The column of the time.
    column: &'static str,
    /// The coefficients of time.
    slopes: [usize; 2],
    /// How many covariance parameters come before those of the slope's term.
    timeless: usize,
    /// The position of the slopes' variance.
    variance: usize,
}

/// A slope in another unit of time is the same slope, whatever the day that time is counted from; in both engines.
#[test]
fn the_unit_and_origin_of_time_do_not_matter() {
    let crossed = "y ~ arm * days + (1 | therapist) + (1 | site) + (1 + days | patient)";
    let nested = "y_patient ~ severity + arm_patient * months + (1 + months | group) + ar1(visit | patient)";
    let of_time = [
        Timed { data: "crossed", formula: crossed, column: "days", slopes: [2, 3], timeless: 3, variance: 5 },
        Timed { data: "nested3", formula: nested, column: "months", slopes: [3, 4], timeless: 2, variance: 4 },
    ];
    assert_all(of_time.iter().flat_map(|case| [30.0, 0.001].map(|unit| (case, unit))).map(|(case, unit)| {
        let &Timed { data, formula, column, slopes, timeless, variance } = case;
        let rows = trials::rows_of(data);
        let other = changed(&rows, |name, field| match (name == column, field.parse::<f64>()) {
            (true, Ok(time)) => ((time - 6.0) / unit).to_string(),
            _ => field.into(),
        });
        let (a, b) = (fit(data, formula, &rows, Df::KenwardRoger), fit(data, formula, &other, Df::KenwardRoger));
        let mut c = Comparison::of(format!("{data} in units of {unit}"));
        // Of the densities, log|X'WX| of the restricted likelihood has the two slopes' unit.
        let n = a.n_observations() as f64;
        c.within("log-likelihood", b.log_likelihood(), a.log_likelihood() + 2.0 * unit.ln(), INVARIANCE * n);
        let (in_a, in_b) = (a.coefficients().rows, b.coefficients().rows);
        for j in slopes {
            let (a, b) = (&in_a[j], &in_b[j]);
            c.within(&format!("{} estimate", a.label), b.estimate, unit * a.estimate, unit * INVARIANCE * a.se);
            c.relative(&format!("{} SE", a.label), b.se, unit * a.se, INVARIANCE);
            c.relative(&format!("{} df", a.label), b.df, a.df, INVARIANCE_DF);
        }
        let (in_a, in_b) = (a.covariance_parameters(), b.covariance_parameters());
        for (k, scale) in (0..timeless).map(|k| (k, 1.0)).chain([(variance, unit * unit)]) {
            let se = a.covariance_parameters_vcov()[(k, k)].sqrt();
            c.within(&in_a[k].0, in_b[k].1, scale * in_a[k].1, scale * 10.0 * INVARIANCE * se);
        }
        c
    }));
}
