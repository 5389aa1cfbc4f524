//! What a report says of subgroups, hypotheses and other models.

use crate::common::{ANTIDEPRESSANT, antidepressant_layout, read};
use trialstats::Trial;
use trialstats::analysis::{AnalysisResult, Hypothesis, Multiplicity, OtherModel, Plan, ReportSettings, Silent, SmallCells, Subgroup};
use trialstats::covariance::Covariance;
use trialstats::multiplicity::Procedure;
use trialstats::report::{Block, Document, TrialReport};

fn trial() -> Trial {
    read(&antidepressant_layout().covariate("GENDER"), ANTIDEPRESSANT)
}

fn result(settings: ReportSettings) -> AnalysisResult {
    let plan = Plan::new("CHANGE")
        .at("7")
        .formula("BASVAL * VISIT + THERAPY * VISIT")
        .unwrap()
        .subgroup(Subgroup::by("GENDER").label("Gender").level("F", "Women"))
        .subgroup(Subgroup::cut("BASVAL", [11.0, 24.0]).label("Severity"))
        .sensitivity_to_model(OtherModel::new("compound symmetry").covariance(Covariance::CompoundSymmetry))
        .analysis(OtherModel::new("anxiety").outcome("HAMATOTL"))
        .multiplicity(Multiplicity::new(Procedure::Holm).hypothesis(Hypothesis::new("last")).hypothesis(Hypothesis::new("before").at("6")))
        .report(settings);
    plan.run(&trial(), &Silent).unwrap_or_else(|error| panic!("{error}"))
}

fn text_of<'d>(document: &'d Document, heading: &str) -> String {
    let section = document.sections.iter().find(|s| s.heading == heading).unwrap_or_else(|| panic!("no section {heading}"));
    let text = |block: &'d Block| if let Block::Paragraph { lead, text } = block { format!("{lead} {text}") } else { String::new() };
    section.blocks.iter().map(text).collect::<Vec<_>>().join("\n")
}

#[test]
fn each_has_a_section_a_table_and_where_it_helps_a_figure() {
    let result = result(ReportSettings::new());
    let document = TrialReport::new(&result).document();
    let headings: Vec<&str> = document.sections.iter().map(|s| s.heading.as_str()).collect();
    let place = |heading: &str| headings.iter().position(|h| *h == heading).unwrap_or_else(|| panic!("{heading}: {headings:?}"));
    assert!(place("Sensitivity to the model") < place("Subgroups") && place("Subgroups") < place("Hypotheses"));
    assert!(place("Hypotheses") < place("Further analyses"));
    let tables: Vec<&str> = document.tables().map(|t| t.name.as_str()).collect();
    for name in ["CHANGE_by_GENDER", "CHANGE_by_BASVAL", "CHANGE_models", "hypotheses", "further_analyses"] {
        assert!(tables.contains(&name), "{name}: {tables:?}");
    }
    let figure = document.figures().find(|f| f.name == "CHANGE_by_GENDER").expect("a forest plot");
    for label in ["Overall", "Women", "DRUG − PLACEBO"] {
        assert!(figure.figure.svg.contains(label), "{label}");
    }
    assert!(document.figures().any(|f| f.name == "CHANGE_models"));
    let subgroups = text_of(&document, "Subgroups");
    assert!(subgroups.contains("Gender at visit 7") || subgroups.contains("depends on Gender: F(1, "), "{subgroups}");
    let methods = text_of(&document, "Statistical methods");
    assert!(methods.contains("Prespecified subgroups: Gender and Severity."), "{methods}");
    assert!(methods.contains("familywise level of 0.05 is kept over 2 hypotheses by Holm's step-down procedure"), "{methods}");
    assert!(methods.contains("shown by other models: compound symmetry.") && methods.contains("a model of its own: anxiety."), "{methods}");
    assert!(!methods.contains("There is one primary comparison"));
    assert!(text_of(&document, "Hypotheses").contains("last and before are rejected, in this order"));
    // The numbers of the table are those of the result.
    let written = document.tables().find(|t| t.name == "CHANGE_by_GENDER").unwrap();
    let estimate = written.columns.iter().find(|c| c.name == "estimate").unwrap();
    assert_eq!(estimate.exact(1), result.subgroups[0].rows[1].contrast.estimate.estimate.to_string());
}

#[test]
fn without_them_the_report_says_there_is_one_comparison() {
    let plan = Plan::new("CHANGE").at("7").formula("THERAPY * VISIT").unwrap();
    let result = plan.run(&trial(), &Silent).unwrap();
    let document = TrialReport::new(&result).document();
    let headings: Vec<&str> = document.sections.iter().map(|s| s.heading.as_str()).collect();
    for heading in ["Subgroups", "Hypotheses", "Further analyses", "Sensitivity to the model"] {
        assert!(!headings.contains(&heading));
    }
    assert!(text_of(&document, "Statistical methods").contains("There is one primary comparison"));
}

#[test]
fn small_numbers_of_a_subgroup_are_not_shown_where_they_are_suppressed() {
    let shown = result(ReportSettings::new());
    let severity = &shown.subgroups[1];
    assert!(severity.rows.iter().any(|row| (1..10).contains(&row.randomized)), "the test needs a small level: {severity}");
    let suppressed = result(ReportSettings::new().small_cells(SmallCells::Suppressed { below: 10 }));
    let document = TrialReport::new(&suppressed).document();
    let table = document.tables().find(|t| t.name == "CHANGE_by_BASVAL").unwrap();
    for name in ["n", "n_versus", "randomized", "randomized_versus"] {
        let column = table.columns.iter().find(|c| c.name == name).unwrap();
        for row in 1..column.len() {
            assert_eq!(column.exact(row), "", "{name} of row {row}");
        }
    }
    let json = document.to_json();
    assert!(json["analysis"].get("subgroups").is_none() && json["analysis"].get("models").is_none());
}
