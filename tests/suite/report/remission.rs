//! Response and remission in the report: raw and adjusted beside each other, the sentence for the paper, the course.

use crate::common::antidepressant;
use trialstats::analysis::{AnalysisResult, Plan, Silent, SmallCells};
use trialstats::generalized::{RiskOptions, adjusted_risks};
use trialstats::report::{Block, Document, TableBlock, TrialReport};
use trialstats::responders::{Assumption, Definition, Rule, Unobserved};
use trialstats::table::Values;

fn definitions() -> [Definition; 2] {
    [
        Definition::new("improved", Rule::at_most("CHANGE", -8.0)).label("Improved by 8"),
        Definition::new("much improved", Rule::at_most("CHANGE", -14.0)).label("Improved by 14"),
    ]
}

fn result(small_cells: SmallCells) -> AnalysisResult {
    let plan = Plan::new("CHANGE").at("7").formula("BASVAL * VISIT + THERAPY * VISIT").expect("a formula");
    let mut plan = plan.responders(definitions()).unobserved([Unobserved::CountedAsNotMet, Unobserved::LastObserved]);
    plan.report.small_cells = small_cells;
    plan.run(&antidepressant(), &Silent).expect("a result")
}

fn table<'a>(document: &'a Document, name: &str) -> &'a TableBlock {
    document.tables().find(|t| t.name == name).unwrap_or_else(|| panic!("no table {name}"))
}

fn numbers<'a>(table: &'a TableBlock, column: &str) -> &'a [Option<f64>] {
    let found = table.columns.iter().find(|c| c.name == column).unwrap_or_else(|| panic!("no column {column}"));
    match &found.values {
        Values::Real(values, _) => values,
        other => panic!("{column}: {other:?}"),
    }
}

#[test]
fn every_definition_has_its_adjusted_difference_beside_its_rates() {
    let result = result(SmallCells::Shown);
    // The covariates of the model are those of the risks, where the plan does not say.
    assert_eq!(result.plan.responders.covariates.as_deref(), Some(["BASVAL".to_string()].as_slice()));
    let trial = antidepressant();
    let evaluated: Vec<_> = definitions().iter().map(|d| d.evaluate(&trial).expect("statuses")).collect();
    let options = RiskOptions::new([Unobserved::CountedAsNotMet, Unobserved::LastObserved]).covariates(["BASVAL"]).visits(["7"]);
    let expected = adjusted_risks(&trial, &evaluated, &options).expect("risks");
    let document = TrialReport::new(&result).document();
    let short = numbers(table(&document, "remission"), "adjusted_difference");
    assert_eq!(short.len(), 2);
    for (shown, row) in short.iter().zip(expected.rows.iter().step_by(2)) {
        assert_eq!(shown.expect("a number"), row.difference.estimate);
    }
    let all = numbers(table(&document, "adjusted_risks"), "risk_difference");
    assert_eq!(
        all.iter().map(|x| x.expect("a number")).collect::<Vec<_>>(),
        expected.rows.iter().map(|r| r.difference.estimate).collect::<Vec<_>>()
    );
    let at = document.sections.iter().position(|s| s.blocks.iter().any(|b| matches!(b, Block::Table(t) if t.name == "adjusted_risks")));
    assert!(document.sections[at.expect("the table")].appendix, "all ways belong into an appendix");
    // What a paper would print, and the course of the first definition in the text, of the others in the appendix.
    let text = document.to_text(100).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("met the definition (those not observed counted as not meeting it). Adjusted for BASVAL, the difference in risk (DRUG − PLACEBO) is"), "{text}");
    assert!(text.contains("Across the 2 definitions, adjusted risks range from"), "{text}");
    let drawn: Vec<(&str, bool)> = document
        .sections
        .iter()
        .flat_map(|s| s.blocks.iter().filter_map(|b| if let Block::Figure(f) = b { Some((f.name.as_str(), s.appendix)) } else { None }))
        .filter(|(name, _)| name.ends_with("_over_time"))
        .collect();
    assert_eq!(drawn, [("improved_over_time", false), ("much_improved_over_time", true)]);
    let methods = result.plan.methods_text();
    assert!(methods.contains("logistic model of the arm and BASVAL") && methods.contains("g-computation"), "{methods}");
}

/// Imputed scores are classified: they are in the adjusted risks alone, between the rates of those observed and the bounds.
#[test]
fn imputed_scores_are_classified_in_a_plan() {
    let plan = Plan::new("CHANGE").at("7").formula("BASVAL * VISIT + THERAPY * VISIT").expect("a formula").seed(5);
    let ways = [Unobserved::ObservedOnly, Unobserved::Imputed, Unobserved::Bounds];
    let trial = antidepressant();
    let run = || plan.clone().responders(definitions()).unobserved(ways).run(&trial, &Silent).expect("a result");
    let result = run();
    assert!(result.rates.as_ref().expect("rates").rows.iter().all(|r| r.unobserved != Assumption::Imputed));
    let adjusted = result.adjusted_risks.as_ref().expect("risks");
    for definition in definitions() {
        let row = |way| adjusted.row(&definition.name, 3, 1, way).unwrap_or_else(|| panic!("{way}"));
        let (imputed, low, high) = (row(Assumption::Imputed), row(Assumption::Lowest), row(Assumption::Highest));
        assert!(imputed.not_estimable.is_none() && imputed.analysed == trial.patients().len(), "{imputed:?}");
        assert!(imputed.difference.estimate > low.difference.estimate && imputed.difference.estimate < high.difference.estimate);
        assert!(imputed.df.is_finite() && imputed.se > 0.0, "what is missing leaves its mark: {imputed:?}");
    }
    // The seed decides.
    assert_eq!(format!("{:?}", run().adjusted_risks.expect("risks").rows), format!("{:?}", adjusted.rows));
    let methods = result.plan.methods_text();
    assert!(methods.contains("are imputed 100 times by the primary model"), "{methods}");
}

/// Where rates of few patients are hidden, so is all that would give them away.
#[test]
fn small_numbers_hide_adjusted_risks_too() {
    let result = result(SmallCells::Suppressed { below: 90 });
    let document = TrialReport::new(&result).document();
    assert!(numbers(table(&document, "adjusted_risks"), "risk_difference").iter().all(Option::is_none));
    assert!(numbers(table(&document, "remission"), "adjusted_difference").iter().all(Option::is_none));
    let text = document.to_text(100);
    assert!(!text.contains("difference in risk") && !document.figures().any(|f| f.name.ends_with("_over_time")), "{text}");
}
