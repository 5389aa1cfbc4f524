//! The distributions against 40-digit tables (tests/references/dist, made by make_tables.py), identities and hostile
//! arguments.
//!
//! The worst relative error of each function is published in `src/dist/accuracy.md`, which is part of the module's
//! documentation. `cargo test --test suite dist:: -- --ignored` writes that file anew.

use proptest::prelude::*;
use std::path::PathBuf;
use trialstats::dist::{chi_squared, f, noncentral_t, normal, t};

/// A row of a table: arguments as the exact doubles, values as the doubles nearest to 40 digits.
fn table(name: &str) -> Vec<Vec<f64>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/references/dist").join(format!("{name}.csv"));
    let text = std::fs::read_to_string(path).expect("the table is committed");
    text.lines().skip(2).map(|line| line.split(',').map(|cell| cell.parse().expect("a number")).collect()).collect()
}

/// How one function fares on its table.
struct Accuracy {
    function: &'static str,
    range: &'static str,
    measure: &'static str,
    cases: usize,
    worst: f64,
    at: String,
}

fn accuracy(
    function: &'static str,
    range: &'static str,
    measure: &'static str,
    rows: &[Vec<f64>],
    keep: impl Fn(&[f64]) -> bool,
    error: impl Fn(&[f64]) -> f64,
) -> Accuracy {
    let kept: Vec<&Vec<f64>> = rows.iter().filter(|r| keep(r)).collect();
    let (worst, at) = kept.iter().map(|r| (error(r), r)).fold((0.0, &kept[0]), |a, b| if b.0 > a.0 || b.0.is_nan() { b } else { a });
    Accuracy { function, range, measure, cases: kept.len(), worst, at: format!("{at:?}") }
}

fn relative(value: f64, truth: f64) -> f64 {
    if value == truth { 0.0 } else { (value / truth - 1.0).abs() }
}

/// The error of a quantile in the argument, beyond what rounding the probability to a double does by itself.
///
/// The probability handed in is the nearest double to the table's, which moves the true quantile by up to ε/2 · p /
/// (x · density).
fn quantile_error(quantile: f64, x: f64, p: f64, density: f64) -> f64 {
    let from_rounding = 0.5 * f64::EPSILON * p / (x.abs() * density);
    (relative(quantile, x) - from_rounding).max(0.0)
}

fn measured() -> Vec<Accuracy> {
    let (z, ts, chis, fs, ncts) = (table("normal"), table("t"), table("chi_squared"), table("f"), table("noncentral_t"));
    let t_density = |r: &[f64]| t::pdf(r[0], r[1]);
    vec![
        accuracy("normal::sf", "−38 ≤ x ≤ 37.1", "relative", &z, |_| true, |r| relative(normal::sf(r[0]), r[1])),
        accuracy(
            "normal::quantile",
            "1e-300 < p < 1",
            "relative",
            &z,
            |r| r[0] != 0.0 && r[0] > -8.0,
            |r| quantile_error(-normal::quantile(r[1]), r[0], r[1], normal::pdf(r[0])),
        ),
        accuracy(
            "t::two_sided_p",
            "p ≥ 1e-100, df 0.05 to ∞",
            "relative",
            &ts,
            |r| r[2] >= 1e-100,
            |r| relative(t::two_sided_p(r[0], r[1]), r[2]),
        ),
        accuracy(
            "t::two_sided_p",
            "1e-300 < p < 1e-100, df 0.05 to ∞",
            "relative",
            &ts,
            |r| r[2] < 1e-100,
            |r| relative(t::two_sided_p(r[0], r[1]), r[2]),
        ),
        accuracy(
            "t::quantile",
            "1e-300 < p < ½, df 0.05 to ∞",
            "relative",
            &ts,
            |_| true,
            |r| quantile_error(-t::quantile(r[2] / 2.0, r[1]), r[0], r[2] / 2.0, t_density(r)),
        ),
        accuracy(
            "chi_squared::cdf",
            "df 0.05 to 1e10",
            "relative",
            &chis,
            |r| r[2] > 1e-300,
            |r| relative(chi_squared::cdf(r[0], r[1]), r[2]),
        ),
        accuracy("chi_squared::sf", "df 0.05 to 1e10", "relative", &chis, |_| true, |r| relative(chi_squared::sf(r[0], r[1]), r[3])),
        accuracy(
            "chi_squared::quantile",
            "df 0.05 to 1e10, p ≤ ½",
            "relative",
            &chis,
            |r| r[2] <= 0.5,
            |r| quantile_error(chi_squared::quantile(r[2], r[1]), r[0], r[2], chi_squared::pdf(r[0], r[1])),
        ),
        accuracy("f::sf", "df1 0.3 to 1e6, df2 0.4 to ∞", "relative", &fs, |_| true, |r| relative(f::sf(r[0], r[1], r[2]), r[4])),
        accuracy("f::cdf", "df1 0.3 to 1e6, df2 0.4 to ∞", "relative", &fs, |_| true, |r| relative(f::cdf(r[0], r[1], r[2]), r[3])),
        accuracy(
            "f::quantile",
            "df1 0.3 to 1e6, df2 0.4 to ∞, p ≤ ½",
            "relative",
            &fs,
            |r| r[3] <= 0.5,
            |r| quantile_error(f::quantile(r[3], r[1], r[2]), r[0], r[3], f::pdf(r[0], r[1], r[2])),
        ),
        accuracy(
            "noncentral_t::cdf",
            "δ −3 to 40, df 1 to ∞",
            "absolute",
            &ncts,
            |_| true,
            |r| (noncentral_t::cdf(r[0], r[1], r[2]) - r[3]).abs(),
        ),
    ]
}

/// `x` rounded up to one significant digit, the form in which a bound is published.
fn rounded_up(x: f64) -> f64 {
    let scale = 10f64.powf(x.log10().floor());
    format!("{:e}", (x / scale).ceil() * scale).parse().expect("a number")
}

fn page(rows: &[Accuracy]) -> String {
    let mut page = String::from(
        "Worst errors over the committed 40-digit tables (`tests/references/dist`), each rounded up to one digit. A quantile's error is\n\
         what remains after the rounding of the probability it was given.\n\n\
         | function | range | error | cases | worst |\n|---|---|---|---:|---:|\n",
    );
    for row in rows {
        page += &format!("| `{}` | {} | {} | {} | {:.0e} |\n", row.function, row.range, row.measure, row.cases, rounded_up(row.worst));
    }
    page
}

fn page_path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/dist/accuracy.md")
}

#[test]
fn noncentrality_limits_of_hostile_arguments_end() {
    let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 0.0, 1e-9, 0.3, 1.0, 40.0, 1400.0, 1e9, 1e30];
    for t in odd {
        for df in odd {
            for level in [f64::NAN, -1.0, 0.0, 0.5, 0.95, 1.0] {
                let (low, high) = noncentral_t::ncp_interval(t, df, level);
                assert!(low.is_nan() || high.is_nan() || low <= high, "{t} {df} {level}: {low} {high}");
            }
        }
    }
}

#[test]
#[ignore = "writes src/dist/accuracy.md"]
fn write_accuracy_page() {
    std::fs::write(page_path(), page(&measured())).expect("the page can be written");
}

#[test]
fn no_function_is_worse_than_its_published_accuracy() {
    let published = std::fs::read_to_string(page_path()).expect("the page is committed");
    let published: Vec<Vec<&str>> =
        published.lines().filter(|l| l.starts_with("| `")).map(|l| l.trim_matches('|').split(" | ").map(str::trim).collect()).collect();
    let measured = measured();
    assert_eq!(published.len(), measured.len(), "the page is out of date; write it anew");
    for (row, stated) in measured.iter().zip(&published) {
        assert_eq!(
            (stated[0].trim_matches('`'), stated[1], stated[2], stated[3]),
            (row.function, row.range, row.measure, row.cases.to_string().as_str()),
            "the page is out of date; write it anew"
        );
        let bound: f64 = stated[4].parse().expect("a bound");
        assert!(row.worst <= bound, "{} ({}): {:e} at {} exceeds the published {bound:e}", row.function, row.range, row.worst, row.at);
    }
}

/// Any double at all, ordinary sizes most of the time.
fn any_argument() -> impl Strategy<Value = f64> {
    prop_oneof![4 => -60.0..60.0, 2 => (-300.0..300.0f64).prop_map(|e| 10f64.powf(e)), 1 => any::<f64>(), 1 => prop_oneof![
        Just(0.0), Just(-0.0), Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY), Just(f64::MIN_POSITIVE), Just(f64::MAX), Just(5e-324)
    ]]
}

fn is_probability_or_nan(p: f64) -> bool {
    p.is_nan() || (0.0..=1.0).contains(&p)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_argument_gives_a_probability_or_nan(x in any_argument(), a in any_argument(), b in any_argument()) {
        for p in [
            normal::cdf(x), normal::sf(x), t::cdf(x, a), t::sf(x, a), t::two_sided_p(x, a), chi_squared::cdf(x, a), chi_squared::sf(x, a),
            f::cdf(x, a, b), f::sf(x, a, b), noncentral_t::cdf(x, a, b),
        ] {
            prop_assert!(is_probability_or_nan(p), "{p}");
        }
        for d in [normal::pdf(x), t::pdf(x, a), chi_squared::pdf(x, a), f::pdf(x, a, b)] {
            prop_assert!(d.is_nan() || d >= 0.0, "{d}");
        }
    }

    #[test]
    fn quantiles_of_any_argument_end(p in prop_oneof![3 => 0.0..1.0, 1 => any_argument()], a in any_argument(), b in any_argument()) {
        for x in [normal::quantile(p), t::quantile(p, a), chi_squared::quantile(p, a), f::quantile(p, a, b)] {
            prop_assert!(!(x.is_nan() && (0.0..=1.0).contains(&p) && a > 0.0 && b > 0.0));
        }
    }

    #[test]
    fn quantile_undoes_cdf(p in 1e-6..0.999, df1 in 0.3..200.0, df2 in 0.3..5000.0) {
        prop_assert!((t::cdf(t::quantile(p, df1), df1) / p - 1.0).abs() < 1e-12);
        prop_assert!((chi_squared::cdf(chi_squared::quantile(p, df1), df1) / p - 1.0).abs() < 1e-12);
        prop_assert!((f::cdf(f::quantile(p, df1, df2), df1, df2) / p - 1.0).abs() < 1e-12);
        prop_assert!((normal::cdf(normal::quantile(p)) / p - 1.0).abs() < 1e-12);
    }

    #[test]
    fn squares_of_t_are_f_and_of_normal_chi_squared(x in 0.01..12.0, df in 0.3..1e6) {
        prop_assert!((f::sf(x * x, 1.0, df) / t::two_sided_p(x, df) - 1.0).abs() < 1e-12);
        prop_assert!((chi_squared::sf(x * x, 1.0) / (2.0 * normal::sf(x)) - 1.0).abs() < 1e-12);
        prop_assert!((chi_squared::sf(x, 2.0) / (-x / 2.0).exp() - 1.0).abs() < 1e-13);
    }

    #[test]
    fn noncentral_t_is_symmetric_and_falls_as_the_noncentrality_grows(x in -30.0..30.0, df in 0.5..3000.0, ncp in -30.0..30.0) {
        let p = noncentral_t::cdf(x, df, ncp);
        prop_assert!((p + noncentral_t::cdf(-x, df, -ncp) - 1.0).abs() < 1e-13);
        prop_assert!(noncentral_t::cdf(x, df, ncp + 0.1) <= p + 1e-13);
        prop_assert!((noncentral_t::cdf(0.0, df, ncp) - normal::cdf(-ncp)).abs() < 1e-15);
    }

    #[test]
    fn noncentrality_limits_leave_half_of_the_rest_on_either_side(x in -40.0..40.0, df in 1.0..3000.0, level in 0.5..0.999) {
        let (low, high) = noncentral_t::ncp_interval(x, df, level);
        prop_assert!(low < high);
        prop_assert!((noncentral_t::cdf(x, df, low) - (1.0 + level) / 2.0).abs() < 1e-12);
        prop_assert!((noncentral_t::cdf(x, df, high) - (1.0 - level) / 2.0).abs() < 1e-12);
    }
}
