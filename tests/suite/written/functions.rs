//! Functions in formulas: logarithms, powers, polynomials, splines, offsets, transformed outcomes.

use super::{close, fev_fit, fit};
use crate::common::{FEV, contents, fev, fev_layout, read_text, reference};
use trialstats::design::Averaging;
use trialstats::means::MeansOptions;
use trialstats::{Fit, Model, Trial};

/// fev with a column computed from the baseline value and the outcome.
fn with_column(name: &str, of: impl Fn(f64, f64) -> f64) -> Trial {
    let text = contents(FEV);
    let mut lines = text.lines();
    let header = lines.next().expect("a header");
    let line = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        let number = |k: usize| cells[k].parse::<f64>().unwrap_or(f64::NAN);
        let x = of(number(5), number(6));
        if x.is_nan() { format!("{line},NA\n") } else { format!("{line},{x}\n") }
    };
    let all: String = std::iter::once(format!("{header},{name}\n")).chain(lines.map(line)).collect();
    read_text(&fev_layout().covariate(name), "fev", &all)
}

fn same(ours: &Fit, theirs: &Fit, names: [&str; 2]) {
    close(ours.log_likelihood(), theirs.log_likelihood(), 1e-7);
    let of = |fit: &Fit, name: &str| fit.coefficients().rows.into_iter().find(|r| r.label == name).unwrap_or_else(|| panic!("{name}"));
    let (a, b) = (of(ours, names[0]), of(theirs, names[1]));
    close(a.estimate, b.estimate, 1e-7 * b.se);
    close(a.se, b.se, 1e-7 * b.se);
    close(a.df, b.df, 1e-5 * b.df);
}

#[test]
fn a_function_of_a_column_is_the_column_computed_beforehand() {
    type Of = fn(f64, f64) -> f64;
    let functions: [(&str, Of); 6] = [
        ("log(FEV1_BL)", |x, _| x.ln()),
        ("log10(FEV1_BL)", |x, _| x.log10()),
        ("sqrt(FEV1_BL)", |x, _| x.sqrt()),
        ("I(FEV1_BL^2)", |x, _| x * x),
        ("log1p(FEV1_BL)", |x, _| x.ln_1p()),
        ("log2(FEV1_BL)", |x, _| x.log2()),
    ];
    for (name, of) in functions {
        let computed = fit("FEV1 ~ V + ARMCD * AVISIT", &with_column("V", of));
        same(&fev_fit(&format!("FEV1 ~ {name} + ARMCD * AVISIT")), &computed, [name, "V"]);
    }
}

#[test]
fn polynomials_are_powers_and_are_held_together() {
    let polynomial = fev_fit("FEV1 ~ poly(FEV1_BL, 2, raw) + ARMCD * AVISIT");
    let powers = fev_fit("FEV1 ~ FEV1_BL + I(FEV1_BL^2) + ARMCD * AVISIT");
    same(&polynomial, &powers, ["poly(FEV1_BL, 2, raw)2", "I(FEV1_BL^2)"]);
    // The square is held at the square of the mean, and both move together.
    let at = |fit: &Fit, x: f64| {
        let options = MeansOptions { averaging: Averaging::default().at("FEV1_BL", x), ..MeansOptions::default() };
        fit.marginal_means(&["arm", "visit"], &options).expect("means").rows[0].estimate.estimate
    };
    let b = |name: &str| powers.coefficients().rows.into_iter().find(|r| r.label == name).expect("a coefficient").estimate;
    let change = 20.0 * b("FEV1_BL") + (60.0_f64.powi(2) - 40.0_f64.powi(2)) * b("I(FEV1_BL^2)");
    close(at(&powers, 60.0) - at(&powers, 40.0), change, 1e-8);
    close(at(&polynomial, 60.0) - at(&polynomial, 40.0), change, 1e-6);
}

/// With one column a natural spline is a straight line; with several it bends between its ends and not beyond them.
#[test]
fn natural_splines_are_straight_beyond_their_ends_and_smooth_within() {
    let line = fev_fit("FEV1 ~ ns(FEV1_BL, 1) + ARMCD * AVISIT");
    close(line.log_likelihood() - fev_fit("FEV1 ~ FEV1_BL + ARMCD * AVISIT").log_likelihood(), scale(&line), 1e-6);
    let curve = fev_fit("FEV1 ~ ns(FEV1_BL, 3) + ARMCD * AVISIT");
    let at = |x: f64| {
        let options = MeansOptions { averaging: Averaging::default().at("FEV1_BL", x), ..MeansOptions::default() };
        curve.marginal_means(&["arm", "visit"], &options).expect("means").rows[0].estimate.estimate
    };
    let second = |x: f64| at(x - 1.0) - 2.0 * at(x) + at(x + 1.0);
    close(second(150.0), 0.0, 1e-7);
    close(second(-20.0), 0.0, 1e-7);
    assert!(second(40.0).abs() > 1e-6);
    assert_eq!(curve.term_tests().expect("tests").get("ns(FEV1_BL, 3)").and_then(|r| r.test.clone()).expect("a test").num_df, 3.0);
}

/// Coefficients, and means within and beyond the ends, are those of R's `splines::ns`. Worst: 3e-12 of a standard error.
#[test]
fn natural_splines_have_the_coefficients_of_r() {
    for case in reference("splines/splines.json").as_array().expect("cases") {
        let numbers =
            |name: &str| -> Vec<f64> { case[name].as_array().expect(name).iter().map(|x| x.as_f64().expect("a number")).collect() };
        let columns = case["columns"].as_u64().expect("columns");
        let formula = format!("FEV1 ~ ns(FEV1_BL, {columns}) + ARMCD");
        let fit = Model::formula(&formula).expect("a formula").visits(["VIS4"]).fit(&fev()).expect("a fit");
        let (rows, estimates, ses) = (fit.coefficients().rows, numbers("estimate"), numbers("se"));
        assert_eq!((rows.len(), fit.n_observations()), (estimates.len(), case["n"].as_u64().expect("n") as usize));
        for (row, (estimate, se)) in rows.iter().zip(estimates.iter().zip(&ses)) {
            close(row.estimate, *estimate, 1e-9 * se);
            close(row.se, *se, 1e-9 * se);
        }
        for (x, (mean, se)) in numbers("at").into_iter().zip(numbers("mean").into_iter().zip(numbers("mean_se"))) {
            let options = MeansOptions { averaging: Averaging::default().at("FEV1_BL", x), ..MeansOptions::default() };
            let means = fit.marginal_means(&["ARMCD"], &options).expect("means");
            close(means.rows[1].estimate.estimate, mean, 1e-9 * se);
            close(means.rows[1].estimate.se, se, 1e-9 * se);
        }
    }
}

/// The restricted likelihood depends on the scale of a column.
fn scale(line: &Fit) -> f64 {
    let of = |fit: &Fit, name: &str| fit.coefficients().rows.into_iter().find(|r| r.label == name).expect("a coefficient").estimate;
    let straight = fev_fit("FEV1 ~ FEV1_BL + ARMCD * AVISIT");
    (of(line, "ns(FEV1_BL, 1)") / of(&straight, "FEV1_BL")).abs().ln()
}

#[test]
fn functions_of_time_are_those_of_the_schedule() {
    let trial = fev();
    let fit = fit("FEV1 ~ ARMCD * time + I(time^2)", &trial);
    let b = |name: &str| fit.coefficients().rows.into_iter().find(|r| r.label == name).expect("a coefficient").estimate;
    let means = fit.means_by_visit().expect("means");
    close(means.rows[6].estimate.estimate, b("(Intercept)") + 4.0 * b("time") + 16.0 * b("I(time^2)"), 1e-9);
}

#[test]
fn an_offset_is_taken_from_the_outcome() {
    let taken = fev_fit("FEV1 ~ ARMCD * AVISIT + offset(FEV1_BL)");
    assert_eq!(taken.design().outcome(), "FEV1 - offset(FEV1_BL)");
    let layout = trialstats::Layout::long("USUBJID", "ARMCD", "AVISIT").outcome("V");
    let computed = fit("V ~ ARMCD * AVISIT", &less_the_baseline(layout));
    same(&taken, &computed, ["ARMCDTRT", "ARMCDTRT"]);
}

/// fev with the outcome less the baseline value as a column.
fn less_the_baseline(layout: trialstats::Layout) -> Trial {
    let text = contents(FEV);
    let mut lines = text.lines();
    let header = lines.next().expect("a header");
    let line = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        match (cells[5].parse::<f64>(), cells[6].parse::<f64>()) {
            (Ok(x), Ok(y)) => format!("{line},{}\n", y - x),
            _ => format!("{line},NA\n"),
        }
    };
    let all: String = std::iter::once(format!("{header},V\n")).chain(lines.map(line)).collect();
    read_text(&layout, "fev", &all)
}

#[test]
fn an_outcome_is_taken_through_a_function() {
    let logarithms = fev_fit("log(FEV1) ~ ARMCD * AVISIT");
    assert_eq!(logarithms.design().outcome(), "log(FEV1)");
    let means = logarithms.means_by_visit().expect("means");
    assert!(means.to_string().contains("Marginal means of log(FEV1)"));
    // Differences of logarithms are ratios of geometric means.
    let row = &means.rows[0];
    close(row.on_outcome_scale.as_ref().expect("a geometric mean").estimate, row.estimate.estimate.exp(), 1e-12);
    let difference = &logarithms.arm_contrasts(&Default::default()).expect("contrasts").rows[0];
    close(difference.ratio.as_ref().expect("a ratio").estimate, difference.estimate.estimate.exp(), 1e-12);
    assert!(fev_fit("log2(FEV1) ~ ARMCD * AVISIT").means_by_visit().expect("means").rows[0].on_outcome_scale.is_none());
    let error = Model::formula("log(VISITN2) ~ ARMCD").expect("a formula").fit(&negative()).expect_err("negative").to_string();
    assert!(error.contains("`VISITN2` is -") && error.contains("positive numbers") && error.contains("patient `PT1`"), "{error}");
    let error = Model::formula("FEV1 ~ log(VISITN2)").expect("a formula").fit(&fev()).expect_err("negative").to_string();
    assert!(error.contains("`log(VISITN2)` in the formula"), "{error}");
    let error = Model::formula("FEV1 ~ log(SEX)").expect("a formula").fit(&fev()).expect_err("a factor").to_string();
    assert!(error.contains("is a factor"), "{error}");
}

fn negative() -> Trial {
    let layout = trialstats::Layout::long("USUBJID", "ARMCD", "AVISIT").outcome("VISITN2");
    read_text(&layout, "fev", &contents(FEV))
}

#[test]
fn formulas_with_functions_are_written_as_they_are_read() {
    for text in [
        "y ~ log(x) + arm * visit",
        "log(y) ~ arm * visit + offset(`a b`)",
        "y ~ site + arm * ns(`x y`, 3)",
        "y ~ 0 + poly(time, 2, raw) + I(x^3)",
        "sqrt(`CAPS-5 total`) ~ 1",
    ] {
        let model: trialstats::design::MeanModel = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(model.to_string(), text);
        let again: trialstats::design::MeanModel = model.to_string().parse().expect("its own text");
        assert_eq!(again, model);
    }
}
