//! Predictions and simulations from a fit: against R mmrm's `predict`, R's predict.lm, and exact identities.

use crate::common::{Comparison, assert_all, fev, number, reference, rows, text, tolerances::*};
use trialstats::covariance::Covariance;
use trialstats::inference::{Prediction, PredictionOptions, Predictions, VisitStatus};
use trialstats::{Fit, Layout, Model, Tabular, Trial};

const FORMULA: &str = "FEV1 ~ RACE + SEX + ARMCD * AVISIT";

fn model() -> Model {
    Model::formula(FORMULA).unwrap()
}

fn find<'a>(predictions: &'a Predictions, row: &serde_json::Value) -> &'a Prediction {
    let is = |p: &&Prediction| p.patient == text(&row["patient"]) && p.visit == text(&row["visit"]);
    predictions.rows.iter().find(is).unwrap_or_else(|| panic!("no row for {row}"))
}

fn compare(case: &str, fit: &Fit, trial: &Trial) -> Comparison {
    let expected = reference(&format!("predictions/{case}.json"));
    let marginal = fit.predictions(trial, &PredictionOptions::marginal()).unwrap();
    let conditional = fit.predictions(trial, &PredictionOptions::conditional()).unwrap();
    let mut comparison = Comparison::of(case);
    for row in rows(&expected["rows"]) {
        let (m, c) = (find(&marginal, row), find(&conditional, row));
        let what = |name: &str| format!("{name} of {} at {}", c.patient, c.visit);
        let sd = number(&row["variance"]).sqrt().max(1.0);
        comparison.within(&what("x'β"), c.fitted, number(&row["fitted"]), PREDICTION * sd);
        comparison.within(&what("prediction"), c.predicted, number(&row["predicted"]), PREDICTION * sd);
        if row["marginal_variance"].is_number() {
            comparison.within(&what("marginal prediction"), m.predicted, number(&row["fitted"]), PREDICTION * sd);
            comparison.relative(&what("marginal SE of the mean"), m.se_mean, number(&row["marginal_mean_variance"]).sqrt(), PREDICTION);
            comparison.relative(&what("marginal SE"), m.se_prediction, number(&row["marginal_variance"]).sqrt(), PREDICTION);
        }
        if row["observed"] == true {
            comparison.same(&what("status"), c.status, VisitStatus::Observed);
            comparison.same(&what("absence of an SE"), c.se_prediction.is_nan(), true);
        } else {
            comparison.same(&what("status"), c.status, VisitStatus::NotObserved);
            comparison.relative(&what("SE of the mean"), c.se_mean, number(&row["mean_variance"]).sqrt(), PREDICTION);
            comparison.relative(&what("SE"), c.se_prediction, number(&row["variance"]).sqrt(), PREDICTION);
        }
    }
    for row in expected["df"].as_array().into_iter().flatten() {
        let (m, c) = (find(&marginal, row), find(&conditional, row));
        comparison.relative(&format!("df of {} at {}", c.patient, c.visit), c.df_prediction, number(&row["conditional"]), PREDICTION_DF);
        comparison.relative(
            &format!("marginal df of {} at {}", c.patient, c.visit),
            m.df_prediction,
            number(&row["marginal"]),
            PREDICTION_DF,
        );
    }
    comparison
}

#[test]
fn predictions_are_those_of_mmrm() {
    let trial = fev();
    let cases = [
        ("fev_us", model()),
        ("fev_ar1", model().covariance(Covariance::Autoregressive)),
        ("fev_us_by_arm", model().covariance_by("ARMCD")),
        ("fev_us_weighted", model().weights("WEIGHT")),
    ];
    assert_all(cases.into_iter().map(|(case, model)| compare(case, &model.fit(&trial).unwrap(), &trial)));
}

#[test]
fn one_visit_is_predicted_as_by_a_linear_regression() {
    let expected = reference("predictions/fev_one_visit.json");
    let trial = fev();
    let fit = Model::formula("FEV1 ~ RACE + SEX + ARMCD").unwrap().visits(["VIS4"]).fit(&trial).unwrap();
    let options = PredictionOptions::marginal().level(number(&expected["level"]));
    let predictions = fit.predictions(&trial, &options).unwrap();
    let mut comparison = Comparison::of("one visit");
    for row in rows(&expected["rows"]) {
        let here = predictions.rows.iter().find(|p| p.patient == text(&row["patient"])).unwrap();
        for (name, ours) in [
            ("predicted", here.predicted),
            ("se_mean", here.se_mean),
            ("mean_lower", here.mean_lower),
            ("mean_upper", here.mean_upper),
            ("lower", here.lower),
            ("upper", here.upper),
        ] {
            comparison.relative(&format!("{name} of {}", here.patient), ours, number(&row[name]), IDENTITY);
        }
        comparison.relative("df", here.df_prediction, number(&expected["residual_df"]), IDENTITY);
    }
    assert_all([comparison]);
}

/// Invented: an arm, a factor, a number far from zero; a hole in every covariate, an outcome without its covariate, a
/// patient never observed.
const HOLES: &str = "\
id,arm,visit,sex,dose,y
a,P,one,f,1000001,5.1
a,P,two,f,1000001,6.2
b,P,one,m,1000002,5.9
b,P,two,m,1000002,
c,P,one,f,1000004,7.0
c,P,two,f,1000004,7.7
d,T,one,m,1000003,4.4
d,T,two,m,1000003,4.1
e,T,one,f,1000002,5.0
e,T,two,f,1000002,3.9
f,T,one,m,1000005,
f,T,two,m,1000005,
g,T,one,,1000001,6.0
g,T,two,,1000001,5.5
h,P,one,m,1000001,4.0
h,P,two,m,1000001,6.1
i,T,one,f,1000006,8.1
i,T,two,f,1000006,7.5
";

fn holes(file: &str) -> Trial {
    let layout = Layout::long("id", "arm", "visit").outcome("y").factor("sex", ["f", "m"]).covariate("dose");
    layout.read_csv_from("invented", file.as_bytes()).unwrap()
}

fn small(trial: &Trial) -> Fit {
    let model = Model::formula("y ~ sex + dose + arm * visit").unwrap().covariance(Covariance::CompoundSymmetry);
    model.fit(trial).unwrap()
}

#[test]
fn nobody_is_dropped_and_what_cannot_be_predicted_says_why() {
    let trial = holes(HOLES);
    let fit = small(&trial);
    let conditional = fit.predictions(&trial, &PredictionOptions::conditional()).unwrap();
    let marginal = fit.predictions(&trial, &PredictionOptions::marginal()).unwrap();
    assert_eq!(conditional.rows.len(), 18);
    let of =
        |p: &Predictions, patient: &str, visit: &str| p.rows.iter().find(|r| r.patient == patient && r.visit == visit).unwrap().clone();
    // Observed, but without the covariate: shown with its outcome and the reason.
    let without = of(&conditional, "g", "one");
    assert_eq!((without.status, without.observed), (VisitStatus::NotUsable, 6.0));
    assert!(without.predicted.is_nan() && without.reason.as_deref().unwrap().contains("`sex` is missing"), "{without:?}");
    assert!(conditional.notes().iter().any(|n| n.contains("Not predicted at 2 of 18")), "{:?}", conditional.notes());
    // Never observed: given nothing, the two kinds are one.
    let (c, m) = (of(&conditional, "f", "two"), of(&marginal, "f", "two"));
    assert_eq!((c.predicted, c.se_prediction, c.df_prediction), (m.predicted, m.se_prediction, m.df_prediction));
    // Once observed: the prediction moves with the patient's own residual, and is less uncertain.
    let (c, m, seen) = (of(&conditional, "b", "two"), of(&marginal, "b", "two"), of(&conditional, "b", "one"));
    let rho = fit.covariances()[0].sigma[(0, 1)] / fit.covariances()[0].sigma[(0, 0)];
    assert!((c.predicted - m.predicted - rho * (seen.observed - seen.fitted)).abs() < 1e-12);
    assert!(c.se_prediction < m.se_prediction);
    assert!(c.lower < c.mean_lower && c.mean_lower < c.predicted && c.predicted < c.mean_upper && c.mean_upper < c.upper);
}

#[test]
fn predictions_do_not_depend_on_the_origin_of_a_covariate() {
    let (far, near) = (holes(HOLES), holes(&HOLES.replace("100000", "")));
    let predict = |trial: &Trial| small(trial).predictions(trial, &PredictionOptions::conditional()).unwrap();
    for (a, b) in predict(&far).rows.iter().zip(&predict(&near).rows) {
        for (x, y) in
            [(a.predicted, b.predicted), (a.se_mean, b.se_mean), (a.se_prediction, b.se_prediction), (a.df_prediction, b.df_prediction)]
        {
            assert!((x - y).abs() < 1e-8 * y.abs() || (x.is_nan() && y.is_nan()), "{} at {}: {x} and {y}", a.patient, a.visit);
        }
    }
}

#[test]
fn patients_of_another_trial_are_predicted_by_their_labels() {
    let trial = holes(HOLES);
    let fit = small(&trial);
    // Arms, visits and sexes come in another order, and one arm is new.
    let other = holes(
        "id,arm,visit,sex,dose,y\nx,U,two,m,1000002,1\nz,T,two,f,1000006,\nz,T,one,f,1000006,8.1\ny,P,two,m,1000002,\ny,P,one,m,1000002,5.9\n",
    );
    let here = fit.predictions(&trial, &PredictionOptions::conditional()).unwrap();
    let there = fit.predictions(&other, &PredictionOptions::conditional()).unwrap();
    let of =
        |p: &Predictions, patient: &str, visit: &str| p.rows.iter().find(|r| r.patient == patient && r.visit == visit).unwrap().clone();
    let (b, y) = (of(&here, "b", "two"), of(&there, "y", "two"));
    assert_eq!((b.predicted, b.se_prediction, b.df_mean), (y.predicted, y.se_prediction, y.df_mean));
    assert_eq!(of(&here, "i", "two").fitted, of(&there, "z", "two").fitted);
    assert!(of(&there, "x", "two").reason.unwrap().contains("a level that was not fitted"));
}

#[test]
fn simulated_outcomes_have_the_mean_and_covariance_of_the_fit() {
    let trial = fev();
    let fit = model().weights("WEIGHT").fit(&trial).unwrap();
    let replicates = 2000;
    let simulations = fit.simulate(replicates, 7).unwrap();
    let residuals = fit.residuals();
    let t = simulations.visits.len();
    let place = |patient: usize, visit: usize| simulations.patients.iter().position(|&p| p == patient).unwrap() * t + visit;
    let n = replicates as f64;
    let (mut worst, mut compared) = (0.0_f64, 0);
    for patient in residuals.rows.chunk_by(|a, b| a.patient == b.patient).take(40) {
        let deviations: Vec<Vec<f64>> = patient
            .iter()
            .map(|r| simulations.replicates.iter().map(|y| (y[place(r.patient, r.visit)] - r.fitted) * r.pearson / r.response).collect())
            .collect();
        for (a, one) in deviations.iter().enumerate() {
            // A standardised mean has standard error 1/√n; a product of two with correlation ρ one of √((1 + ρ²)/n).
            worst = worst.max((one.iter().sum::<f64>() / n).abs() * n.sqrt());
            for (b, other) in deviations.iter().enumerate().take(a + 1) {
                let sigma = &fit.covariances()[0].sigma;
                let (s, u) = (patient[a].visit, patient[b].visit);
                let rho = sigma[(s, u)] / (sigma[(s, s)] * sigma[(u, u)]).sqrt();
                let product = one.iter().zip(other).map(|(x, y)| x * y).sum::<f64>() / n;
                worst = worst.max((product - rho).abs() * (n / (1.0 + rho * rho)).sqrt());
                compared += 1;
            }
        }
    }
    // The largest of 300 standard normal deviates is beyond 4.5 once in 500 seeds.
    assert!(compared > 150 && worst < 4.5, "{worst} standard errors in {compared} comparisons");
    let observed = |values: &[f64]| values.iter().filter(|v| !v.is_nan()).count();
    assert!(simulations.replicates.iter().all(|y| observed(y) == 537));
}

#[test]
fn a_replicate_has_the_same_bits_alone_and_among_others_and_can_be_fitted() {
    let trial = fev();
    let fit = model().fit(&trial).unwrap();
    let (many, few) = (fit.simulate(5, 3).unwrap(), fit.simulate(2, 3).unwrap());
    assert!(many.replicates[1].iter().zip(&few.replicates[1]).all(|(a, b)| a.to_bits() == b.to_bits()));
    assert_ne!(many.replicates[0][1].to_bits(), many.replicates[1][1].to_bits());
    let simulated = many.trial(4, &trial).unwrap();
    let again = model().fit(&simulated).unwrap();
    assert_eq!((again.n_patients(), again.n_observations()), (fit.n_patients(), fit.n_observations()));
    assert_ne!(again.beta(), fit.beta());
    assert_eq!(many.trial(5, &trial).unwrap_err().code(), "no-such-position");
    assert_eq!(many.columns()[3].len(), 5 * 537);
}
