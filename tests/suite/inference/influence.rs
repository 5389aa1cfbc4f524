//! Influence of patients: against R mmrm, lm and lme4 with the patient's rows deleted, and against this library's own
//! fit without the patient.

use crate::common::{Comparison, antidepressant, assert_all, fev, number, reference, rows, sleepstudy, text, tolerances::*};
use serde_json::Value;
use trialstats::covariance::Covariance;
use trialstats::inference::{CovarianceOnDeletion, Influence, InfluenceOptions, PatientInfluence};
use trialstats::{Df, Estimation, Fit, Layout, Model, Tabular, Trial};

fn fev_model() -> Model {
    Model::formula("FEV1 ~ RACE + SEX + ARMCD * AVISIT").unwrap()
}

fn reestimated() -> InfluenceOptions {
    InfluenceOptions::new().covariance(CovarianceOnDeletion::Reestimated)
}

fn of<'a>(influence: &'a Influence, patient: &str) -> &'a PatientInfluence {
    influence.rows.iter().find(|r| r.patient == patient).unwrap_or_else(|| panic!("no patient {patient}"))
}

/// The trial without one patient.
fn without(trial: &Trial, patient: &str) -> Trial {
    let others: Vec<usize> = (0..trial.patients().len()).filter(|&i| trial.patients()[i] != patient).collect();
    trial.resample(&others).unwrap()
}

/// The position of a coefficient by R's name.
fn position(influence: &Influence, term: &Value) -> usize {
    influence.coefficients.iter().position(|c| c.label == text(term)).unwrap_or_else(|| panic!("no coefficient {term}"))
}

#[test]
fn with_the_covariance_held_influence_is_that_of_deleted_rows() {
    let expected = reference("influence/fev_us.json");
    let trial = fev();
    let influence = fev_model().fit(&trial).unwrap().influence(&trial, &InfluenceOptions::new()).unwrap();
    let mut comparison = Comparison::of("fev, unstructured, held");
    comparison.same("patients", influence.rows.len(), rows(&expected["held"]).len());
    for row in rows(&expected["held"]) {
        let here = of(&influence, text(&row["patient"]));
        for (name, ours) in [
            ("cooks_distance", here.cooks_distance),
            ("mdffits", here.mdffits),
            ("covratio", here.covratio),
            ("covtrace", here.covtrace),
            ("press", here.press),
        ] {
            comparison.relative(&format!("{name} of {}", here.patient), ours, number(&row[name]), INFLUENCE);
        }
        for (name, term) in [("intercept", "(Intercept)"), ("treatment", "ARMCDTRT"), ("last", "ARMCDTRT:AVISITVIS4")] {
            let k = position(&influence, &Value::from(term));
            let bound = INFLUENCE * influence.coefficients[k].se;
            comparison.within(&format!("{term} without {}", here.patient), here.coefficient_changes[k], number(&row[name]), bound);
        }
    }
    let sorted = influence.rows.windows(2).all(|w| w[0].cooks_distance >= w[1].cooks_distance);
    comparison.same("order by Cook's distance", sorted, true);
    assert_all([comparison]);
}

#[test]
fn one_visit_has_the_influence_of_a_linear_regression() {
    let expected = reference("influence/fev_one_visit.json");
    let trial = fev();
    let fit = Model::formula("FEV1 ~ RACE + SEX + ARMCD").unwrap().visits(["VIS4"]).fit(&trial).unwrap();
    let influence = fit.influence(&trial, &InfluenceOptions::new()).unwrap();
    let mut comparison = Comparison::of("fev, last visit");
    for row in rows(&expected["rows"]) {
        let here = of(&influence, text(&row["patient"]));
        comparison.relative(&format!("D of {}", here.patient), here.cooks_distance, number(&row["cooks_distance"]), IDENTITY);
        comparison.relative(&format!("COVRATIO of {}", here.patient), here.covratio, 1.0 / (1.0 - number(&row["hat"])), IDENTITY);
        comparison.relative(&format!("PRESS of {}", here.patient), here.press, number(&row["press"]), IDENTITY);
        for (term, change) in rows(&expected["terms"]).iter().zip(rows(&row["change"])) {
            let k = position(&influence, term);
            let bound = IDENTITY * influence.coefficients[k].se;
            comparison.within(&format!("{term} without {}", here.patient), here.coefficient_changes[k], number(change), bound);
        }
    }
    assert_all([comparison]);
}

#[test]
fn estimated_again_influence_is_that_of_mmrm_without_the_patient() {
    let expected = reference("influence/fev_us.json");
    let trial = fev();
    let fit = fev_model().fit(&trial).unwrap();
    let influence = fit.influence(&trial, &reestimated()).unwrap();
    let sigma = &fit.covariances()[0].sigma;
    let mut comparison = Comparison::of("fev, unstructured, estimated again");
    for row in rows(&expected["again"]) {
        let here = of(&influence, text(&row["patient"]));
        comparison.relative(&format!("D of {}", here.patient), here.cooks_distance, number(&row["cooks_distance"]), INFLUENCE_REFIT);
        comparison.relative(&format!("COVRATIO of {}", here.patient), here.covratio, number(&row["covratio"]), INFLUENCE_REFIT);
        for (term, change) in rows(&expected["terms"]).iter().zip(rows(&row["change"])) {
            let k = position(&influence, term);
            let bound = INFLUENCE_REFIT * influence.coefficients[k].se;
            comparison.within(&format!("{term} without {}", here.patient), here.coefficient_changes[k], number(change), bound);
        }
        let mut changes = here.covariance.as_ref().unwrap().changes.iter();
        for a in 0..4 {
            for b in 0..=a {
                let ours = sigma[(a, b)] + changes.next().unwrap();
                let bound = INFLUENCE_REFIT * (sigma[(a, a)] * sigma[(b, b)]).sqrt();
                comparison.within(&format!("Σ{a}{b} without {}", here.patient), ours, number(&row["covariance"][a][b]), bound);
            }
        }
    }
    assert_all([comparison]);
}

#[test]
fn subjects_of_a_random_slope_model_have_the_influence_that_lme4_finds() {
    let expected = reference("influence/sleepstudy.json");
    let trial = sleepstudy();
    let fit = Model::formula("Reaction ~ time").unwrap().covariance(Covariance::RandomInterceptSlope).fit(&trial).unwrap();
    let influence = fit.influence(&trial, &reestimated()).unwrap();
    let mut comparison = Comparison::of("sleepstudy");
    comparison.same("subjects", influence.rows.len(), 18);
    for row in rows(&expected["rows"]) {
        let here = of(&influence, text(&row["patient"]));
        for k in 0..2 {
            let bound = LME4_INFLUENCE * number(&row["se"][k]);
            comparison.within(
                &format!("coefficient {k} without {}", here.patient),
                here.coefficient_changes[k],
                number(&row["change"][k]),
                bound,
            );
        }
        // lme4 enlarges the covariance of the coefficients by n/(n − p), n the number of cases; the definition does
        // not.
        let of_lme4 = number(&row["cooks_distance"]) * 18.0 / 16.0;
        comparison.within(&format!("D of {}", here.patient), here.cooks_distance, of_lme4, LME4_INFLUENCE);
    }
    assert_all([comparison]);
}

/// Every tenth patient, left out by hand.
fn against_own_fits(case: &str, model: &Model, trial: &Trial) -> Comparison {
    let fit = model.fit(trial).unwrap();
    let influence = fit.influence(trial, &reestimated()).unwrap();
    let mut comparison = Comparison::of(case);
    for here in influence.rows.iter().step_by(10) {
        let again = model.fit(&without(trial, &here.patient)).unwrap();
        for (k, estimate) in influence.coefficients.iter().enumerate().filter(|(_, e)| e.se.is_finite()) {
            let ours = fit.beta()[k] + here.coefficient_changes[k];
            comparison.within(&format!("{} without {}", estimate.label, here.patient), ours, again.beta()[k], 1e-8 * estimate.se);
        }
        let changes = &here.covariance.as_ref().unwrap().changes;
        for ((name, theta), (change, (_, without))) in
            fit.covariance_parameters().iter().zip(changes.iter().zip(again.covariance_parameters()))
        {
            let scale = fit.covariances().iter().map(|g| g.sigma.diagonal().max()).fold(0.0, f64::max);
            comparison.within(&format!("{name} without {}", here.patient), theta + change, without, 1e-8 * scale);
        }
        let distance = here.covariance.as_ref().unwrap().likelihood_distance;
        comparison.at_least(&format!("likelihood distance of {}", here.patient), distance, 0.0, 1e-9);
    }
    comparison
}

#[test]
fn estimated_again_influence_is_that_of_a_fit_without_the_patient() {
    let (fev, anti) = (fev(), antidepressant());
    let anti_model = Model::formula("CHANGE ~ BASVAL * VISIT + THERAPY * VISIT").unwrap();
    assert_all([
        against_own_fits("unstructured", &fev_model(), &fev),
        against_own_fits("weights", &fev_model().weights("WEIGHT").covariance(Covariance::Autoregressive), &fev),
        against_own_fits("groups", &fev_model().covariance_by("ARMCD").covariance(Covariance::CompoundSymmetry), &fev),
        against_own_fits("maximum likelihood", &anti_model.clone().estimation(Estimation::Ml), &anti),
        against_own_fits("Kenward–Roger", &anti_model.df(Df::KenwardRoger).covariance(Covariance::HeterogeneousCompoundSymmetry), &anti),
    ]);
}

/// The likelihood distance by its definition: the likelihood of everybody's data at the estimates without the patient.
#[test]
fn small_changes_displace_the_likelihood_by_half_their_cooks_distances() {
    let trial = antidepressant();
    let model = Model::formula("CHANGE ~ BASVAL * VISIT + THERAPY * VISIT").unwrap().covariance(Covariance::CompoundSymmetry);
    for estimation in [Estimation::Reml, Estimation::Ml] {
        let fit = model.clone().estimation(estimation).fit(&trial).unwrap();
        let influence = fit.influence(&trial, &reestimated()).unwrap();
        for here in &influence.rows {
            let covariance = here.covariance.as_ref().unwrap();
            let mean = if estimation == Estimation::Ml { here.cooks_distance * fit.rank() as f64 } else { 0.0 };
            // Second order: exact up to terms of third order in the change.
            let expected = covariance.cooks_distance + mean;
            let third = 2.0 * expected.powf(1.5) + 1e-9;
            assert!(
                (covariance.likelihood_distance - expected).abs() < third,
                "{}: {} {expected}",
                here.patient,
                covariance.likelihood_distance
            );
        }
    }
}

/// Invented: the only patient of level z.
const ALONE: &str = "\
id,arm,visit,kind,y
a,P,one,x,5.1
a,P,two,x,6.2
b,P,one,x,5.9
b,P,two,x,6.5
c,P,one,x,7.0
c,P,two,x,7.7
d,T,one,x,4.4
d,T,two,x,4.1
e,T,one,z,5.0
e,T,two,z,3.9
f,T,one,x,4.9
f,T,two,x,5.9
g,T,one,x,5.9
g,T,two,x,4.9
";

#[test]
fn a_patient_on_whom_a_coefficient_rests_is_named() {
    let trial =
        Layout::long("id", "arm", "visit").outcome("y").factor("kind", ["x", "z"]).read_csv_from("invented", ALONE.as_bytes()).unwrap();
    let model = Model::formula("y ~ kind + arm * visit").unwrap().covariance(Covariance::CompoundSymmetry);
    let fit = model.fit(&trial).unwrap();
    for options in [InfluenceOptions::new(), reestimated()] {
        let influence = fit.influence(&trial, &options).unwrap();
        let row = &influence.rows[0];
        assert_eq!(row.patient, "e");
        assert!(row.cooks_distance.is_nan() && row.reason.as_deref().unwrap().contains("do not determine kindz"), "{row:?}");
        assert!(influence.rows[1..].iter().all(|r| r.cooks_distance.is_finite() && r.reason.is_none()));
        let mut csv = vec![];
        influence.write_csv(&mut csv).unwrap();
        assert!(String::from_utf8(csv).unwrap().contains("the other patients do not determine kindz"));
    }
}

#[test]
fn a_contrast_moves_as_its_coefficients_do() {
    let trial = fev();
    let fit: Fit = fev_model().fit(&trial).unwrap();
    let mut l = vec![0.0; fit.beta().len()];
    (l[4], l[8]) = (1.0, 1.0);
    let influence = fit.influence(&trial, &InfluenceOptions::new().contrast("sum", l.clone())).unwrap();
    for row in &influence.rows {
        let sum = row.coefficient_changes[4] + row.coefficient_changes[8];
        assert!((row.contrast_changes[0] - sum).abs() < 1e-12);
    }
    assert_eq!(influence.columns().iter().map(|c| c.len()).max(), Some(197));
    assert_eq!(fit.influence(&trial, &InfluenceOptions::new().contrast("short", vec![1.0])).unwrap_err().code(), "wrong-number-of-values");
}
