//! Moments of several data sets added up, against the fit of all patients together.

use crate::common::tolerances::POOLED;
use crate::common::{FEV, antidepressant, bcva, contents, fev, fev_layout, imrs_gst, read_text};
use proptest::prelude::*;
use trialstats::design::{Averaging, CovariateMeans, FactorWeights};
use trialstats::fit::TrialMoments;
use trialstats::inference::MomentsFit;
use trialstats::means::{ContrastOptions, MeansOptions};
use trialstats::simulate::{Dropout, Gaussian};
use trialstats::trial::{CovariateKind, Variable};
use trialstats::{Covariance, Df, Error, Fit, Layout, Model, Result, Trial, Vcov};

fn fev_text() -> String {
    contents(FEV).replace('"', "")
}

/// The moments of the patients at these positions.
pub fn moments_of(model: &Model, trial: &Trial, patients: &[usize]) -> TrialMoments {
    let frozen = model.freeze(&trial.protocol()).unwrap();
    TrialMoments::of(&frozen, &trial.part(patients).unwrap()).unwrap()
}

/// Every k-th patient, k parts.
pub fn split(model: &Model, trial: &Trial, parts: usize) -> Vec<TrialMoments> {
    let patients: Vec<usize> = (0..trial.patients().len()).collect();
    let part = |k: usize| patients.iter().copied().filter(|i| i % parts == k).collect::<Vec<_>>();
    (0..parts).map(|k| moments_of(model, trial, &part(k))).collect()
}

/// Whether two fits say the same, relative to the standard errors.
fn assert_same(parts: &MomentsFit, whole: &Fit) {
    let (own, other) = (parts.coefficients(), whole.coefficients());
    assert_eq!(own.rows.len(), other.rows.len());
    for (a, b) in own.rows.iter().zip(&other.rows) {
        assert_eq!(a.label, b.label);
        if b.se.is_nan() {
            assert!(a.se.is_nan());
            continue;
        }
        let close = |x: f64, y: f64, scale: f64| (x - y).abs() <= POOLED * scale;
        assert!(close(a.estimate, b.estimate, b.se), "{}: {} {} (SE {})", a.label, a.estimate, b.estimate, b.se);
        assert!(close(a.se, b.se, b.se) && close(a.df, b.df, 100.0 * b.df), "{}: {a:?} {b:?}", a.label);
    }
    assert!((parts.log_likelihood() - whole.log_likelihood()).abs() <= 1e-8 * whole.log_likelihood().abs().max(1.0));
    assert_eq!((parts.n_patients(), parts.n_observations()), (whole.n_patients(), whole.n_observations()));
    assert_eq!(parts.notes(), whole.notes());
    assert_eq!(parts.account().warnings(), whole.design().warnings());
    assert_eq!(parts.account().exclusions().counts(), whole.design().exclusions().counts());
}

pub fn pooled(parts: Vec<TrialMoments>) -> TrialMoments {
    parts.into_iter().sum::<Result<TrialMoments>>().unwrap()
}

/// A trial that is taken in several pieces, with missing outcomes, a covariate that some lack, one by visit, and weights: the fit
/// from sums is that of the patients, and the sums are the same bits for any number of threads.
#[test]
fn the_moments_of_many_patients_are_those_of_all() {
    const PATIENTS: usize = 9000;
    let drawn = Gaussian::new(["0", "1", "2"])
        .arm("a", PATIENTS / 3, [30.0, 25.0, 22.0])
        .arm("b", PATIENTS - PATIENTS / 3, [30.0, 24.0, 20.0])
        .autoregressive(10.0, 0.6)
        .dropout(Dropout::CompletelyAtRandom { each_visit: 0.2 })
        .trial(20261201, 0)
        .unwrap();
    let of = |i: usize, by: usize| ((i * by) % 1013) as f64 / 101.3;
    let age = (0..PATIENTS).map(|i| if i % 17 == 5 { f64::NAN } else { 40.0 + of(i, 7919) }).collect();
    let dose = (0..3 * PATIENTS).map(|row| of(row, 104_729)).collect();
    let site: Vec<Option<usize>> = (0..PATIENTS).map(|i| Some(i * 3 / PATIENTS)).collect();
    let weight = (0..3 * PATIENTS).map(|row| 0.5 + of(row, 6007)).collect();
    let trial = Trial::builder("many invented patients")
        .patients(drawn.patients().to_vec())
        .arms(drawn.arms().to_vec(), drawn.arm_of().to_vec())
        .schedule(drawn.schedule().clone())
        .outcome(drawn.outcomes()[0].clone())
        .variables([
            Variable::number("age", age),
            Variable::number_by_visit("dose", dose),
            Variable::factor("site", ["x", "y", "z"], site),
            Variable::weight("w", weight),
        ])
        .build()
        .unwrap();
    let satterthwaite = |formula: &str| Model::formula(formula).unwrap();
    for model in [
        satterthwaite("y ~ age + dose + site * visit + arm * visit"),
        satterthwaite("y ~ age + arm * visit").weights("w").covariance_by("arm"),
    ] {
        let frozen = model.freeze(&trial.protocol()).unwrap();
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| TrialMoments::of(&frozen, &trial).unwrap())
        };
        let moments = on(1);
        assert_eq!(moments, on(3));
        assert_same(&model.fit_moments(&moments).unwrap(), &model.fit(&trial).unwrap());
    }
}

#[test]
fn a_fit_from_the_moments_of_parts_is_the_pooled_fit() {
    let cases: Vec<(Trial, &str)> = vec![
        (antidepressant(), "CHANGE ~ BASVAL * VISIT + THERAPY * VISIT"),
        (fev(), "FEV1 ~ RACE + SEX + ARMCD * AVISIT"),
        (fev(), "FEV1 ~ 0 + ARMCD:AVISIT"),
        (fev(), "FEV1 ~ RACE * ARMCD * AVISIT + SEX"),
        (bcva(), "BCVA_CHG ~ RACE + BCVA_BL + ARMCD * AVISIT"),
        (imrs_gst(), "caps5 ~ baseline + site + arm * visit"),
    ];
    for (trial, formula) in &cases {
        let model = Model::formula(formula).unwrap().df(Df::KenwardRoger);
        let whole = model.fit(trial).unwrap();
        for parts in [1, 2, 5] {
            assert_same(&model.fit_moments(&pooled(split(&model, trial, parts))).unwrap(), &whole);
        }
    }
}

/// A fit of the patients eliminates the columns that few of them touch first; sums know no patients, and take all columns at
/// once. With dropout neither has a closed form.
#[test]
fn many_arms_are_the_same_column_by_column_and_all_at_once() {
    let mut truth = Gaussian::new(["1", "2", "3", "4"]).autoregressive(3.0, 0.6).dropout(Dropout::CompletelyAtRandom { each_visit: 0.1 });
    for arm in 0..24 {
        truth = truth.arm(format!("a{arm:02}"), 8 + arm % 3, (0..4).map(|t| f64::from(t * (arm as u32 % 5))).collect::<Vec<_>>());
    }
    let trial = truth.trial(20_261_130, 0).unwrap();
    for (formula, df) in
        [("y ~ arm * visit", Df::Satterthwaite), ("y ~ 0 + arm:visit", Df::Satterthwaite), ("y ~ arm * visit", Df::KenwardRoger)]
    {
        for model in [
            Model::formula(formula).unwrap().df(df),
            Model::formula(formula).unwrap().df(df).covariance(Covariance::HeterogeneousAutoregressive),
        ] {
            assert_same(&model.fit_moments(&pooled(split(&model, &trial, 3))).unwrap(), &model.fit(&trial).unwrap());
        }
    }
}

#[test]
fn weights_and_covariance_groups_pool_too() {
    let trial = fev();
    for model in [
        Model::formula("FEV1 ~ RACE + ARMCD * AVISIT").unwrap().weights("WEIGHT"),
        Model::formula("FEV1 ~ RACE + ARMCD * AVISIT").unwrap().covariance_by("ARMCD"),
        Model::formula("FEV1 ~ RACE + ARMCD * AVISIT").unwrap().weights("WEIGHT").covariance_by("SEX").visits(["VIS1", "VIS3", "VIS4"]),
    ] {
        assert_same(&model.fit_moments(&pooled(split(&model, &trial, 3))).unwrap(), &model.fit(&trial).unwrap());
    }
}

#[test]
fn marginal_means_contrasts_and_tests_need_no_rows() {
    let trial = fev();
    let model = Model::formula("FEV1 ~ RACE * SEX + FEV1_BL + ARMCD * AVISIT").unwrap();
    let (parts, whole) = (model.fit_moments(&pooled(split(&model, &trial, 4))).unwrap(), model.fit(&trial).unwrap());
    for factors in [FactorWeights::Equal, FactorWeights::Proportional, FactorWeights::Cells, FactorWeights::ObservedMargins] {
        for covariates in [CovariateMeans::Observations, CovariateMeans::Patients] {
            let averaging = Averaging::weights(factors).covariate_means(covariates);
            let options = ContrastOptions::default().averaging(averaging.clone());
            let (a, b) = (parts.arm_contrasts(&options).unwrap(), whole.arm_contrasts(&options).unwrap());
            for (a, b) in a.rows.iter().zip(&b.rows) {
                assert!((a.estimate.estimate - b.estimate.estimate).abs() < POOLED * b.estimate.se);
            }
            let options = MeansOptions { averaging, ..MeansOptions::default() };
            let (a, b) =
                (parts.marginal_means(&["arm", "visit"], &options).unwrap(), whole.marginal_means(&["arm", "visit"], &options).unwrap());
            for (a, b) in a.rows.iter().zip(&b.rows) {
                assert_eq!((&a.levels, a.n), (&b.levels, b.n));
                assert!((a.estimate.estimate - b.estimate.estimate).abs() < POOLED * b.estimate.se);
            }
        }
    }
    let (a, b) = (parts.term_tests().unwrap(), whole.term_tests().unwrap());
    for (a, b) in a.rows.iter().zip(&b.rows) {
        assert!((a.test.as_ref().unwrap().f - b.test.as_ref().unwrap().f).abs() < 1e-7 * b.test.as_ref().unwrap().f.max(1.0));
    }
}

#[test]
fn offsets_cost_no_digits_wherever_the_parts_lie() {
    let text = fev_text();
    let (mut lines, header) = (text.lines(), text.lines().next().unwrap());
    let columns: Vec<&str> = header.split(',').collect();
    let at = |name: &str| columns.iter().position(|c| *c == name).unwrap();
    let (y, x) = (at("FEV1"), at("FEV1_BL"));
    lines.next();
    // An outcome about a million and a covariate about ten million, with standard deviations of ten.
    let shifted = |line: &str| {
        let mut fields: Vec<String> = line.split(',').map(String::from).collect();
        for (field, by) in [(y, 1e6), (x, 1e7)] {
            if let Ok(value) = fields[field].parse::<f64>() {
                fields[field] = format!("{}", value + by);
            }
        }
        fields.join(",")
    };
    let far = format!("{header}\n{}\n", lines.map(shifted).collect::<Vec<_>>().join("\n"));
    let far = read_text(&fev_layout(), "fev_data, moved", &far);
    let model = Model::formula("FEV1 ~ FEV1_BL * AVISIT + ARMCD * AVISIT").unwrap();
    let (parts, whole) = (model.fit_moments(&pooled(split(&model, &far, 3))).unwrap(), model.fit(&far).unwrap());
    for (a, b) in parts
        .arm_contrasts(&ContrastOptions::default())
        .unwrap()
        .rows
        .iter()
        .zip(&whole.arm_contrasts(&ContrastOptions::default()).unwrap().rows)
    {
        assert!((a.estimate.estimate - b.estimate.estimate).abs() < 1e-7 * b.estimate.se, "{a:?} {b:?}");
        assert!((a.estimate.se - b.estimate.se).abs() < 1e-7 * b.estimate.se);
    }
}

#[test]
fn what_occurs_nowhere_is_left_out_as_in_the_pooled_design() {
    let trial = fev();
    // Only White patients, and nobody at the last visit.
    let text = fev_text();
    let kept: Vec<&str> = text.lines().filter(|l| !l.contains("VIS4") && !l.contains("Asian")).collect();
    let few = read_text(&fev_layout().part_of(&trial.protocol()), "few", &kept.join("\n"));
    let model = Model::formula("FEV1 ~ RACE + SEX + ARMCD * AVISIT").unwrap();
    let whole = model.fit(&few).unwrap();
    assert!(whole.design().warnings().iter().any(|w| w.contains("VIS4")) && whole.design().warnings().iter().any(|w| w.contains("Asian")));
    assert_same(&model.fit_moments(&pooled(split(&model, &few, 3))).unwrap(), &whole);
}

#[test]
fn aliased_columns_are_found_from_moments() {
    let trial = fev();
    // A second name for the first covariate, and a factor that repeats another.
    for formula in [
        "FEV1 ~ FEV1_BL + ARMCD * AVISIT + RACE:SEX + RACE + SEX",
        "FEV1 ~ ARMCD + ARMCD:AVISIT + AVISIT:RACE:SEX + FEV1_BL:ARMCD + FEV1_BL",
    ] {
        let model = Model::formula(formula).unwrap();
        let whole = model.fit(&trial).unwrap();
        let parts = model.fit_moments(&pooled(split(&model, &trial, 3))).unwrap();
        assert_eq!(
            parts.account().aliased().iter().map(|a| a.column).collect::<Vec<_>>(),
            whole.design().aliased().iter().map(|a| a.column).collect::<Vec<_>>()
        );
        assert_same(&parts, &whole);
    }
}

#[test]
fn a_covariate_that_does_not_vary_is_named_by_sums_too() {
    let text = fev_text();
    let with_column = |line: (usize, &str)| format!("{},{}\n", line.1, if line.0 == 0 { "dose" } else { "0.3" });
    let text: String = text.lines().enumerate().map(with_column).collect();
    let trial = read_text(&fev_layout().covariate_as("dose", CovariateKind::Numeric), "one dose", &text);
    for formula in ["FEV1 ~ dose + ARMCD * AVISIT", "FEV1 ~ FEV1_BL + dose + ARMCD * AVISIT"] {
        let model = Model::formula(formula).unwrap();
        let whole = model.fit(&trial).unwrap();
        assert!(whole.design().warnings().iter().any(|w| w.starts_with("`dose` is 0.3 in every analysed observation")));
        assert_same(&model.fit_moments(&pooled(split(&model, &trial, 3))).unwrap(), &whole);
    }
}

#[test]
fn json_brings_moments_back_bit_for_bit() {
    let model = Model::formula("FEV1 ~ RACE + FEV1_BL + ARMCD * AVISIT").unwrap();
    let moments = pooled(split(&model, &fev(), 2));
    let back: TrialMoments = serde_json::from_str(&serde_json::to_string(&moments).unwrap()).unwrap();
    assert_eq!(back, moments);
    let broken = serde_json::to_string(&moments).unwrap().replacen("\"zz\":[", "\"zz\":[1.0,", 1);
    assert!(serde_json::from_str::<TrialMoments>(&broken).unwrap_err().to_string().contains("undamaged"));
}

#[test]
fn designs_that_differ_say_in_what() {
    let trial = fev();
    let message = |a: &Model, b: &Model| {
        let parts = [moments_of(a, &trial, &[0, 1, 2]), moments_of(b, &trial, &[3, 4])];
        let error = parts.into_iter().sum::<Result<TrialMoments>>().unwrap_err();
        assert_eq!(error.code(), "designs-differ");
        error.to_string()
    };
    let model = |formula: &str| Model::formula(formula).unwrap();
    let first = model("FEV1 ~ ARMCD * AVISIT");
    assert!(message(&first, &model("FEV1 ~ ARMCD + AVISIT")).contains("the mean model differs"));
    assert!(message(&first, &first.clone().visits(["VIS1", "VIS2"])).contains("the analysed visits differs"));
    assert!(message(&first, &first.clone().covariance_by("ARMCD")).contains("the covariance groups differs"));
    let other = model("FEV1 ~ ARMCD + AVISIT").fit_moments(&moments_of(&first, &trial, &[0, 1])).unwrap_err();
    assert_eq!(other.code(), "designs-differ");
}

#[test]
fn data_that_do_not_follow_the_protocol_are_refused_by_name() {
    let layout = Layout::long("id", "group", "week").outcome("score").covariate("site");
    let read = |text: &str| read_text(&layout, "a file", text);
    let planned = read("id,group,week,score,site\n1,P,0,1,a\n1,P,4,2,a\n2,T,0,2,b\n2,T,4,5,b\n3,T,0,2,b\n3,T,4,4,b\n");
    let frozen = Model::formula("score ~ site + group * week").unwrap().freeze(&planned.protocol()).unwrap();
    let refusal = |text: &str| TrialMoments::of(&frozen, &read(text)).unwrap_err().to_string();
    assert!(refusal("id,group,week,score,site\n9,X,0,1,a\n9,X,4,1,a\n").contains("no arm named `X`"));
    assert!(refusal("id,group,week,score,site\n9,P,0,1,a\n9,P,8,1,a\n").contains("no visit named `8`"));
    assert!(refusal("id,group,week,score,site\n9,P,0,1,c\n9,P,4,1,c\n").contains("`site` = c"));
    assert!(refusal("id,group,week,score,site\n9,P,0,1,3\n9,P,4,1,3\n").contains("it is a number per patient and not a level per patient"));
    // A file in which arms and levels are fewer is no problem.
    assert_eq!(TrialMoments::of(&frozen, &read("id,group,week,score,site\n9,T,4,1,b\n9,T,0,1,b\n")).unwrap().n_observations(), 2);
}

#[test]
fn what_needs_rows_is_refused() {
    let model = Model::formula("FEV1 ~ RACE + ARMCD * AVISIT").unwrap();
    let sums = pooled(split(&model, &fev(), 2));
    for asked in [model.clone().vcov(Vcov::Cr2), model.df(Df::BetweenWithin)] {
        assert!(matches!(asked.fit_moments(&sums), Err(Error::NoPatients { .. })));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_partition_in_any_order_gives_the_same(of in proptest::collection::vec(0_usize..6, 200), order in Just((0_usize..6).collect::<Vec<_>>()).prop_shuffle()) {
        let trial = fev();
        let model = Model::formula("FEV1 ~ RACE + FEV1_BL + ARMCD * AVISIT").unwrap();
        let part = |k: usize| (0..trial.patients().len()).filter(|&i| of[i] == k).collect::<Vec<_>>();
        let parts: Vec<TrialMoments> = order.iter().map(|&k| moments_of(&model, &trial, &part(k))).collect();
        let whole = pooled(split(&model, &trial, 1));
        let sum = pooled(parts);
        prop_assert_eq!(sum.n_patients(), whole.n_patients());
        prop_assert_eq!(sum.patterns().len(), whole.patterns().len());
        let (a, b) = (model.fit_moments(&sum).unwrap(), model.fit_moments(&whole).unwrap());
        for (a, b) in a.coefficients().rows.iter().zip(&b.coefficients().rows) {
            prop_assert!((a.estimate - b.estimate).abs() < POOLED * b.se);
            prop_assert!((a.se - b.se).abs() < POOLED * b.se);
        }
    }
}
