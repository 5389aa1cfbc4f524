//! What readers of a report see: well-formed, self-contained, with every note and label, in every format.

use trialstats::Tabular;
use trialstats::report::figure::{Forest, ForestGroup, ForestRow, ForestScale, Interval};
use trialstats::report::{Document, Section};
use trialstats::table::{Column, Format};

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
        decimals: 2,
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
