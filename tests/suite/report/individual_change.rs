//! Individual change in plan and report: the tables of the library, the sentence for the paper, and what is left out.

use crate::common::{antidepressant, reference, rows, text};
use trialstats::analysis::{AnalysisResult, Plan, Silent, SmallCells};
use trialstats::change::{ChangeCategory, CurveOptions, CurvePoint, CutOff, IndividualChange, Norm, Reliability, responder_curves};
use trialstats::means::Better;
use trialstats::report::{Block, Document, TrialReport};
use trialstats::responders::{Assumption, RateOptions, Unobserved};
use trialstats::trial::BaselineFrom;
use trialstats::{Covariance, Trial};

fn change() -> IndividualChange {
    IndividualChange::by_reliability("HAMDTL17", Better::Lower, Reliability::test_retest(0.8).source("invented"))
        .functional(Norm::new(5.0, 4.0).source("invented"))
        .cut_off(CutOff::C)
}

fn plan() -> Plan {
    Plan::new("HAMDTL17")
        .at("7")
        .formula("BASVAL * VISIT + THERAPY * VISIT")
        .expect("a formula")
        .covariance(Covariance::CompoundSymmetry)
        .baseline_from(BaselineFrom::Covariate("BASVAL".into()))
        .unobserved([Unobserved::CountedAsNotMet, Unobserved::ObservedOnly])
        .individual_change(change())
        .individual_change(IndividualChange::by_points("HAMDTL17", Better::Lower, 8.0, "protocol"))
}

fn run(change: impl FnOnce(&mut Plan)) -> AnalysisResult {
    let mut plan = plan();
    change(&mut plan);
    plan.run(&antidepressant(), &Silent).expect("a result")
}

fn names(document: &Document) -> Vec<String> {
    let tables = document.tables().map(|t| t.name.clone());
    tables.chain(document.figures().map(|f| f.name.clone())).filter(|name| name.contains("individual_change")).collect()
}

#[test]
fn the_result_is_that_of_the_library() {
    let (trial, result): (Trial, _) = (antidepressant(), run(|_| {}));
    let from = BaselineFrom::Covariate("BASVAL".into());
    let options = RateOptions::new([Unobserved::CountedAsNotMet, Unobserved::ObservedOnly]).visits(["7"]);
    let expected = change().evaluate_with(&trial, &from).expect("changes");
    let found = &result.individual_changes[0];
    assert!(!found.rates.rows.is_empty());
    assert_eq!(found.rates.rows, expected.rates(&options).expect("rates").rows);
    let compared = found.comparisons.as_ref().expect("two arms");
    assert_eq!(compared.rows, expected.compare(&options).expect("comparisons").rows);
    assert!(found.patients.is_none() && result.individual_changes[1].curves.is_empty());
    assert_eq!(result.individual_changes[1].rates.rows.len(), 2 * 3 * 2);
    // With individual data the curves are whole.
    let whole = run(|plan| plan.report.include_individual_data = true);
    let curves = responder_curves(&trial, &CurveOptions::new("HAMDTL17", Better::Lower).baseline(from)).expect("curves");
    let shown = |points: &[CurvePoint]| format!("{points:?}");
    assert_eq!(shown(&whole.individual_changes[0].curves[0].rows), shown(&curves.rows));
    let steps: Vec<f64> = found.curves[0].rows.iter().map(|point| point.cut_off).collect();
    assert!(steps.len() <= 2 * 40 && steps.iter().all(|step| step.fract() == 0.0));
    // Shares in the report's own file are those of R: 45 recovered of 129 observed, as the reference has it for the whole sample.
    let of_r = reference("change/individual_change.json");
    let case = rows(&of_r["results"]).iter().find(|r| r["case"] == "hamd" && r["method"] == "jt" && r["cut_off"] == "c").expect("a case");
    let counted = rows(&case["classes"]).iter().filter(|class| text(class) == "improved" || text(class) == "recovered").count();
    let own =
        found.rates.rows.iter().filter(|r| r.category == ChangeCategory::RecoveredOrImproved && r.unobserved == Assumption::ObservedOnly);
    // The trial's SD is that of everyone at baseline, R's that of the observed: a patient or two may differ.
    let own: usize = own.map(|r| r.met).sum();
    assert!(own.abs_diff(counted) <= 2, "{own} {counted}");
}

#[test]
fn the_report_has_a_section_a_sentence_and_the_methods() {
    let result = run(|_| {});
    let document = TrialReport::new(&result).document();
    let section = document.sections.iter().find(|s| s.heading == "Individual change at visit 7").expect("the section");
    let led = |block: &&Block| matches!(block, Block::Paragraph { lead, .. } if lead == "HAMDTL17, by Jacobson and Truax.");
    assert!(section.blocks.iter().any(|block| led(&block)));
    let text = document.to_text(100).split_whitespace().collect::<Vec<_>>().join(" ");
    for says in [
        "At visit 7, with those not observed counted in no class, ",
        "percentage points, 95% CI [",
        ". All classes in their order: χ²(1) = ",
        "recovered (DRUG − PLACEBO: ",
        "were reliably better (DRUG − PLACEBO: ",
        "were reliably worse (DRUG − PLACEBO: ",
        "Each patient's change from baseline to visit 7 is classified. HAMDTL17: Reliable: the index of Jacobson and Truax beyond 1.96, test–retest \
         reliability 0.8 (invented), SD ",
        "functional population: mean 5.00, SD 4.00 (invented)",
        "HAMDTL17: Reliable: a change of at least 8 points (protocol); lower scores are better.",
    ] {
        assert!(text.contains(says), "{says}\n{text}");
    }
    assert_eq!(
        names(&document),
        [
            "HAMDTL17_individual_change_classes",
            "HAMDTL17_individual_change_2_classes",
            "HAMDTL17_individual_change",
            "HAMDTL17_individual_change_compared",
            "HAMDTL17_individual_change_curves_in_points",
            "HAMDTL17_individual_change_curves_in_percent",
            "HAMDTL17_individual_change_2",
            "HAMDTL17_individual_change_2_compared",
            "HAMDTL17_individual_change_curves",
            "HAMDTL17_individual_change_curves_in_percent",
        ]
    );
}

#[test]
fn patients_are_drawn_only_where_they_may_be() {
    let with = run(|plan| plan.report.include_individual_data = true);
    let document = TrialReport::new(&with).document();
    let figure = document.figures().find(|f| f.name == "HAMDTL17_individual_change_patients").expect("the scatter");
    let observed: usize = with.individual_changes[0].curves[0].observed.iter().map(|p| p.met).sum();
    let of = |what: &str| figure.figure.svg.matches(what).count();
    // A mark for each patient with both scores: circles of one arm, squares of the other, and one of each in the key.
    assert_eq!(of("<circle") + of("<rect"), observed + 2);
    let few = run(|plan| plan.report.small_cells = SmallCells::Suppressed { below: 10 });
    let document = TrialReport::new(&few).document();
    assert!(!names(&document).iter().any(|name| name.contains("curves") || name.contains("patients")));
    assert!(document.to_text(100).contains("The shares are in the table."));
}

#[test]
fn a_plan_says_it_before_there_are_data() {
    let text = plan().methods_text();
    for says in [
        "## Individual change",
        "- HAMDTL17, Jacobson and Truax: lower scores are better; a change is reliable by the index of Jacobson and Truax at the level 0.95, with test–retest \
         reliability 0.8 (invented) and the standard deviation raw at baseline, pooled over arms; the functional range begins at cut-off c; functional \
         population: mean 5, SD 4 (invented).",
        "- HAMDTL17, 8 points: lower scores are better; a change of at least 8 points is reliable (protocol).",
        "counted as not meeting the definition; left out",
    ] {
        assert!(text.contains(says), "{says}\n{text}");
    }
}

#[test]
fn higher_scores_may_be_the_better_ones() {
    let trial = crate::common::fev();
    let change = IndividualChange::by_points("FEV1", Better::Higher, 4.0, "invented").cut_off(CutOff::Score(45.0));
    let plan = Plan::new("FEV1").covariance(Covariance::CompoundSymmetry).individual_change(change);
    let plan = plan.baseline_from(BaselineFrom::Covariate("FEV1_BL".into()));
    let result = plan.run(&trial, &Silent).expect("a result");
    assert_eq!(result.individual_changes[0].curves.len(), 1, "there is no per cent of a score that is to rise");
    let text = TrialReport::new(&result).document().to_text(100).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("higher scores are better.") && text.contains("from below to at least 45.00"), "{text}");
}
