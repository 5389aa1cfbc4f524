//! What tables say of themselves: titles, headings, labels and notes, from which a reader learns how the numbers were made.
//! Each was once changed by `cargo mutants` without a test that noticed.

use crate::common::{FEV, contents, fev, fev_layout, imrs_gst, read_text};
use trialstats::analysis::{Analysis, Clustering, FittedCovariance, Silent};
use trialstats::design::{Averaging, FactorWeights};
use trialstats::means::{Adjustment, ArmComparisons, Better, ContrastOptions, Family, Margin, MeansOptions, TestType};
use trialstats::table::Tabular;
use trialstats::trial::AnalysisSet;
use trialstats::{Fit, Model};

fn fit(formula: &str) -> Fit {
    Model::formula(formula).expect("a formula").fit(&fev()).expect("a fit")
}

#[test]
fn tests_of_terms_say_their_type_in_the_title() {
    let fit = fit("FEV1 ~ ARMCD * AVISIT");
    for (kind, title) in [(TestType::I, "(type I)"), (TestType::II, "(type II)"), (TestType::III, "(type III)")] {
        let tests = fit.term_tests_of(kind).expect("tests");
        assert_eq!(tests.title(), format!("Joint tests of the terms of FEV1 {title}"));
    }
}

#[test]
fn an_adjustment_names_its_method_and_family() {
    let fit = fit("FEV1 ~ ARMCD * AVISIT");
    let note = |options: ContrastOptions| fit.arm_contrasts(&options).expect("contrasts").notes().join(" ");
    let plain = note(ContrastOptions::default());
    assert!(plain.contains("p-values are not adjusted for multiplicity."), "{plain}");
    let holm = note(ContrastOptions::default().adjustment(Adjustment::Holm));
    assert!(holm.contains("Adjusted p-values by Holm, over all rows; confidence intervals are not adjusted."), "{holm}");
    let by_visit = note(ContrastOptions::default().adjustment(Adjustment::Bonferroni).family(Family::Visit));
    assert!(by_visit.contains("Adjusted p-values by Bonferroni, over the rows of each visit;"), "{by_visit}");
    let tukey = note(ContrastOptions::default().arms(ArmComparisons::Pairwise).adjustment(Adjustment::Tukey));
    assert!(tukey.contains("by Tukey, over the comparisons within each cell;"), "{tukey}");
}

#[test]
fn a_margin_is_in_the_notes_of_its_tests() {
    let contrasts = fit("FEV1 ~ ARMCD * AVISIT").arm_contrasts(&ContrastOptions::default()).expect("contrasts");
    let tests = contrasts.against(Margin::NonInferiority { margin: 2.0, better: Better::Higher }, 0.025).expect("tests");
    let notes = tests.notes().join(" ");
    assert!(notes.contains("the difference lies above −2; high scores are better"), "{notes}");
    assert!(notes.contains("restricted maximum likelihood"), "{notes}");
}

#[test]
fn comparisons_of_levels_say_within_what() {
    let fit = fit("FEV1 ~ SEX * ARMCD + AVISIT");
    let labels = |factors: &[&str]| -> Vec<String> {
        fit.factor_contrasts(factors, &ContrastOptions::default()).expect("contrasts").rows.iter().map(|r| r.label()).collect()
    };
    assert_eq!(labels(&["SEX"]), ["Female - Male"]);
    assert_eq!(labels(&["SEX", "ARMCD"]), ["Female - Male, PBO", "Female - Male, TRT"]);
}

#[test]
fn a_fitted_covariance_has_each_correlation_once_and_says_how_it_was_fitted() {
    let fit = fit("FEV1 ~ ARMCD * AVISIT");
    let (table, sigma) = (FittedCovariance::of(&fit), &fit.covariances()[0].sigma);
    let columns = table.columns();
    assert_eq!(
        columns.iter().map(|c| c.heading.as_str()).collect::<Vec<_>>(),
        ["Visit", "SD", "r with VIS1", "r with VIS2", "r with VIS3"]
    );
    for (j, column) in columns[2..].iter().enumerate() {
        for i in 0..4 {
            let expected = if i > j { (sigma[(i, j)] / (sigma[(i, i)] * sigma[(j, j)]).sqrt()).to_string() } else { String::new() };
            let (shown, wanted) = (column.exact(i).parse::<f64>(), expected.parse::<f64>());
            assert!(shown.is_err() == wanted.is_err() && (shown.unwrap_or(0.0) - wanted.unwrap_or(0.0)).abs() < 1e-12, "{i} {j}");
        }
    }
    assert_eq!(table.notes(), fit.notes());
    assert!(table.notes().join(" ").contains("restricted maximum likelihood"));
}

/// A mean without the arm has no difference between arms, and no change of one.
#[test]
fn a_plan_whose_mean_has_no_arm_has_no_comparison() {
    let trial = imrs_gst();
    let result = Analysis::of(&trial).primary("caps5").mean("visit").run(&Silent).expect("a result");
    let outcome = &result.outcomes[0];
    assert!(outcome.contrasts.is_none() && outcome.effects.between.is_empty() && outcome.effects.within.is_empty());
    assert_eq!(outcome.means.rows.len(), outcome.fit.design().visit_labels().len());
}

#[test]
fn clusters_are_called_what_they_are() {
    let clustering = Clustering::new().groups("group").therapists("therapist");
    assert_eq!(clustering.plural("group"), Some("therapy groups"));
    assert_eq!(clustering.plural("therapist"), Some("therapists"));
    assert_eq!(clustering.plural("site"), None);
}

/// Nobody has a combination of levels: there is nothing to average over, and no mean, least of all zero.
#[test]
fn a_cell_that_nobody_has_is_no_mean_of_nothing() {
    let text: String = contents(FEV).lines().filter(|l| !(l.contains("White") && l.contains("TRT"))).map(|l| format!("{l}\n")).collect();
    let trial = read_text(&fev_layout(), "fev without a cell", &text);
    let fit = Model::formula("FEV1 ~ RACE + ARMCD + AVISIT").expect("a formula").fit(&trial).expect("a fit");
    let options = MeansOptions { averaging: Averaging::weights(FactorWeights::Cells), ..MeansOptions::default() };
    let means = fit.marginal_means(&["RACE", "ARMCD"], &options).expect("means");
    let nobody = means.get(&["White", "TRT"]).expect("a row");
    assert!(nobody.estimate.estimate.is_nan() && nobody.not_estimable.is_some() && nobody.n == 0, "{nobody:?}");
    assert!(means.get(&["White", "PBO"]).is_some_and(|row| row.estimate.estimate > 20.0));
}

#[test]
fn a_covariate_is_held_at_a_value_that_is_stated() {
    let fit = fit("FEV1 ~ FEV1_BL + ARMCD * AVISIT");
    let value = |row: &(usize, usize, Vec<f64>)| row.2[1];
    let rows = fit.design().model_matrix();
    let mean = rows.iter().map(value).sum::<f64>() / rows.len() as f64;
    let notes = fit.marginal_means(&["ARMCD", "AVISIT"], &MeansOptions::default()).expect("means").notes().join(" ");
    assert!(notes.contains(&format!("{mean:.3}")), "{mean}: {notes}");
}

#[test]
fn each_step_of_the_flow_has_its_visit() {
    let trial = fev();
    let flow = trial.participant_flow("FEV1", &AnalysisSet::new()).expect("a flow");
    let columns = flow.columns();
    let visit = columns.iter().find(|c| c.name == "visit").expect("a column of visits");
    let shown: std::collections::BTreeSet<String> = (0..visit.len()).map(|row| visit.exact(row)).filter(|v| !v.is_empty()).collect();
    assert_eq!(shown.into_iter().collect::<Vec<_>>(), ["VIS1", "VIS2", "VIS3", "VIS4"]);
}
