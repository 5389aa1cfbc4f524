//! Response and remission adjusted for covariates: identities with raw rates, the ways to treat the unobserved, imputed
//! outcomes.

use crate::common::*;
use trialstats::generalized::{
    GeneralizedModel, GlmOptions, PopulationMeasure, PopulationOptions, PopulationVariance, Randomization, RiskOptions, adjusted_risks,
    adjusted_risks_of_imputations,
};
use trialstats::responders::{Assumption, Definition, RateOptions, Rule, Unobserved, compare, rates};
use trialstats::trial::{BaselineFrom, Outcome, Schedule, Trial, Variable};
use trialstats::{Result, Tabular};

const EVERY_WAY: [Unobserved; 4] = [Unobserved::CountedAsNotMet, Unobserved::ObservedOnly, Unobserved::LastObserved, Unobserved::Bounds];

/// 60 invented patients of three arms at baseline and two visits, some of whom leave; by arithmetic alone.
fn trial() -> Trial {
    let n = 60;
    let arm_of: Vec<usize> = (0..n).map(|i| i % 3).collect();
    let base: Vec<f64> = (0..n).map(|i| 30.0 + (i * 7 % 19) as f64).collect();
    let mut values = vec![];
    for i in 0..n {
        let fall = 4.0 + 5.0 * (i % 3) as f64 + (i * 11 % 13) as f64;
        let seen = |visit: usize| if i % 7 == 3 && visit == 2 || i % 11 == 5 { f64::NAN } else { 1.0 };
        values.extend([base[i], (base[i] - 0.5 * fall) * seen(1), (base[i] - fall) * seen(2)]);
    }
    let outcome = Outcome { name: "score".into(), label: "Score".into(), range: None, values };
    let site = (0..n).map(|i| Some(i / 3 % 2)).collect();
    Trial::builder("invented")
        .patients((0..n).map(|i| format!("p{i:02}")))
        .arms(["A - B", "C, D", "E"], arm_of)
        .schedule(Schedule::of_labels(["before", "middle", "end"]).with_baseline("before").unwrap())
        .outcome(outcome)
        .variable(Variable::number("base", base))
        .variable(Variable::factor("site", ["x", "y"], site))
        .build()
        .unwrap()
}

fn response() -> Definition {
    Definition::new("response", Rule::point_drop("score", 12.0))
}

/// Without covariates every adjusted number is the raw one, and Ye's variance that of two samples.
#[test]
fn without_covariates_risks_are_rates() {
    let trial = trial();
    let evaluated = response().evaluate(&trial).unwrap();
    let raw = compare(std::slice::from_ref(&evaluated), &RateOptions::new(EVERY_WAY)).unwrap();
    let mut c = Comparison::of("raw rates");
    for variance in [PopulationVariance::Ye, PopulationVariance::Ge] {
        let ours = adjusted_risks(&trial, std::slice::from_ref(&evaluated), &RiskOptions::new(EVERY_WAY).variance(variance)).unwrap();
        c.same("rows", ours.rows.len(), raw.rows.len());
        for row in &raw.rows {
            let adjusted = ours.row("response", row.visit_index.unwrap(), row.arm.index, row.unobserved).unwrap();
            let place = format!("{variance} {} {} {}", row.arm, row.visit, row.unobserved);
            // Ye's means are calibrated to the rates; those of the penalised likelihood by themselves are not.
            if variance == PopulationVariance::Ge && adjusted.penalised {
                continue;
            }
            c.within(&format!("{place} risk"), adjusted.in_arm.estimate, row.in_arm.share(), 1e-10);
            c.within(&format!("{place} reference"), adjusted.in_reference.estimate, row.in_reference.share(), 1e-10);
            c.within(&format!("{place} difference"), adjusted.difference.estimate, row.difference.estimate, 1e-10);
            let lost = if variance == PopulationVariance::Ye { 1.0 } else { 0.0 };
            let of = |p: trialstats::responders::Proportion| p.share() * (1.0 - p.share()) / (p.of as f64 - lost);
            if !adjusted.penalised {
                c.relative(&format!("{place} SE"), adjusted.se, (of(row.in_arm) + of(row.in_reference)).sqrt(), 1e-8);
            }
        }
    }
    assert_all([c]);
}

/// With covariates they are those of the model fitted by hand.
#[test]
fn adjusted_risks_are_those_of_the_model() {
    let trial = trial();
    let evaluated = response().evaluate(&trial).unwrap();
    let options = RiskOptions::new([Unobserved::CountedAsNotMet])
        .covariates(["base", "site"])
        .randomization(Some(Randomization::PermutedBlock), ["site"])
        .reference("E")
        .visits(["end"]);
    let ours = adjusted_risks(&trial, std::slice::from_ref(&evaluated), &options).unwrap();
    assert_eq!(ours.rows.iter().map(|r| (r.arm.index, r.reference.index)).collect::<Vec<_>>(), [(0, 2), (1, 2)]);
    let met = |i: usize| f64::from(u8::from(evaluated.status(i, 1) == trialstats::responders::Status::Met));
    let values = (0..60).flat_map(|i| [f64::NAN, f64::NAN, met(i)]).collect();
    let by_hand = Trial::builder("by hand")
        .patients(trial.patients().to_vec())
        .arms(trial.arms().to_vec(), trial.arm_of().to_vec())
        .schedule(trial.schedule().clone())
        .outcome(Outcome { name: "met".into(), label: "met".into(), range: None, values })
        .variables(trial.variables().to_vec())
        .build()
        .unwrap();
    let fit = GeneralizedModel::formula("met ~ arm + base + site").unwrap().visits(["end"]);
    let fit = fit.fit_independent(&by_hand, &GlmOptions::default()).unwrap();
    let population = PopulationOptions::default().variance(PopulationVariance::Ye).randomization(Randomization::PermutedBlock, ["site"]);
    let theirs = fit.population_means(&population.arms("with(E)".parse().unwrap())).unwrap();
    let mut c = Comparison::of("by hand");
    for row in &ours.rows {
        let of = |measure| theirs.compared(measure, row.arm.index, 2, 2).unwrap();
        c.relative("difference", row.difference.estimate, of(PopulationMeasure::Difference).estimate, 1e-13);
        c.relative("SE", row.se, of(PopulationMeasure::Difference).se, 1e-13);
        c.relative("ratio", row.risk_ratio.upper, of(PopulationMeasure::Ratio).upper, 1e-13);
        c.relative("odds ratio", row.odds_ratio.lower, of(PopulationMeasure::OddsRatio).lower, 1e-13);
        c.relative("risk", row.in_arm.lower, theirs.mean(row.arm.index, 2).unwrap().lower, 1e-13);
        c.same("patients", row.analysed, 60);
    }
    assert_all([c]);
}

/// The last observation carried forward, counted by hand; without any after baseline, nothing has changed.
#[test]
fn what_was_last_observed_is_carried_forward() {
    let values = vec![
        40.0,
        20.0,
        f64::NAN, // met in the middle, then gone: met
        40.0,
        f64::NAN,
        f64::NAN, // never seen: not met
        f64::NAN,
        20.0,
        f64::NAN, // no baseline: unknown
        40.0,
        20.0,
        39.0, // relapsed: not met
    ];
    let trial = Trial::builder("four")
        .patients(["a", "b", "c", "d"])
        .arms(["only"], vec![0; 4])
        .schedule(Schedule::of_labels(["before", "middle", "end"]).with_baseline("before").unwrap())
        .outcome(Outcome { name: "score".into(), label: "Score".into(), range: None, values })
        .build()
        .unwrap();
    let evaluated = response().evaluate(&trial).unwrap();
    let options = RateOptions::new([Unobserved::LastObserved, Unobserved::ObservedOnly]);
    let table = rates(std::slice::from_ref(&evaluated), &options).unwrap();
    let of = |visit: &str, way: Assumption| {
        let row = table.rows.iter().find(|r| r.visit == visit && r.unobserved == way).unwrap();
        (row.met, row.of)
    };
    assert_eq!((of("end", Assumption::LastObserved), of("end", Assumption::ObservedOnly)), ((1, 3), (0, 1)));
    assert_eq!(of("middle", Assumption::LastObserved), (2, 3));
    assert!(table.notes().iter().any(|note| note.contains("carried forward")), "{:?}", table.notes());
    assert_eq!("locf".parse::<Unobserved>().unwrap(), Unobserved::LastObserved);
    // It is never meant by default.
    assert!(!trialstats::analysis::ResponderPlan::default().unobserved.contains(&Unobserved::LastObserved));
}

/// Nobody of an arm meets the definition: maximum likelihood has no estimate, the penalised one does, and calibration to the
/// arm's mean gives the raw rate back.
#[test]
fn separation_is_penalised_and_said() {
    let trial = trial();
    let rare = Definition::new("rare", Rule::point_drop("score", 22.0)).evaluate(&trial).unwrap();
    let options = RiskOptions::new([Unobserved::CountedAsNotMet]).covariates(["base"]).visits(["end"]);
    let ours = adjusted_risks(&trial, std::slice::from_ref(&rare), &options).unwrap();
    let raw = compare(std::slice::from_ref(&rare), &RateOptions::new([Unobserved::CountedAsNotMet]).visits(["end"])).unwrap();
    assert!(raw.rows[0].in_reference.met == 0 && raw.rows[1].in_arm.met > 0);
    let row = &ours.rows[0];
    assert!(row.penalised && row.not_estimable.is_none() && row.se > 0.0, "{row:?}");
    assert!(row.in_reference.estimate.abs() < 0.05, "{row:?}");
    assert!(ours.notes().iter().any(|note| note.contains("Firth's penalised likelihood")), "{:?}", ours.notes());
}

/// Completed data sets that all are the trial itself give its own numbers; two that differ are pooled by hand.
#[test]
fn imputed_outcomes_are_classified_and_pooled() -> Result<()> {
    let trial = trial();
    let whole = |add: f64| -> Result<Trial> {
        let mut values = trial.outcome("score")?.values.clone();
        for i in 0..60 {
            for t in 1..3 {
                if values[i * 3 + t].is_nan() {
                    values[i * 3 + t] = values[i * 3] - 9.0 - (i % 5) as f64 - add;
                }
            }
        }
        trial.with_outcome("score", values)
    };
    let definitions = [response(), Definition::new("other", Rule::all([Rule::point_drop("score", 9.0), Rule::below("score", 24.0)]))];
    let options = RiskOptions::new([Unobserved::ObservedOnly]).covariates(["base"]).visits(["end"]);
    let alone = |add: f64| -> Result<trialstats::generalized::AdjustedRisks> {
        let completed = whole(add)?;
        let evaluated = definitions.iter().map(|d| d.evaluate(&completed)).collect::<Result<Vec<_>>>()?;
        adjusted_risks(&completed, &evaluated, &options)
    };
    let imputed = |completed: &(dyn Fn(usize) -> Result<Trial> + Sync), number: usize| {
        adjusted_risks_of_imputations(&trial, "score", &definitions, &BaselineFrom::Visit, number, completed, &options)
    };
    let mut c = Comparison::of("imputed");
    let (same, once) = (imputed(&|_| whole(0.0), 5)?, alone(0.0)?);
    c.same("rows", same.rows.len(), once.rows.len());
    for (ours, theirs) in same.rows.iter().zip(&once.rows) {
        c.same("way", ours.unobserved, Assumption::Imputed);
        c.relative("difference", ours.difference.estimate, theirs.difference.estimate, 1e-12);
        c.relative("SE", ours.se, theirs.se, 1e-12);
        c.relative("upper limit of the risk", ours.in_arm.upper, theirs.in_arm.upper, 1e-10);
        c.relative("lower limit of the ratio", ours.risk_ratio.lower, theirs.risk_ratio.lower, 1e-10);
        c.same("patients", ours.analysed, 60);
    }
    let (low, high) = (alone(0.0)?, alone(3.0)?);
    let both = imputed(&|k| whole(3.0 * k as f64), 2)?;
    for ((ours, a), b) in both.rows.iter().zip(&low.rows).zip(&high.rows) {
        let mean = 0.5 * (a.difference.estimate + b.difference.estimate);
        let between = 0.5 * (a.difference.estimate - b.difference.estimate).powi(2);
        c.relative("pooled difference", ours.difference.estimate, mean, 1e-12);
        c.relative("pooled SE", ours.se.powi(2), 0.5 * (a.se.powi(2) + b.se.powi(2)) + 1.5 * between, 1e-12);
    }
    // A definition by more than the imputed score is not completed by it.
    let bdi = Outcome { name: "bdi".into(), label: "BDI".into(), range: None, values: vec![1.0; 180] };
    let two = Trial::builder("two outcomes")
        .patients(trial.patients().to_vec())
        .arms(trial.arms().to_vec(), trial.arm_of().to_vec())
        .schedule(trial.schedule().clone())
        .outcome(trial.outcome("score")?.clone())
        .outcome(bdi)
        .variables(trial.variables().to_vec())
        .build()?;
    let joint = [Definition::new("joint", Rule::all([Rule::point_drop("score", 9.0), Rule::below("bdi", 9.0)]))];
    let table = adjusted_risks_of_imputations(&two, "score", &joint, &BaselineFrom::Visit, 2, |_| Ok(two.clone()), &options)?;
    assert!(table.rows[0].not_estimable.as_ref().is_some_and(|why| why.contains("more than score")), "{table}");
    assert!(imputed(&|_| whole(0.0), 1).is_err());
    assert_all([c]);
    Ok(())
}

#[test]
fn what_risks_lack_is_said() {
    let trial = trial();
    let evaluated = [response().evaluate(&trial).unwrap()];
    let refused = |options: RiskOptions, code: &str| assert_eq!(adjusted_risks(&trial, &evaluated, &options).unwrap_err().code(), code);
    refused(RiskOptions::new([]), "incomplete-request");
    refused(RiskOptions::new(EVERY_WAY).covariates(["bass"]), "unknown-name");
    refused(RiskOptions::new(EVERY_WAY).reference("F"), "unknown-name");
    refused(RiskOptions::new(EVERY_WAY).visits(["month 6"]), "unknown-name");
    refused(RiskOptions::new(EVERY_WAY).level(95.0), "out-of-range");
    let mut unsaid = RiskOptions::new(EVERY_WAY);
    unsaid.strata = vec!["site".into()];
    refused(unsaid, "incomplete-request");
    // Nobody of an arm is observed.
    let mut values = trial.outcome("score").unwrap().values.clone();
    (0..60).filter(|i| i % 3 == 1).for_each(|i| values[i * 3 + 2] = f64::NAN);
    let empty = trial.with_outcome("score", values).unwrap();
    let evaluated = response().evaluate(&empty).unwrap();
    let table = adjusted_risks(&empty, &[evaluated], &RiskOptions::new([Unobserved::ObservedOnly]).visits(["end"])).unwrap();
    let row = table.rows.iter().find(|r| r.arm.index == 1).unwrap();
    assert!(row.difference.estimate.is_nan());
    assert!(row.not_estimable.as_ref().is_some_and(|why| why.contains("nobody in arm C, D")), "{row:?}");
    assert!(table.rows.iter().find(|r| r.arm.index == 2).unwrap().difference.estimate.is_finite());
}
