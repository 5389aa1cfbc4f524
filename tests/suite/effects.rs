//! Effect sizes against R (effectsize, emmeans, boot; tests/references/effects) and against identities.

use crate::common::{antidepressant, invented, of_values, outcome, reference};
use proptest::prelude::*;
use serde_json::Value;
use std::sync::Mutex;
use trialstats::bootstrap::Resampling;
use trialstats::dist::{noncentral_t, normal};
use trialstats::effects::{
    self, Bootstrap, BootstrapDistribution, BootstrapInterval, BootstrapSummary, Correction, Denominator, Difference, EffectOptions,
    EffectSize, EffectSizes, GroupSize, HedgesForm, IntervalMethod, Positive,
};
use trialstats::inference::Estimate;
use trialstats::means::{ArmComparisons, ContrastOptions};
use trialstats::table::Tabular;
use trialstats::trial::BaselineFrom;
use trialstats::trial::{Outcome, Schedule};
use trialstats::{Covariance, Model, Trial};

/// R's results are written with 15 digits.
const EXACT: f64 = 1e-12;
/// effectsize finds noncentralities with Nelder and Mead's search, which stops early; here by less than 5e-6.
const OPTIMISER: f64 = 5e-6;

fn of_r() -> Value {
    reference("effects/effects.json")
}

fn options() -> EffectOptions {
    EffectOptions::new().baseline(BaselineFrom::Covariate("BASVAL".into()))
}

#[track_caller]
fn close(value: f64, expected: &Value, tolerance: f64) {
    let expected = expected.as_f64().unwrap();
    assert!((value - expected).abs() <= tolerance * expected.abs().max(1.0), "{value} is not {expected}");
}

fn row<'a>(effects: &'a EffectSizes, arm: &str, visit: &Value) -> &'a EffectSize {
    effects.rows.iter().find(|r| r.arm == arm && visit == r.visit.as_str()).unwrap()
}

/// d_av of one sample seen twice: the degrees of freedom that the variance of s₁² + s₂² has under normality.
#[test]
fn two_variances_of_the_same_patients_have_the_degrees_of_freedom_of_their_covariance() {
    let values = vec![20.0, 14.0, 26.0, 17.0, 31.0, 25.0, 23.0, 12.0];
    let schedule = Schedule::of_labels(["start", "end"]).with_baseline("start").unwrap();
    let trial = of_values(&["all"], vec![0; 4], schedule, values);
    let options = EffectOptions::new().denominator(Denominator::Average);
    let table = effects::within_arms(&trial, "y", &options).unwrap();
    // Means 25 and 17; squares 66 and 98, products 73, each over 3.
    let (a, b, ab): (f64, f64, f64) = (66.0 / 3.0, 98.0 / 3.0, 73.0 / 3.0);
    let row = &table.rows[0];
    assert!((row.sd - ((a + b) / 2.0).sqrt()).abs() < 1e-12, "{row:?}");
    let df = 3.0 * (a + b).powi(2) / (a * a + b * b + 2.0 * ab * ab);
    assert!((row.sd_df - df).abs() < 1e-12, "{} {df}", row.sd_df);
}

/// The same of two arms, which are independent: ν matches two moments (Satterthwaite).
#[test]
fn two_variances_of_two_arms_have_the_degrees_of_freedom_of_satterthwaite() {
    let values = vec![20.0, 14.0, 26.0, 17.0, 31.0, 25.0, 23.0, 12.0, 24.0, 11.0, 22.0, 19.0, 28.0, 18.0];
    let schedule = Schedule::of_labels(["start", "end"]).with_baseline("start").unwrap();
    let trial = of_values(&["control", "active"], vec![0, 0, 0, 0, 1, 1, 1], schedule, values);
    let table = effects::between_arms(&trial, "y", &EffectOptions::new().denominator(Denominator::Average)).unwrap();
    // 14, 17, 25, 12 and 11, 19, 18 at the end.
    let (a, b): (f64, f64) = (98.0 / 3.0, 38.0 / 2.0);
    let row = &table.rows[0];
    assert!((row.sd - ((a + b) / 2.0).sqrt()).abs() < 1e-12, "{row:?}");
    let df = (a + b).powi(2) / (a * a / 3.0 + b * b / 2.0);
    assert!((row.sd_df - df).abs() < 1e-12, "{} {df}", row.sd_df);
    assert_eq!(table.effects(), table.rows.iter().map(|r| r.effect).collect::<Vec<_>>());
}

#[test]
fn an_arm_that_nobody_of_was_observed_at_a_visit_says_which() {
    let (schedule, na) = (Schedule::of_labels(["start", "middle", "end"]).with_baseline("start").unwrap(), f64::NAN);
    let values = vec![20.0, 18.0, 14.0, 24.0, 20.0, 17.0, 26.0, 21.0, na, 31.0, 25.0, na];
    let trial = of_values(&["control", "active"], vec![0, 0, 1, 1], schedule, values);
    let text = effects::within_arms(&trial, "y", &EffectOptions::new()).unwrap().to_string();
    assert!(text.contains("nobody in arm active was observed at end"), "{text}");
    let text = effects::between_arms(&trial, "y", &EffectOptions::new()).unwrap().to_string();
    assert!(text.contains("nobody in arm active was observed at end"), "{text}");
}

#[test]
fn two_groups_are_those_of_effectsize() {
    let (trial, reference) = (antidepressant(), of_r());
    let table = |denominator, correction| {
        let options = options().denominator(denominator).correction(correction).interval(IntervalMethod::NoncentralT);
        effects::between_arms(&trial, "HAMDTL17", &options).unwrap()
    };
    let cohen = table(Denominator::VisitPooled, Correction::None);
    let hedges = table(Denominator::VisitPooled, Correction::Hedges(HedgesForm::Exact));
    let glass = table(Denominator::Control, Correction::None);
    let average = table(Denominator::Average, Correction::None);
    for expected in reference["between"].as_array().unwrap() {
        let visit = &expected["visit"];
        let here = row(&cohen, "DRUG", visit);
        close(here.difference, &expected["difference"], EXACT);
        assert_eq!(
            (Some(here.observed), here.observed_versus),
            (expected["n_drug"].as_u64().map(|n| n as usize), expected["n_placebo"].as_u64().map(|n| n as usize))
        );
        for (table, name) in [(&cohen, "cohens_d"), (&hedges, "hedges_g")] {
            let here = row(table, "DRUG", visit);
            close(here.effect, &expected[name]["effect"], EXACT);
            close(here.lower, &expected[name]["lower"], OPTIMISER);
            close(here.upper, &expected[name]["upper"], OPTIMISER);
        }
        close(row(&glass, "DRUG", visit).effect, &expected["glass"]["effect"], EXACT);
        close(row(&average, "DRUG", visit).effect, &expected["average"]["effect"], EXACT);
    }
}

#[test]
fn change_within_an_arm_is_that_of_effectsize_and_base_r() {
    let (trial, reference) = (antidepressant(), of_r());
    let table = |denominator, correction| {
        let options = options().denominator(denominator).correction(correction).interval(IntervalMethod::NoncentralT);
        effects::within_arms(&trial, "HAMDTL17", &options).unwrap()
    };
    let d_z = table(Denominator::Change, Correction::None);
    let g_z = table(Denominator::Change, Correction::Hedges(HedgesForm::Exact));
    let d_av = table(Denominator::Average, Correction::None);
    let own = table(Denominator::BaselineOwn, Correction::None);
    let pooled = table(Denominator::BaselinePooled, Correction::None);
    for expected in reference["within"].as_array().unwrap() {
        let (arm, visit) = (expected["arm"].as_str().unwrap(), &expected["visit"]);
        for (table, name) in [(&d_z, "d_z"), (&g_z, "g_z")] {
            let here = row(table, arm, visit);
            close(here.difference, &expected["change"], EXACT);
            close(here.se, &expected["se"], EXACT);
            close(here.effect, &expected[name]["effect"], EXACT);
            close(here.lower, &expected[name]["lower"], OPTIMISER);
            close(here.upper, &expected[name]["upper"], OPTIMISER);
        }
        close(row(&d_av, arm, visit).effect, &expected["d_av"], EXACT);
        close(row(&own, arm, visit).effect, &expected["own_baseline"], EXACT);
        close(row(&pooled, arm, visit).sd, &reference["baseline_pooled_sd"], EXACT);
    }
}

#[test]
fn noncentrality_limits_are_the_roots_of_rs_noncentral_t() {
    for expected in of_r()["conversions"].as_array().unwrap() {
        let (t, df) = (expected["t"].as_f64().unwrap(), expected["df"].as_f64().unwrap());
        let (lower, upper) = noncentral_t::ncp_interval(t, df, 0.95);
        // R's noncentral t has an absolute error of 1e-12.
        close(lower, &expected["lower"], 1e-10);
        close(upper, &expected["upper"], 1e-10);
    }
}

#[test]
fn the_delta_method_is_that_of_emmeans() {
    let trial = antidepressant();
    for expected in of_r()["delta"].as_array().unwrap() {
        let number = |name: &str| expected[name].as_f64().unwrap();
        let estimate = Estimate::new("DRUG - PLACEBO", number("estimate"), number("se"), number("df"));
        let difference = Difference::between("DRUG", "PLACEBO", expected["visit"].as_str().unwrap(), &estimate);
        let table = effects::from_estimates(&trial, "HAMDTL17", &[difference], &options()).unwrap();
        let here = &table.rows[0];
        close(here.sd, &expected["sd"], EXACT);
        close(here.sd_df, &expected["sd_df"], EXACT);
        close(here.effect, &expected["effect"], EXACT);
        close((here.upper - here.lower) / (2.0 * normal::quantile(0.975)), &expected["effect_se"], EXACT);
    }
}

#[test]
fn bootstrap_limits_are_those_of_boot_on_the_same_replicates() {
    let numbers = |v: &Value| -> Vec<f64> { v.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect() };
    let rows = |v: &Value| -> Vec<Vec<f64>> { numbers(v).into_iter().map(|x| vec![x]).collect() };
    for case in of_r()["bootstrap"].as_array().unwrap() {
        for limits in case["limits"].as_array().unwrap() {
            for (interval, name) in
                [(BootstrapInterval::Percentile, "percentile"), (BootstrapInterval::Basic, "basic"), (BootstrapInterval::Bca, "bca")]
            {
                let distribution = BootstrapDistribution {
                    labels: vec!["d".into()],
                    observed: vec![case["observed"].as_f64().unwrap()],
                    replicates: rows(&case["replicates"]),
                    jackknife: case["jackknife"].as_array().unwrap().iter().map(rows).collect(),
                    summary: BootstrapSummary {
                        resampling: Resampling::Patients,
                        interval,
                        replicates: 499,
                        failed: 0,
                        failures: vec![],
                        jackknife_failed: 0,
                        seed: 0,
                        level: limits["level"].as_f64().unwrap(),
                    },
                };
                let (lower, upper) = distribution.limits(0);
                // The acceleration sums differences of numbers that have 15 digits.
                close(distribution.standard_error(0), &case["se"], EXACT);
                close(lower, &limits[name][0], 1e-11);
                close(upper, &limits[name][1], 1e-11);
            }
        }
    }
}

/// A trial whose baseline standard deviation is √(4/3) = 1.1547 in both arms.
fn feingold() -> Trial {
    let baseline = [-1.0, 1.0, -1.0, 1.0];
    let values = baseline.iter().chain(&baseline).flat_map(|b| [*b, 2.0 * b]).collect();
    let schedule = Schedule::of_labels(["start", "end"]).with_baseline("start").unwrap();
    of_values(&["control", "treated"], vec![0, 0, 0, 0, 1, 1, 1, 1], schedule, values)
}

#[test]
fn feingolds_example_is_2_598() {
    // A difference of 1.000 in slopes over three intervals.
    let difference = Difference::between("treated", "control", "end", &Estimate::new("slopes times 3", 3.0, 1.0, 6.0));
    let effects = effects::from_estimates(&feingold(), "y", &[difference], &EffectOptions::new()).unwrap();
    assert!((effects.rows[0].sd - (4.0_f64 / 3.0).sqrt()).abs() < 1e-15);
    assert_eq!(format!("{:.3}", effects.rows[0].effect), "2.598");
}

/// `n` patients an arm at two visits, the second 4.84 (ImRs) or 4.88 (the other) points lower than the first, SD 2 at
/// baseline.
fn published(n: [usize; 2]) -> Trial {
    let arm_of: Vec<usize> = (0..2).flat_map(|a| std::iter::repeat_n(a, n[a])).collect();
    let mut values = vec![];
    for (arm, drop) in [4.84, 4.88].into_iter().enumerate() {
        for i in 0..n[arm] {
            // Alternating values have the variance n/(n − 1) times their squared distance from the mean.
            let distance = 2.0 * ((n[arm] - 1) as f64 / n[arm] as f64).sqrt();
            let baseline = 40.0 + if i % 2 == 0 { distance } else { -distance };
            values.extend([baseline, baseline - drop + if i % 4 < 2 { 0.5 } else { -0.5 }]);
        }
    }
    Trial::builder("invented scores with the published effect sizes")
        .patients((0..n[0] + n[1]).map(|i| format!("p{i}")))
        .arms(["ImRs", "ImRs+GST"], arm_of)
        .schedule(Schedule::of_labels(["baseline", "12 months"]).with_baseline("baseline").unwrap())
        .outcome(Outcome { name: "caps5".into(), label: "CAPS-5 total".into(), range: None, values })
        .build()
        .unwrap()
}

#[test]
fn the_independent_groups_formula_gives_the_published_intervals() {
    let options = EffectOptions::new()
        .denominator(Denominator::BaselineOwn)
        .interval(IntervalMethod::IndependentGroups(GroupSize::Randomized))
        .positive(Positive::Fall);
    let difference = |arm: &str, d: f64| Difference::change(arm, "12 months", &Estimate::new(arm, -2.0 * d, 0.3, 60.0));
    let trial = published([66, 64]);
    let within = effects::from_estimates(&trial, "caps5", &[difference("ImRs", 2.42), difference("ImRs+GST", 2.445)], &options).unwrap();
    let limits = |row: &EffectSize| (format!("{:.2}", row.effect), format!("{:.2}", row.lower), format!("{:.2}", row.upper));
    assert_eq!(limits(&within.rows[0]), ("2.42".into(), "1.97".into(), "2.87".into()));
    // Published as 2.44 (1.99 to 2.90), which an effect of 2.445 gives.
    assert_eq!((limits(&within.rows[1]).1, limits(&within.rows[1]).2), ("1.99".into(), "2.90".into()));
    let difference = Difference::between("ImRs+GST", "ImRs", "12 months", &Estimate::new("", -0.04, 0.3, 120.0));
    let between = effects::from_estimates(&trial, "caps5", &[difference], &options.denominator(Denominator::BaselinePooled)).unwrap();
    assert_eq!(limits(&between.rows[0]), ("0.02".into(), "-0.32".into(), "0.36".into()));
}

/// Limits of Hedges and Olkin by hand, from the patients observed and from those randomized.
#[test]
fn independent_groups_are_as_large_as_the_option_says() {
    let nan = f64::NAN;
    // Randomized 8 and 6; seen at the end 5 and 4; seen at both visits 4 and 4.
    let y = [
        [40.0, 31.0],
        [45.0, 33.0],
        [38.0, 36.0],
        [47.0, 30.0],
        [nan, 35.0],
        [41.0, nan],
        [44.0, nan],
        [39.0, nan],
        [43.0, 38.0],
        [46.0, 41.0],
        [37.0, 35.0],
        [42.0, 36.0],
        [45.0, nan],
        [40.0, nan],
    ];
    let schedule = Schedule::of_labels(["start", "end"]).with_baseline("start").unwrap();
    let trial = of_values(&["a", "b"], (0..14).map(|i| usize::from(i >= 8)).collect(), schedule, y.concat());
    let limit = |d: f64, n1: f64, n2: f64| normal::quantile(0.975) * ((n1 + n2) / (n1 * n2) + d * d / (2.0 * (n1 + n2))).sqrt();
    for (size, between, within) in [(GroupSize::Randomized, [6.0, 8.0], [8.0, 6.0]), (GroupSize::Observed, [4.0, 5.0], [4.0, 4.0])] {
        let options = EffectOptions::new().interval(IntervalMethod::IndependentGroups(size));
        let row = &effects::between_arms(&trial, "y", &options).unwrap().rows[0];
        let half = limit(row.effect, between[0], between[1]);
        assert!((row.upper - row.effect - half).abs() < EXACT && (row.effect - row.lower - half).abs() < EXACT, "{size:?}: {row:?}");
        for (row, n) in effects::within_arms(&trial, "y", &options).unwrap().rows.iter().zip(within) {
            let half = limit(row.effect, n, n);
            assert!((row.upper - row.effect - half).abs() < EXACT && (row.effect - row.lower - half).abs() < EXACT, "{size:?}: {row:?}");
        }
    }
}

#[test]
fn every_table_names_its_denominator_its_limits_and_its_sign() {
    let options = EffectOptions::new().positive(Positive::Fall).interval(IntervalMethod::IndependentGroups(GroupSize::Observed));
    let table = effects::within_arms(&published([66, 64]), "caps5", &options).unwrap();
    let notes = table.notes().join(" ");
    for words in ["raw baseline SD, pooled over arms", "n observed at the visit", "95%", "the score fell", "means of observed scores"] {
        assert!(notes.contains(words), "`{words}` is not in: {notes}");
    }
    assert!(table.to_string().contains("CAPS-5 total: standardized effects within arms"));
    let json = serde_json::to_value(&table).unwrap();
    assert_eq!(json["denominator"], "baseline-pooled");
    assert_eq!(json["rows"][0]["randomized"], 66);
}

/// One arm of `n` patients with complete data at two visits.
fn one_arm(values: Vec<f64>) -> Trial {
    let n = values.len() / 2;
    of_values(&["only"], vec![0; n], Schedule::of_labels(["first", "second"]), values)
}

#[test]
fn the_models_sd_of_complete_data_is_the_raw_one_with_its_degrees_of_freedom() {
    let values = vec![3.1, 5.2, 4.0, 4.4, 2.2, 6.1, 5.5, 7.9, 3.3, 3.0, 4.8, 9.1, 2.9, 4.2];
    let second: Vec<f64> = values.iter().skip(1).step_by(2).copied().collect();
    let n = second.len() as f64;
    let mean = second.iter().sum::<f64>() / n;
    let sd = (second.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
    let trial = one_arm(values);
    let fit = Model::formula("y ~ visit").unwrap().covariance(Covariance::Unstructured).fit(&trial).unwrap();
    let estimate = fit.estimate("second - first", &[0.0, 1.0]).unwrap();
    let options = EffectOptions::new().denominator(Denominator::VisitModel).interval(IntervalMethod::NoncentralT);
    let effects = effects::from_model_estimates(&trial, &fit, &[Difference::change("only", "second", &estimate)], &options).unwrap();
    // The optimum is found to about 1e-9 in the covariance.
    assert!((effects.rows[0].sd / sd - 1.0).abs() < 1e-8, "{} {sd}", effects.rows[0].sd);
    assert!((effects.rows[0].sd_df - (n - 1.0)).abs() < 1e-6, "{}", effects.rows[0].sd_df);
}

#[test]
fn a_models_effects_are_its_contrasts_over_the_denominator() {
    let trial = antidepressant();
    let model = Model::formula("HAMDTL17 ~ BASVAL * VISIT + THERAPY * VISIT").unwrap();
    let fit = model.fit(&trial).unwrap();
    let contrasts = fit.arm_contrasts(&ContrastOptions::default()).unwrap();
    let changes = fit.change_from_baseline(&ContrastOptions::default());
    assert!(changes.is_err(), "the baseline is no part of this model");
    let sigma = &fit.covariances()[0].sigma;
    for (denominator, sd) in [
        (Denominator::BaselinePooled, vec![of_r()["baseline_pooled_sd"].as_f64().unwrap(); 4]),
        (Denominator::VisitModel, (0..4).map(|t| sigma[(t, t)].sqrt()).collect()),
    ] {
        let table =
            effects::from_model(&trial, &fit, &contrasts, &options().denominator(denominator).interval(IntervalMethod::NoncentralT))
                .unwrap();
        for ((row, contrast), sd) in table.rows.iter().zip(&contrasts.rows).zip(sd) {
            assert!((row.effect * sd / contrast.estimate.estimate - 1.0).abs() < 1e-12);
            assert_eq!((row.arm.as_str(), row.versus.as_deref()), ("DRUG", Some("PLACEBO")));
            // Of an unstructured model's variances: near the number of patients at the visit less the columns behind
            // its mean.
            assert!(denominator == Denominator::BaselinePooled || (100.0..172.0).contains(&row.sd_df), "{}", row.sd_df);
            let ratio = contrast.estimate.se / sd;
            let (lower, upper) = noncentral_t::ncp_interval(contrast.estimate.t, contrast.estimate.df, 0.95);
            assert!((row.lower - lower * ratio).abs() < 1e-12 && (row.upper - upper * ratio).abs() < 1e-12);
        }
        assert!(table.notes().join(" ").contains("restricted maximum likelihood"));
    }
    let bootstrap = |seed| {
        Bootstrap::new(60, seed).level(0.9).effects(&trial, |t| {
            let fit = model.fit(t)?;
            effects::from_model(t, &fit, &fit.arm_contrasts(&ContrastOptions::default())?, &options())
        })
    };
    let (first, again, other) = (bootstrap(1).unwrap(), bootstrap(1).unwrap(), bootstrap(2).unwrap());
    assert!(first.rows.iter().all(|r| r.lower < r.effect && r.effect < r.upper));
    let limits = |t: &EffectSizes| t.rows.iter().map(|r| (r.lower, r.upper)).collect::<Vec<_>>();
    assert_eq!(limits(&first), limits(&again));
    assert_ne!(limits(&first), limits(&other));
}

#[test]
fn change_within_an_arm_comes_from_a_model_with_the_baseline_in_the_response() {
    let trial = published([66, 64]);
    let fit = Model::formula("caps5 ~ arm * visit").unwrap().fit(&trial).unwrap();
    let changes = fit.change_from_baseline(&ContrastOptions::default()).unwrap();
    let options = EffectOptions::new().positive(Positive::Fall).interval(IntervalMethod::IndependentGroups(GroupSize::Randomized));
    let table = effects::from_model(&trial, &fit, &changes, &options).unwrap();
    let raw = effects::within_arms(&trial, "caps5", &options).unwrap();
    for (model, raw) in table.rows.iter().zip(&raw.rows) {
        // Complete data: the model's means are the raw ones.
        assert!((model.effect - raw.effect).abs() < 1e-9 && (model.lower - raw.lower).abs() < 1e-9);
        assert_eq!((model.randomized, model.observed), (raw.randomized, raw.observed));
    }
    let pairwise = fit.arm_contrasts(&ContrastOptions::default().arms(ArmComparisons::Pairwise)).unwrap();
    assert_eq!(effects::from_model(&trial, &fit, &pairwise, &options).unwrap().rows[0].versus.as_deref(), Some("ImRs"));
}

#[test]
fn a_denominator_out_of_place_is_refused_with_a_remedy() {
    let trial = published([10, 10]);
    for (between, denominator) in [
        (true, Denominator::BaselineOwn),
        (false, Denominator::Control),
        (false, Denominator::VisitPooled),
        (false, Denominator::VisitModel),
        (true, Denominator::VisitModel),
    ] {
        let options = EffectOptions::new().denominator(denominator);
        let result =
            if between { effects::between_arms(&trial, "caps5", &options) } else { effects::within_arms(&trial, "caps5", &options) };
        let error = result.unwrap_err();
        assert_eq!(error.code(), "not-defined");
        assert!(error.to_string().contains("use "), "{error}");
    }
    assert_eq!(effects::within_arms(&trial, "caps5", &EffectOptions::new().level(95.0)).unwrap_err().code(), "out-of-range");
    assert_eq!(effects::within_arms(&trial, "caps", &EffectOptions::new()).unwrap_err().code(), "unknown-name");
    let no_baseline = effects::within_arms(&antidepressant(), "HAMDTL17", &EffectOptions::new()).unwrap_err();
    assert!(no_baseline.to_string().contains("no baseline visit"), "{no_baseline}");
}

#[test]
fn what_cannot_be_computed_has_an_empty_row_and_a_remark() {
    let mut values = vec![1.0, f64::NAN, 2.0, f64::NAN, 4.0, f64::NAN];
    values.extend([3.0, 5.0, 1.0, 4.0, 2.0, 2.0]);
    let schedule = Schedule::of_labels(["t0", "t1"]).with_baseline("t0").unwrap();
    let trial = of_values(&["x", "y"], vec![0, 0, 0, 1, 1, 1], schedule, values);
    let table = effects::within_arms(&trial, "y", &EffectOptions::new()).unwrap();
    assert_eq!(table.rows.len(), 2);
    assert!(table.rows[0].effect.is_nan() && table.rows[1].effect.is_finite());
    assert_eq!((table.rows[0].observed, table.rows[0].randomized), (0, 3));
    assert!(table.to_string().contains("x, t1: no effect size"), "{table}");
}

fn bootstrap_table(threads: usize, interval: BootstrapInterval) -> EffectSizes {
    let trial = antidepressant();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let options = options();
    pool.install(|| Bootstrap::new(200, 11).interval(interval).effects(&trial, |t| effects::between_arms(t, "HAMDTL17", &options)).unwrap())
}

#[test]
fn the_bootstrap_is_bit_identical_for_any_number_of_threads() {
    for interval in [BootstrapInterval::Percentile, BootstrapInterval::Bca] {
        let (one, four) = (bootstrap_table(1, interval), bootstrap_table(4, interval));
        for (a, b) in one.rows.iter().zip(&four.rows) {
            assert_eq!((a.lower.to_bits(), a.upper.to_bits()), (b.lower.to_bits(), b.upper.to_bits()));
            assert!(a.lower < a.effect && a.effect < a.upper);
        }
    }
    let note = bootstrap_table(2, BootstrapInterval::Bca).notes().join(" ");
    assert!(note.contains(
        "bias-corrected and accelerated bootstrap of patients within arms, 200 replicates (ChaCha12, seed 11), 0 of them failed"
    ));
}

#[test]
fn a_bias_correction_that_does_not_exist_is_said_not_guessed() {
    // Every resample lies below what is observed in the trial itself.
    let trial = published([12, 12]);
    let table = Bootstrap::new(50, 1).interval(BootstrapInterval::Bca).effects(&trial, |t| {
        let mut table = effects::within_arms(t, "caps5", &EffectOptions::new())?;
        let resampled = t.patients() != trial.patients();
        table.rows.iter_mut().for_each(|r| r.effect = if resampled { -1.0 } else { 1.0 });
        Ok(table)
    });
    let table = table.unwrap();
    assert!(table.rows[0].lower.is_nan());
    assert!(table.notes().join(" ").contains("ImRs, 12 months: no limits, because all replicates lie on one side of it."));
}

#[test]
fn bootstrap_and_delta_limits_are_of_one_size() {
    // Two consistent methods on 129 patients: widths within a quarter of one another.
    let trial = antidepressant();
    let delta = effects::between_arms(&trial, "HAMDTL17", &options()).unwrap();
    let bootstrap = Bootstrap::new(1000, 3).effects(&trial, |t| effects::between_arms(t, "HAMDTL17", &options())).unwrap();
    for (a, b) in delta.rows.iter().zip(&bootstrap.rows) {
        let ratio = (b.upper - b.lower) / (a.upper - a.lower);
        assert!((0.75..1.25).contains(&ratio), "{ratio}");
    }
}

#[test]
fn failed_replicates_are_counted_and_shown() {
    let trial = published([12, 12]);
    // Fails wherever the first patient is not drawn.
    let needs_first = |t: &Trial| {
        if t.patients().iter().any(|p| p == "p0") {
            Ok(vec![t.outcomes()[0].values.iter().sum::<f64>()])
        } else {
            t.outcome("nothing").map(|_| vec![])
        }
    };
    let calls = Mutex::new(vec![]);
    let distribution =
        Bootstrap::new(300, 5).progress(|done, total| calls.lock().unwrap().push((done, total))).run(&trial, needs_first).unwrap();
    let failed = distribution.summary.failed;
    // The probability of not being drawn is (11/12)^12 = 0.352: 106 expected, standard deviation 8.
    assert!((70..140).contains(&failed), "{failed}");
    assert_eq!(distribution.replicates.len(), 300 - failed);
    assert_eq!(distribution.summary.failures[0].1, failed);
    assert!(distribution.summary.to_string().contains("no outcome named"), "{}", distribution.summary);
    let mut calls = calls.into_inner().unwrap();
    calls.sort_unstable();
    assert_eq!(calls, (1..=300).map(|i| (i, 300)).collect::<Vec<_>>());
}

#[test]
fn too_few_replicates_for_a_level_are_refused() {
    let trial = published([12, 12]);
    let run = |replicates| Bootstrap::new(replicates, 1).run(&trial, |t| Ok(vec![t.outcomes()[0].values[0]]));
    assert!(run(38).unwrap_err().to_string().contains("at least 40"));
    assert!(run(40).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// d does not know the unit of the outcome, nor where its zero lies; turning the scale round turns d round.
    #[test]
    fn effect_sizes_do_not_depend_on_scale_and_origin(
        values in proptest::collection::vec(-50.0..50.0f64, 40),
        scale in 0.01..100.0f64,
        shift in -1000.0..1000.0f64,
    ) {
        let schedule = Schedule::of_labels(["t0", "t1"]).with_baseline("t0").unwrap();
        let trial = |map: &dyn Fn(f64) -> f64| invented(&["a", "b"], (0..20).map(|i| i % 2).collect(), schedule.clone())
            .outcome(outcome("o", values.iter().map(|v| map(*v)).collect()))
            .build()
            .unwrap();
        let (plain, moved, turned) = (trial(&|v| v), trial(&|v| shift + scale * v), trial(&|v| -v));
        for denominator in [Denominator::BaselinePooled, Denominator::BaselineWhole, Denominator::Change, Denominator::Average] {
            for interval in [IntervalMethod::Delta, IntervalMethod::NoncentralT, IntervalMethod::IndependentGroups(GroupSize::Observed)] {
                let options = EffectOptions::new().denominator(denominator).interval(interval).correction(Correction::Hedges(HedgesForm::Exact));
                for table in [effects::within_arms, effects::between_arms] {
                    let rows = |t: &Trial, o: &EffectOptions| table(t, "o", o).unwrap().rows;
                    for (a, b) in rows(&plain, &options).iter().zip(rows(&moved, &options)) {
                        for (x, y) in [(a.effect, b.effect), (a.lower, b.lower), (a.upper, b.upper)] {
                            prop_assert!((x - y).abs() < 1e-7 * x.abs().max(1.0), "{x} {y}");
                        }
                    }
                    for (a, b) in rows(&plain, &options).iter().zip(rows(&turned, &options.clone().positive(Positive::Fall))) {
                        prop_assert!((a.effect - b.effect).abs() < 1e-12);
                        prop_assert!((a.lower - b.lower).abs() < 1e-9 && (a.upper - b.upper).abs() < 1e-9);
                    }
                }
            }
        }
    }
}
