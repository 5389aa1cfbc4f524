//! What readers of a report see: well-formed, self-contained, with every note and label, in every format.

use crate::common::{antidepressant, imrs_gst, read_text, reference};
use trialstats::analysis::{Analysis, Silent};
use trialstats::effects::{EffectOptions, Positive, from_model};
use trialstats::means::ContrastOptions;
use trialstats::report::figure::{Forest, ForestGroup, ForestRow, ForestScale, Interval};
use trialstats::report::{Document, Section, TrialReport};
use trialstats::responders::{Definition, Rule};
use trialstats::table::{Column, Format};
use trialstats::trial::BaselineFrom;
use trialstats::trial::FlowStep;
use trialstats::{Df, Error, Layout, MeanModel, Model, Tabular, Trial};

/// Elements of HTML that are never closed.
const VOID: [&str; 4] = ["meta", "!DOCTYPE", "br", "hr"];

/// Panics unless every tag of `html` is closed in order and every attribute quoted.
fn assert_well_formed(html: &str) {
    let mut open: Vec<&str> = vec![];
    for piece in html.split('<').skip(1) {
        let (tag, _) = piece.split_once('>').unwrap_or_else(|| panic!("`<{piece}` is not closed"));
        let name = tag.trim_start_matches('/').split(|c: char| c.is_whitespace() || c == '/').next().unwrap();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "closed out of order");
        } else if !tag.ends_with('/') && !VOID.contains(&name) {
            assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
            open.push(name);
        }
    }
    assert!(open.is_empty(), "left open: {open:?}");
}

/// Panics if `html` would load or run anything.
fn assert_self_contained(html: &str) {
    let html = html.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
    for forbidden in ["http:", "https:", "src=", "@import", "url(", "<script", "<link", "<iframe", "javascript:"] {
        assert!(!html.contains(forbidden), "the report refers to something outside: {forbidden}");
    }
}

struct Small;

impl Tabular for Small {
    fn title(&self) -> String {
        "Means & < limits".into()
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            Column::text("arm", "Arm", ["A & B", "<C>"]),
            Column::real("mean", "Mean", Format::Decimals(2), [-1.234_567_890_123, f64::NAN]),
            Column::count("n", "n", [12, 0]),
        ]
    }

    fn notes(&self) -> Vec<String> {
        vec!["Means of \"observed\" values.".into()]
    }
}

fn document() -> Document {
    let row = ForestRow { label: "A & B against <C>".into(), interval: Interval::new(0.2, (-0.1, 0.5)) };
    let forest = Forest {
        title: "Effects".into(),
        description: "Invented & shown.".into(),
        label_heading: "Comparison".into(),
        estimate_heading: "d (95% CI)".into(),
        axis_label: "d".into(),
        groups: vec![ForestGroup { heading: String::new(), rows: vec![row] }],
        scale: ForestScale::Difference,
        directions: None,
        format: Format::Decimals(2),
    };
    let section = Section::new("Results").led_paragraph("First.", "a < b & c").table("means", &Small).figure("effects", forest.draw());
    Document::new("A <report>").subtitle("of a trial").banner("Synthetic data").section(section)
}

#[test]
fn html_is_well_formed_self_contained_and_complete() {
    let html = document().to_html();
    assert_well_formed(&html);
    assert_self_contained(&html);
    for text in ["A &#60;report&#62;", "Synthetic data", "Means of &#34;observed&#34; values.", "−1.23", "Table 1.", "Figure 1.", "First."]
    {
        assert!(html.contains(text), "{text} is not in the report");
    }
}

#[test]
fn text_fits_the_terminal_and_keeps_banner_and_notes() {
    let text = document().to_text(80);
    assert!(text.lines().all(|l| l.chars().count() <= 80));
    assert!(text.contains("Synthetic data") && text.contains("Means of \"observed\" values."));
}

#[test]
fn files_hold_what_the_report_shows() {
    let folder = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("report-files");
    let written = document().write_to(&folder).unwrap();
    assert_eq!((written.tables.len(), written.figures.len()), (1, 1));
    let csv = std::fs::read_to_string(&written.tables[0]).unwrap();
    assert_eq!(csv, "arm,mean,n\nA & B,-1.234567890123,12\n<C>,,0\n");
    let json: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&written.json).unwrap()).unwrap();
    let rows = &json["sections"][0]["tables"]["means"]["rows"];
    assert_eq!(rows[0]["mean"], -1.234_567_890_123);
    assert!(rows[1]["mean"].is_null());
    assert_eq!(json["banner"], "Synthetic data");
    assert!(written.figures[0].ends_with("figures/effects.svg") && written.figures[0].exists());
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let file = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("a-file");
    std::fs::write(&file, "").unwrap();
    let error = document().write_to(file.join("folder")).unwrap_err();
    assert_eq!(error.code(), "file");
    assert!(error.to_string().contains("a-file"));
}

fn antidepressant_analysis(trial: &Trial) -> Analysis<'_> {
    Analysis::of(trial)
        .primary("CHANGE")
        .at("7")
        .mean("BASVAL * VISIT + THERAPY * VISIT")
        .df(Df::Satterthwaite)
        .baseline_from(BaselineFrom::Covariate("BASVAL".into()))
        .responders([Definition::new("remission", Rule::at_most("HAMDTL17", 7.0))])
}

/// A trial of invented numbers with the given arms, a baseline and two visits, some of them missed.
fn invented(arms: &[&str]) -> Trial {
    let mut file = String::from("id,arm,visit,y\n");
    let mut state = 12345_u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / f64::from(1 << 24)
    };
    for i in 0..30 * arms.len() {
        let level = 10.0 * noise();
        for (t, visit) in ["baseline", "3 months", "6 months"].iter().enumerate() {
            if t == 0 || noise() < 0.8 {
                file += &format!("P{i},{},{visit},{:.3}\n", arms[i % arms.len()], 20.0 + level - 3.0 * t as f64 + 4.0 * noise());
            }
        }
    }
    read_text(&Layout::long("id", "arm", "visit").outcome("y"), "invented", &file)
}

#[test]
fn the_report_shows_the_numbers_of_mmrm() {
    let trial = antidepressant();
    let result = antidepressant_analysis(&trial).run(&Silent).unwrap();
    let json = TrialReport::new(&result).document().to_json();
    let sections = json["sections"].as_array().unwrap();
    let rows = sections.iter().find_map(|s| s["tables"]["CHANGE_contrasts"]["rows"].as_array()).unwrap();
    let reference = reference("mmrm/antidepressant_us_reml_satterthwaite.json");
    let expected = reference["contrasts"].as_array().unwrap();
    assert_eq!(rows.len(), expected.len());
    // Degrees of freedom come from automatic derivatives at mmrm's own optimum, estimates from the optimum alone.
    let tolerance = |name: &str| if ["estimate", "se"].contains(&name) { 1e-7 } else { 1e-5 };
    for (row, expected) in rows.iter().zip(expected) {
        for name in ["estimate", "se", "df", "lower", "upper", "p"] {
            let (here, there) = (row[name].as_f64().unwrap(), expected[name].as_f64().unwrap());
            assert!((here - there).abs() <= tolerance(name) * there.abs(), "{name} at {}: {here} against {there}", row["visit"]);
        }
    }
}

#[test]
fn a_trial_report_is_well_formed_and_says_how_its_numbers_were_made() {
    let trial = antidepressant();
    let result = antidepressant_analysis(&trial).run(&Silent).unwrap();
    let document = TrialReport::new(&result).title("Drug against placebo").document();
    let html = document.to_html();
    assert_well_formed(&html);
    assert_self_contained(&html);
    for words in [
        "ICH E9(R1)",
        "states no estimand",
        "missing at random",
        "restricted maximum likelihood",
        "Satterthwaite",
        "Newcombe",
        concat!("trialstats ", env!("CARGO_PKG_VERSION")),
    ] {
        assert!(html.contains(words), "the report does not say: {words}");
    }
    assert!(document.tables().filter(|t| !t.notes.is_empty()).count() > 8, "tables have notes of their own");
    let said = |note: &String| document.models.iter().any(|model| model.contains(note.as_str()));
    assert!(!document.models.is_empty() && !document.tables().any(|t| t.notes.iter().any(said)), "how models were fitted is said once");
    assert!(document.figures().count() >= 8);
    assert!(!html.contains(env!("CARGO_MANIFEST_DIR")), "where the file lies on this machine is in the report");
    assert!(document.to_text(100).lines().all(|l| l.chars().count() <= 100));
    assert!(result.summary().lines().all(|l| l.chars().count() <= 80));
}

#[test]
fn the_flow_counts_whom_the_model_analyses() {
    let trial = imrs_gst();
    let result = Analysis::of(&trial).primary("caps5").mean("site + arm * visit").run(&Silent).unwrap();
    let outcome = &result.outcomes[0];
    let analysed: usize = trial.arms().iter().map(|arm| outcome.flow.count(arm, &FlowStep::Analysed)).sum();
    assert_eq!(analysed, outcome.model.patients);
    let at_visits: usize = outcome.flow.rows.iter().filter(|r| matches!(r.step, FlowStep::AnalysedAt { .. })).map(|r| r.n).sum();
    assert_eq!(at_visits, outcome.model.observations);
}

#[test]
fn synthetic_data_say_so_in_every_format() {
    let trial = imrs_gst();
    let result = Analysis::of(&trial).primary("caps5").run(&Silent).unwrap();
    let report = TrialReport::new(&result).synthetic("SYNTHETIC DATA");
    let document = report.document();
    assert!(document.figures().all(|f| f.figure.svg.contains(">Synthetic data</text>")));
    let written = report.write_to(std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("synthetic")).unwrap();
    assert!(std::fs::read_to_string(written.notes).unwrap().contains("SYNTHETIC DATA"));
    assert_eq!(document.to_html().matches("SYNTHETIC DATA").count(), 2);
    assert!(document.to_text(80).contains("SYNTHETIC DATA"));
    assert_eq!(document.to_json()["banner"], "SYNTHETIC DATA");
    assert!(document.to_html().contains("The data name therapist and therapy_group as clusters"));
}

#[test]
fn effect_sizes_are_those_the_effects_room_makes() {
    let trial = imrs_gst();
    let result = Analysis::of(&trial).primary("caps5").lower_is_better().bootstrap(60).seed(7).run(&Silent).unwrap();
    let again = Analysis::of(&trial).primary("caps5").lower_is_better().bootstrap(60).seed(7).run(&Silent).unwrap();
    let effects = &result.outcomes[0].effects;
    assert_eq!(serde_json::to_value(effects).unwrap(), serde_json::to_value(&again.outcomes[0].effects).unwrap());
    assert_eq!((effects.within.len(), effects.between.len()), (3, 3));
    let fit = Model::new(MeanModel::parse("caps5 ~ arm * visit").unwrap().constrained_baseline()).fit(&trial).unwrap();
    let options = ContrastOptions::default().visits(["12 months"]);
    let direct =
        from_model(&trial, &fit, &fit.change_from_baseline(&options).unwrap(), &EffectOptions::new().positive(Positive::Fall)).unwrap();
    for table in &effects.within {
        for (row, expected) in table.rows.iter().zip(&direct.rows) {
            assert!((row.effect - expected.effect).abs() < 1e-12 && row.arm == expected.arm);
            assert!(row.lower < row.effect && row.effect < row.upper);
        }
    }
}

#[test]
fn one_arm_and_three_arms_have_their_reports() {
    let one = invented(&["only"]);
    let result = Analysis::of(&one).primary("y").run(&Silent).unwrap();
    assert!(result.outcomes[0].contrasts.is_none() && result.outcomes[0].mean("only", "6 months").is_some());
    assert_well_formed(&TrialReport::new(&result).document().to_html());

    let three = invented(&["a", "b", "c"]);
    let response = Definition::new("response", Rule::point_drop("y", 5.0));
    let result = Analysis::of(&three).primary("y").responders([response]).run(&Silent).unwrap();
    assert_eq!(result.outcomes[0].contrasts.as_ref().unwrap().rows.len(), 4);
    assert_eq!(result.comparisons.as_ref().unwrap().rows.len(), 2 * 4);
    let document = TrialReport::new(&result).document();
    assert_well_formed(&document.to_html());
    assert!(document.to_html().contains("the treatments compared are b, c and a, as allocated"));
}

#[test]
fn a_plan_that_makes_no_sense_is_refused_by_name() {
    let trial = invented(&["a", "b"]);
    let refused = |analysis: Analysis<'_>| analysis.run(&Silent).unwrap_err();
    let codes = |error: Error| match error {
        Error::Plan(problems) => problems.0.into_iter().map(|p| (p.key, p.code)).collect::<Vec<_>>(),
        other => panic!("{other}"),
    };
    let found = |key: &str, code: &str| [(key.to_string(), code.to_string())];
    assert_eq!(codes(refused(Analysis::of(&trial))), found("primary", "incomplete-request"));
    assert_eq!(codes(refused(Analysis::of(&trial).primary("y").level(1.0))), found("level", "out-of-range"));
    assert!(refused(Analysis::of(&trial).primary("z")).to_string().contains("`z`"));
    assert!(refused(Analysis::of(&trial).primary("y").at("9 months")).to_string().contains("9 months"));
    assert!(refused(Analysis::of(&trial).primary("y").mean("site + arm * visit")).to_string().contains("site"));
}
