//! The simulation behind `guide::partial_nesting`: the committed table keeps what the page says, the program still
//! makes it, and its six models are those of R.

use crate::common::{Comparison, assert_all, number, reference, repository, rows, text, tolerances};
use trialstats::inference::InformationKind;
use trialstats::means::ContrastOptions;
use trialstats::study::Replicates;
use trialstats::{Df, Fit, MeanModel, PartiallyNested};

#[path = "../../../examples/partial_nesting.rs"]
#[allow(dead_code, reason = "its `main` prints")]
mod study;

use study::{ANALYSES, Analysis, Outcome, SEED, Scenario, csv, replicates, sample, scenarios, summary};

const TABLE: &str = "tests/references/partial_nesting/partial_nesting.csv";
const SAMPLE: &str = "tests/references/partial_nesting/sample.csv";
const LARGEST_ICC: Scenario = Scenario { variance_ratio: 1.0, icc: 0.12 };

fn on(threads: usize, scenario: Scenario, trials: usize) -> Replicates {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
    pool.install(|| replicates(scenario, trials)).expect("the truth is sound")
}

/// A row of the committed table.
struct Row(::csv::StringRecord, ::csv::StringRecord);

impl Row {
    fn text(&self, column: &str) -> &str {
        let position = self.0.iter().position(|name| name == column).unwrap_or_else(|| panic!("no column {column}"));
        &self.1[position]
    }

    fn number(&self, column: &str) -> f64 {
        self.text(column).parse().unwrap_or_else(|_| panic!("{column} of {:?}", self.1))
    }

    fn is(&self, scenario: Scenario, analysis: &Analysis) -> bool {
        let outcome = if analysis.outcome == Outcome::Repeated { "repeated" } else { "last visit" };
        self.number("variance_ratio") == scenario.variance_ratio
            && self.number("icc") == scenario.icc
            && self.text("outcome") == outcome
            && self.text("model") == analysis.model
            && self.text("method") == analysis.method
    }
}

fn table() -> Vec<Row> {
    let text = std::fs::read_to_string(repository(TABLE)).expect("the table");
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().expect("a header").clone();
    reader.records().map(|r| Row(header.clone(), r.expect("a row"))).collect()
}

fn row<'t>(table: &'t [Row], scenario: Scenario, analysis: &Analysis) -> &'t Row {
    table.iter().find(|r| r.is(scenario, analysis)).unwrap_or_else(|| panic!("no row of {scenario:?}, {analysis:?}"))
}

#[test]
fn a_study_repeats_on_any_number_of_threads() {
    let one = on(1, LARGEST_ICC, 12);
    // Text, since NaN is not itself.
    assert_eq!(format!("{one:?}"), format!("{:?}", on(3, LARGEST_ICC, 12)));
    assert_ne!(one.trials[0].answers, one.trials[1].answers);
}

/// Four Monte-Carlo standard errors around what 10,000 trials say.
#[test]
fn a_smaller_study_agrees_with_the_committed_table() {
    let table = table();
    assert_eq!(table.len(), scenarios().iter().map(|s| s.analyses().len()).sum::<usize>());
    let trials = 200;
    let n = trials as f64;
    let study = on(2, LARGEST_ICC, trials);
    for (index, analysis) in LARGEST_ICC.analyses().iter().enumerate() {
        let own = summary(LARGEST_ICC, &study, index);
        let row = row(&table, LARGEST_ICC, analysis);
        let near = |what: &str, ours: f64, theirs: f64, error: f64| {
            let (model, method) = (analysis.model, analysis.method);
            assert!((ours - theirs).abs() < 4.0 * error, "{model}, {method}, {what}: {ours} where the table has {theirs}");
        };
        // At least what one trial would move, where a share is near zero.
        let error_of = |share: f64| (share * (1.0 - share) / n).sqrt().max(1.0 / n);
        near("type I error", own.all.successes.share, row.number("type_one_error"), error_of(row.number("type_one_error")));
        near("coverage", own.all.coverage.share, row.number("coverage"), error_of(row.number("coverage")));
        near("bias", own.all.bias().0, row.number("bias"), row.number("empirical_sd") / n.sqrt());
        near("standard deviation", own.all.empirical_sd, row.number("empirical_sd"), row.number("empirical_sd") / (2.0 * n).sqrt());
        near("fits at the boundary", own.all.boundary.share, row.number("boundary"), error_of(row.number("boundary")));
        near("dropout", own.left, row.number("left"), (0.3 * 0.7 / (n * 128.0)).sqrt());
    }
    let text = std::fs::read_to_string(repository(TABLE)).expect("the table");
    assert!(csv(&[summary(LARGEST_ICC, &study, 0)]).starts_with(text.lines().next().expect("a header")));
}

/// What the page says in words, and its tables line by line.
#[test]
fn the_table_says_what_the_page_says() {
    let table = table();
    let page = std::fs::read_to_string(repository("src/guide/partial_nesting.md")).expect("the page");
    let has = |line: String| assert!(page.contains(&line), "the page lacks `{line}`");
    for row in &table {
        assert_eq!(row.text("trials"), "10000");
        for failure in row.text("failures").split("; ").filter(|f| !f.is_empty()) {
            let (name, times) = failure.split_once(": ").expect("a name and a count");
            has(format!("{times} `{name}`"));
        }
        if row.number("variance_ratio") == 1.0 {
            has(line_of_equal_variances(row));
            if row.text("outcome") == "last visit" && row.text("model").starts_with("partially") {
                has(line_of_the_boundary(row));
            }
        }
        // The heteroscedastic model keeps the level within two Monte-Carlo standard errors everywhere, and is not
        // half as far below it.
        if row.text("model") == "partially nested, heteroscedastic" {
            assert!(row.number("type_one_error") < 0.05 + 2.0 * row.number("type_one_error_mcse"), "{:?}", row.1);
            assert!(row.number("type_one_error") > 0.025, "{:?}", row.1);
        }
    }
    for analysis in ANALYSES.iter().filter(|a| a.outcome == Outcome::LastVisit) {
        let cells: Vec<String> = scenarios()
            .into_iter()
            .filter(|s| s.variance_ratio != 1.0)
            .map(|scenario| row(&table, scenario, analysis))
            .map(|row| format!("{:.2}, {:.3}", 100.0 * row.number("type_one_error"), row.number("se_ratio")))
            .collect();
        has(format!("| {} | {} | {} |", analysis.model, analysis.method, cells.join(" | ")));
    }
}

fn line_of_equal_variances(row: &Row) -> String {
    let percent = |column: &str| format!("{:.2} ({:.2})", 100.0 * row.number(column), 100.0 * row.number(&format!("{column}_mcse")));
    let (boundary, icc) = match row.text("mean_icc") {
        "" => Default::default(),
        _ => (format!("{:.1}", 100.0 * row.number("boundary")), format!("{:.3}", row.number("mean_icc"))),
    };
    format!(
        "| {} | {} | {} | {} | {} | {:.2} ({:.2}) | {:.3} ({:.3}) | {:.1} | {boundary} | {icc} |",
        row.text("icc"),
        row.text("model"),
        row.text("method"),
        percent("type_one_error"),
        percent("coverage"),
        row.number("bias"),
        row.number("bias_mcse"),
        row.number("se_ratio"),
        row.number("se_ratio_mcse"),
        row.number("median_df"),
    )
}

fn line_of_the_boundary(row: &Row) -> String {
    format!(
        "| {} | {} | {} | {:.1} | {:.1} | {:.2} |",
        row.text("icc"),
        row.text("model"),
        row.text("method"),
        100.0 * row.number("boundary"),
        row.number("median_df_at_boundary"),
        100.0 * row.number("type_one_error_at_boundary")
    )
}

/// The heteroscedastic model of the study is the one the library has a name for.
#[test]
fn the_heteroscedastic_model_is_partially_nested() {
    let trial = LARGEST_ICC.truth().trial(SEED, 0).expect("the truth is sound");
    for analysis in ANALYSES.iter().filter(|a| a.model == "partially nested, heteroscedastic") {
        let (mean, _) = analysis.formula().split_once(" + (").map(|(m, rest)| (m.to_string(), rest.to_string())).expect("a mean");
        let named = PartiallyNested::new(MeanModel::parse(&mean).expect("a mean"), "group").in_arm("B").model(&trial).expect("a model");
        assert_eq!(named.to_string(), analysis.model().expect("a formula").to_string());
    }
}

/// Ignoring the groups makes the standard error too small by the design effect: of the difference of two means, of
/// which one has variance σ²(1 + (m − 1)ρ)/n, m being the expected number of members observed with a member and ρ the
/// ICC given the baseline.
#[test]
fn ignoring_the_groups_costs_what_the_design_effect_says() {
    let table = table();
    for scenario in scenarios().into_iter().filter(|s| s.variance_ratio == 1.0) {
        let row = row(&table, scenario, &ANALYSES[0]);
        let left = row.number("left");
        // 0.38 is the correlation of the baseline with the last visit.
        let icc = scenario.icc / (1.0 - 0.38_f64.powi(2));
        let of_b = 1.0 + 7.0 * (1.0 - left) * icc;
        let expected = (2.0 / (1.0 + of_b)).sqrt();
        // Four Monte-Carlo standard errors, and 0.5% for what varies with the sizes of the groups that remain.
        let bound = 4.0 * row.number("se_ratio_mcse") + 0.005;
        assert!(
            (row.number("se_ratio") - expected).abs() < bound,
            "ICC {}: {} where {expected} is expected",
            scenario.icc,
            row.text("se_ratio")
        );
    }
}

fn contrast(fit: &Fit) -> trialstats::inference::Estimate {
    fit.arm_contrasts(&ContrastOptions::default()).expect("a contrast").rows[0].estimate.clone()
}

/// lm, lme4 with lmerTest and pbkrtest, and nlme with a dense likelihood, on two trials of each of six kinds.
#[test]
fn the_six_models_are_those_of_r() {
    assert_eq!(sample().expect("the trials"), std::fs::read_to_string(repository(SAMPLE)).expect("the sample"), "run the program again");
    let file = reference("partial_nesting/six_models.json");
    let mut comparisons = vec![];
    for trial in rows(&file["trials"]) {
        let scenario = Scenario { variance_ratio: number(&trial["variance_ratio"]), icc: number(&trial["icc"]) };
        let replicate = number(&trial["replicate"]) as u64;
        let data = scenario.truth().trial(SEED, replicate).expect("the truth is sound");
        for theirs in rows(&trial["models"]) {
            let model = text(&theirs["model"]);
            let analysis = ANALYSES.iter().find(|a| a.outcome == Outcome::LastVisit && a.model == model).expect("the model");
            let fit = analysis.fit(&data).expect("a fit");
            let ours = contrast(&fit);
            let mut comparison = Comparison::of(format!("{scenario:?}, replicate {replicate}, {model}"));
            let allowed = tolerances::SIX_MODELS;
            let se = number(&theirs["se"]);
            comparison.within("estimate", ours.estimate, number(&theirs["estimate"]), allowed.estimate * se);
            comparison.relative("standard error", ours.se, se, allowed.se);
            // bobyqa ends beside zero as often as at it.
            let at_boundary = theirs["between"].as_f64().is_some_and(|between| between < 1e-6 * number(&theirs["residual"]));
            comparison.same("whether no variance lies between groups", !fit.convergence().boundary.is_empty(), at_boundary);
            if !at_boundary {
                comparison.relative("degrees of freedom", ours.df, number(&theirs["df"]), allowed.df);
            }
            if let (Some(se_kr), Some(df_kr)) = (theirs["se_kr"].as_f64(), theirs["df_kr"].as_f64()) {
                let fit = analysis.model().expect("a formula").df(Df::KenwardRoger).information(InformationKind::Expected);
                let ours = contrast(&fit.fit(&data).expect("a fit"));
                comparison.relative("Kenward-Roger standard error", ours.se, se_kr, allowed.se);
                comparison.relative("Kenward-Roger degrees of freedom", ours.df, df_kr, allowed.df);
            }
            comparisons.push(comparison);
        }
    }
    assert_eq!(comparisons.len(), 12 * 6);
    assert_all(comparisons);
}
