//! The sensitivity table of clusters: the primary analysis untouched, every other row the direct fit of the model it
//! names.

use crate::common::{IMRS_GST, contents, imrs_gst, imrs_gst_layout, read_text};
use trialstats::analysis::{Analysis, AnalysisResult, ClusterModel, ClusterSensitivity, ClusterSensitivityRow, Clustering, Silent};
use trialstats::design::{Baseline, Clusters, RandomEffects};
use trialstats::effects::{EffectOptions, Positive, from_model};
use trialstats::inference::{CovarianceIntervalMethod, CovarianceIntervalOptions};
use trialstats::means::ContrastOptions;
use trialstats::report::TrialReport;
use trialstats::simulate::Gaussian;
use trialstats::{Df, Error, Fit, MeanModel, Model, PartiallyNested, Tabular, Trial, Vcov};

const LAST: &str = "12 months";

/// The same file with nobody in a cluster at baseline.
fn clusters_begin_with_treatment() -> Trial {
    let file = contents(IMRS_GST);
    let header: Vec<&str> = file.lines().next().expect("a header").split(',').collect();
    let at = |name: &str| header.iter().position(|h| *h == name).expect("a column");
    let (visit, clusters) = (at("visit"), [at("therapist"), at("therapy_group")]);
    let blanked = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        let cell = |k: usize| if cells[visit] == "baseline" && clusters.contains(&k) { "" } else { cells[k] };
        (0..cells.len()).map(cell).collect::<Vec<_>>().join(",") + "\n"
    };
    let file: String = file.lines().map(blanked).collect();
    read_text(&imrs_gst_layout().cluster_by_visit("therapist").cluster_by_visit("therapy_group"), "blanked", &file)
}

fn plan(trial: &Trial) -> Analysis<'_> {
    Analysis::of(trial).primary("caps5").at(LAST).mean("site + arm * visit").lower_is_better()
}

fn with_clusters(trial: &Trial) -> AnalysisResult {
    let clustering = Clustering::new().groups("therapy_group").therapists("therapist");
    plan(trial).sensitivity_to_clusters(clustering).run(&Silent).expect("it can be analysed")
}

fn sensitivity(result: &AnalysisResult) -> &ClusterSensitivity {
    result.clustering.as_ref().expect("it was asked for")
}

fn row(table: &ClusterSensitivity, model: ClusterModel) -> &ClusterSensitivityRow {
    table.get(model).expect("every model has a row")
}

fn mean() -> MeanModel {
    MeanModel::parse("caps5 ~ site + arm * visit").expect("a formula").constrained_baseline()
}

/// Panics unless a row has the numbers of a fit, to `tolerance` of each.
fn assert_is(row: &ClusterSensitivityRow, fit: &Fit, tolerance: f64) {
    let contrasts = fit.arm_contrasts(&ContrastOptions::default().visits([LAST])).expect("contrasts");
    let (found, direct) = (&row.estimate, &contrasts.rows[0]);
    let pairs = [
        ("estimate", found.estimate, direct.estimate.estimate),
        ("se", found.se, direct.estimate.se),
        ("df", found.df, direct.estimate.df),
        ("p", found.p, direct.estimate.p),
        ("lower", row.lower, direct.lower),
        ("upper", row.upper, direct.upper),
        ("log-likelihood", row.log_likelihood, fit.log_likelihood()),
        ("AIC", row.aic, fit.aic()),
    ];
    for (what, here, there) in pairs {
        assert!((here - there).abs() <= tolerance * there.abs(), "{}, {what}: {here} against {there}", row.model);
    }
}

#[test]
fn the_primary_analysis_stays_what_it_is_to_the_last_digit() {
    let trial = imrs_gst();
    let (without, with) = (plan(&trial).run(&Silent).expect("it can be analysed"), with_clusters(&trial));
    let json = |r: &AnalysisResult| serde_json::to_string(&r.outcomes).expect("it serialises");
    assert_eq!(json(&without), json(&with));
    assert_eq!(without.summary(), with.summary());
    let primary = row(sensitivity(&with), ClusterModel::Independent);
    let contrasts = with.outcomes[0].contrasts.as_ref().expect("two arms");
    let planned = contrasts.rows.iter().find(|r| r.visit.as_deref() == Some(LAST)).expect("the visit");
    assert_eq!((&primary.estimate, primary.lower, primary.upper), (&planned.estimate, planned.lower, planned.upper));
    let effect = primary.effect.as_ref().expect("there is a baseline");
    assert_eq!(effect, &with.outcomes[0].effects.between[0].rows[0]);
}

#[test]
fn every_row_is_the_direct_fit_of_its_model() {
    let (trial, blanked) = (imrs_gst(), clusters_begin_with_treatment());
    let result = with_clusters(&trial);
    let table = sensitivity(&result);
    assert_eq!(table.rows.len(), 5);
    let model = || Model::new(mean()).df(Df::KenwardRoger);
    assert_is(row(table, ClusterModel::Independent), &model().fit(&trial).expect("a fit"), 0.0);

    // The effect of an arm is none before treatment where the baseline is constrained: the same model, stated without
    // blanks.
    let groups = model().random(RandomEffects::of("therapy_group").without_intercept().effect("arm")).fit(&trial).expect("a fit");
    assert_is(row(table, ClusterModel::Groups), &groups, 1e-8);
    let groups = model().random_intercept("therapy_group").fit(&blanked).expect("a fit");
    assert_is(row(table, ClusterModel::Groups), &groups, 1e-12);

    let both = model().random_intercept("therapy_group").random_intercept("therapist").fit(&blanked).expect("a fit");
    assert_is(row(table, ClusterModel::GroupsAndTherapists), &both, 1e-12);
    let nested = PartiallyNested::new(mean(), "therapy_group").df(Df::KenwardRoger).fit(&trial).expect("a fit");
    assert_is(row(table, ClusterModel::PartiallyNested), &nested, 0.0);
    let robust = Model::new(mean()).vcov(Vcov::Cr2).clusters(Clusters::by("therapy_group")).fit(&trial).expect("a fit");
    assert_is(row(table, ClusterModel::ClusterRobust), &robust, 0.0);

    let primary = model().fit(&trial).expect("a fit");
    for (kind, fit) in [(ClusterModel::GroupsAndTherapists, &both), (ClusterModel::ClusterRobust, &robust)] {
        let contrasts = fit.arm_contrasts(&ContrastOptions::default().visits([LAST])).expect("contrasts");
        let effects = from_model(&trial, &primary, &contrasts, &EffectOptions::new().positive(Positive::Fall)).expect("effects");
        let (found, direct) = (row(table, kind).effect.as_ref().expect("a baseline"), &effects.rows[0]);
        for (here, there) in [(found.effect, direct.effect), (found.lower, direct.lower), (found.upper, direct.upper)] {
            assert!((here - there).abs() <= 1e-10 * there.abs(), "{kind}: {here} against {there}");
        }
    }

    let wald = CovarianceIntervalOptions { method: CovarianceIntervalMethod::Wald, ..Default::default() };
    let icc = both.icc(&wald).expect("shares");
    let shown = table.icc.as_ref().expect("a model with effects was fitted");
    assert_eq!(table.described, Some(ClusterModel::GroupsAndTherapists));
    assert!(!shown.rows.is_empty() && shown.rows.iter().all(|r| r.visit.as_deref() == Some(LAST)));
    for found in &shown.rows {
        let direct = icc.get(&found.arm, Some(LAST), found.factor.as_deref()).expect("the same rows");
        assert!((found.icc - direct.icc).abs() <= 1e-10, "{found:?} against {direct:?}");
        // The profile knows that a share is no less than nothing, and encloses the estimate as any interval does.
        assert!(
            found.upper.is_nan() && direct.icc == 0.0 || (0.0..=found.icc).contains(&found.lower) && found.upper > found.icc,
            "{found:?}"
        );
    }
    let share = row(table, ClusterModel::GroupsAndTherapists).share("therapist").expect("an effect");
    assert!((share.icc - shown.get("ImRs+GST", Some(LAST), Some("therapist")).expect("a row").icc).abs() < 1e-12);
    let predicted = table.effects.as_ref().expect("predicted");
    assert_eq!(predicted.rows.iter().filter(|r| r.factor == "therapy_group").count(), 8);
    assert_eq!(predicted.rows.iter().filter(|r| r.factor == "therapist").count(), 16);
}

/// Random effects have no between-within degrees of freedom and no adjustment of 2009: their rows have the nearest
/// method there is. The primary analysis keeps the plan's, and the sandwich has its own.
#[test]
fn every_row_has_the_degrees_of_freedom_that_its_model_can_have() {
    let trial = strong_groups();
    let mean = || MeanModel::parse("y ~ arm * visit").expect("a formula").constrained_baseline();
    let visits = ContrastOptions::default().visits(["after"]);
    for (planned, with_effects) in [
        (Df::BetweenWithin, Df::Satterthwaite),
        (Df::KenwardRoger2, Df::KenwardRoger),
        (Df::KenwardRogerLinear, Df::KenwardRogerLinear),
        (Df::Satterthwaite, Df::Satterthwaite),
        (Df::Asymptotic, Df::Asymptotic),
    ] {
        let plan = Analysis::of(&trial).primary("y").df(planned).sensitivity_to_clusters(Clustering::new().groups("group"));
        let result = plan.run(&Silent).expect("a result");
        let model = |df: Df| Model::new(mean()).df(df);
        let groups = model(with_effects).random(RandomEffects::of("group").without_intercept().effect("arm"));
        let direct = [
            (ClusterModel::Independent, planned, model(planned).fit(&trial)),
            (ClusterModel::Groups, with_effects, groups.fit(&trial)),
            (ClusterModel::PartiallyNested, with_effects, PartiallyNested::new(mean(), "group").df(with_effects).fit(&trial)),
            (
                ClusterModel::ClusterRobust,
                Df::Satterthwaite,
                model(Df::Satterthwaite).vcov(Vcov::Cr2).clusters(Clusters::by("group")).fit(&trial),
            ),
        ];
        for (kind, method, fit) in direct {
            let (row, fit) = (row(sensitivity(&result), kind), fit.expect("a fit"));
            assert_eq!(row.df_method, method.to_string(), "{kind}, planned {planned}");
            let expected = &fit.arm_contrasts(&visits).expect("contrasts").rows[0].estimate;
            let close = |a: f64, b: f64| a == b || (a - b).abs() <= 1e-6 * b.abs();
            assert!(
                close(row.estimate.df, expected.df) && close(row.estimate.se, expected.se),
                "{kind}, planned {planned}: {row:?}, {expected:?}"
            );
        }
    }
    // Between-within: every patient is observed, 128 of them, and the contrast of the arms is between patients.
    let plan = Analysis::of(&trial).primary("y").baseline(Baseline::Response).df(Df::BetweenWithin);
    let result = plan.sensitivity_to_clusters(Clustering::new().groups("group")).run(&Silent).expect("a result");
    assert_eq!(row(sensitivity(&result), ClusterModel::Independent).estimate.df, 126.0);
}

/// Groups of eight whose members are as alike as two visits of one patient.
fn strong_groups() -> Trial {
    let trial = Gaussian::new(["before", "after"]).arm("alone", 64, [30.0, 20.0]).arm("grouped", 64, [30.0, 20.0]);
    trial.compound_symmetry(10.0, 0.5).groups("group", "grouped", 8, [0.0, 8.0]).trial(20, 0).expect("a trial")
}

#[test]
fn strong_groups_widen_the_interval_in_every_row_that_knows_of_them() {
    let trial = strong_groups();
    let result =
        Analysis::of(&trial).primary("y").sensitivity_to_clusters(Clustering::new().groups("group")).run(&Silent).expect("a result");
    let table = sensitivity(&result);
    assert_eq!(table.se_ratio(row(table, ClusterModel::Independent)), 1.0);
    for kind in [ClusterModel::Groups, ClusterModel::PartiallyNested, ClusterModel::ClusterRobust] {
        let row = row(table, kind);
        assert!(table.se_ratio(row) > 1.3, "{kind}: {}", table.se_ratio(row));
        // Those of the sandwich count the patients who stand alone as well.
        let most = if kind == ClusterModel::ClusterRobust { 30.0 } else { 15.0 };
        assert!(row.estimate.df < most, "{kind}: {} df from eight groups", row.estimate.df);
        assert_eq!(row.effect.as_ref().expect("a baseline").sd, table.rows[0].effect.as_ref().expect("a baseline").sd);
    }
    assert!(row(table, ClusterModel::Groups).share("group").expect("an effect").icc > 0.15);
    let icc = table.icc.as_ref().expect("shares").get("grouped", Some("after"), Some("group")).expect("the arm's row").clone();
    assert!(icc.lower < icc.icc && icc.icc < icc.upper && icc.design_effect > 2.0);
    assert!(table.to_text().contains("8 in `group`"));
    let title = table.title();
    assert!(title.ends_with(": sensitivity to clustering") && title.contains(&format!(", {}", table.rows[0].compared)), "{title}");
    assert!(table.notes.iter().any(|n| n.starts_with("d: the difference over") && n.contains("delta method")), "{:?}", table.notes);
}

/// With therapists in both arms there is no partial nesting: that row says so, and the others have their numbers.
#[test]
fn a_model_that_cannot_be_fitted_is_a_row_with_the_reason() {
    let trial = imrs_gst();
    let result = plan(&trial).sensitivity_to_clusters(Clustering::new().groups("therapist")).run(&Silent).expect("a result");
    let table = sensitivity(&result);
    assert_eq!(table.rows.len(), 4);
    let nested = row(table, ClusterModel::PartiallyNested);
    assert!(nested.failure.as_ref().is_some_and(|why| why.contains("every arm has groups")), "{:?}", nested.failure);
    assert!(nested.estimate.estimate.is_nan() && nested.effect.is_none());
    assert!(table.rows.iter().all(|r| r.model == ClusterModel::PartiallyNested || r.failure.is_none()));
    assert!(table.notes.iter().any(|n| n.contains("no estimate") && n.contains("every arm has groups")));
}

#[test]
fn clusters_that_make_no_sense_are_refused_by_name() {
    let trial = imrs_gst();
    let refused = |clustering| plan(&trial).sensitivity_to_clusters(clustering).run(&Silent).expect_err("refused");
    let unknown = refused(Clustering::new().groups("therapy_group").therapists("clinician"));
    let codes = |error: &Error| match error {
        Error::Plan(problems) => problems.0.iter().map(|p| (p.key.clone(), p.code.clone())).collect::<Vec<_>>(),
        other => panic!("{other}"),
    };
    assert_eq!(codes(&unknown), [("sensitivity".to_string(), "unknown-name".to_string())]);
    assert!(unknown.to_string().contains("`clinician`") && unknown.to_string().contains("therapist"));
    assert_eq!(codes(&refused(Clustering::new())), [("sensitivity".to_string(), "incomplete-request".to_string())]);
    assert_eq!(trial.clusters_after_baseline(&["clinician"]).expect_err("refused").code(), "unknown-name");
    let one = Gaussian::new(["before", "after"]).arm("a", 8, [1.0, 1.0]).groups("group", "a", 4, [0.0, 1.0]).trial(1, 0).expect("a trial");
    let error =
        Analysis::of(&one).primary("y").sensitivity_to_clusters(Clustering::new().groups("group")).run(&Silent).expect_err("one arm");
    assert!(error.to_string().contains("there is one arm"));
}

#[test]
fn three_arms_have_a_row_for_each_comparison() {
    let three = Gaussian::new(["before", "after"]).arm("a", 32, [5.0, 5.0]).arm("b", 32, [5.0, 4.0]).arm("c", 32, [5.0, 3.0]);
    let trial = three.groups("group", "c", 8, [0.0, 1.0]).trial(3, 0).expect("a trial");
    let result =
        Analysis::of(&trial).primary("y").sensitivity_to_clusters(Clustering::new().groups("group")).run(&Silent).expect("a result");
    let table = sensitivity(&result);
    assert_eq!(table.rows.len(), 8);
    assert_eq!(table.rows[0].compared.to_string(), "b - a");
    assert!(table.columns().iter().any(|c| c.name == "contrast"));
    let groups: Vec<&ClusterSensitivityRow> = table.rows.iter().filter(|r| r.model == ClusterModel::Groups).collect();
    assert_eq!(groups.iter().map(|r| r.share("group").expect("an effect").clusters).collect::<Vec<_>>(), [0, 4]);
}

#[test]
fn the_report_has_the_table_the_shares_and_the_figure() {
    let trial = imrs_gst();
    let result = with_clusters(&trial);
    let document = TrialReport::new(&result).synthetic("SYNTHETIC DATA").document();
    let section = document.sections.iter().position(|s| s.heading == "Sensitivity to clustering").expect("the section");
    assert_eq!(document.sections[section - 1].heading, "CAPS-5 total: primary outcome");
    let json = &document.to_json()["sections"][section];
    let rows = json["tables"]["caps5_clustering"]["rows"].as_array().expect("the table");
    assert_eq!(rows.len(), 5);
    let table = sensitivity(&result);
    for (shown, row) in rows.iter().zip(&table.rows) {
        assert_eq!(shown["model"], row.model.words());
        assert_eq!(shown["se"], row.estimate.se);
        assert_eq!(shown["d"], row.effect.as_ref().expect("a baseline").effect);
    }
    let shares = table.icc.as_ref().expect("shares");
    assert_eq!(json["tables"]["caps5_icc"]["rows"].as_array().map(Vec::len), Some(shares.rows.len()));
    let drawn = document.figures().find(|f| f.name == "caps5_cluster_effects").expect("the figure");
    for words in [">Therapy groups (8)</text>", ">Therapists (16)</text>", ">G1</text>", ">T16</text>", ">Synthetic data</text>"] {
        assert!(drawn.figure.svg.contains(words), "{words} is not in the figure");
    }
    let text = document.to_text(100);
    let prose = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "The primary analysis stays as prespecified: CAPS-5 total at 12 months",
        "Every 95% interval includes 0",
        "partially nested: patients of a group share",
    ] {
        assert!(prose.contains(words), "the report does not say: {words}");
    }
    assert!(text.lines().all(|l| l.chars().count() <= 100));

    let without = plan(&trial).run(&Silent).expect("a result");
    let document = TrialReport::new(&without).document();
    assert!(document.sections.iter().all(|s| s.heading != "Sensitivity to clustering"));
}

/// The table that README shows has these numbers, row by row.
#[test]
fn readme_shows_the_table() {
    let result = with_clusters(&imrs_gst());
    let readme = contents("README.md");
    let shown: Vec<&str> =
        readme.lines().skip_while(|line| !line.starts_with("  model  ")).skip(1).take_while(|line| *line != "```").collect();
    let rows = &sensitivity(&result).rows;
    assert_eq!(shown.len(), rows.len(), "README has a line for every row");
    for (line, row) in shown.iter().zip(rows) {
        let e = &row.estimate;
        let numbers = format!("{:>8.2}{:>6.2}{:>7.1}{:>6}", e.estimate, e.se, e.df, &format!("{:.3}", e.p)[1..]);
        assert!(line.ends_with(&numbers), "README prints\n{line}\nbut the table has\n{numbers}");
    }
}
