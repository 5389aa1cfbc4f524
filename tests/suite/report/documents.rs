//! Documents that are sent and results that programs read: Word, RTF, PNG, PDF, ARD, ARS.

use crate::common::{antidepressant, imrs_gst, repository};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;
use trialstats::analysis::{Analysis, AnalysisResult, Clustering, Estimand, Plan, Silent, SmallCells, SummaryMeasure};
use trialstats::report::{Document, Kind, Paper, Provenance, ReportStyle, Section, Text, TrialReport};
use trialstats::responders::{Definition, Rule};

/// A report with everything in it: two outcomes, rates, clusters.
static RESULT: LazyLock<AnalysisResult> = LazyLock::new(analysed);
static DOCUMENT: LazyLock<Document> = LazyLock::new(|| document_of(&RESULT));

fn analysed() -> AnalysisResult {
    let trial = imrs_gst();
    let analysis = Analysis::of(&trial).primary("caps5").secondary("scid5pd").lower_is_better().bootstrap(60).seed(3);
    let analysis = analysis.responders([Definition::new("response", Rule::point_drop("caps5", 10.0)).label("Response {10 points}")]);
    analysis.sensitivity_to_clusters(Clustering::new().groups("therapy_group")).run(&Silent).expect("a result")
}

fn document_of(result: &AnalysisResult) -> Document {
    TrialReport::new(result).title("Ways & means <α>").synthetic("SYNTHETIC DATA.").dated("2026-11-30").document()
}

/// The files of an archive by name.
pub(super) fn unpacked(archive: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let number = |at: usize, bytes: usize| (0..bytes).map(|k| usize::from(archive[at + k]) << (8 * k)).sum::<usize>();
    let end = archive.len() - 22;
    assert_eq!(&archive[end..end + 4], b"PK\x05\x06");
    let (count, mut entry) = (number(end + 10, 2), number(end + 16, 4));
    let mut files = BTreeMap::new();
    for _ in 0..count {
        assert_eq!(&archive[entry..entry + 4], b"PK\x01\x02");
        let (packed, size, length, local) = (number(entry + 20, 4), number(entry + 24, 4), number(entry + 28, 2), number(entry + 42, 4));
        let name = String::from_utf8(archive[entry + 46..entry + 46 + length].to_vec()).expect("a name");
        assert_eq!(&archive[local..local + 4], b"PK\x03\x04");
        let start = local + 30 + number(local + 26, 2) + number(local + 28, 2);
        let content = miniz_oxide::inflate::decompress_to_vec(&archive[start..start + packed]).expect("deflated");
        assert_eq!(content.len(), size, "{name}");
        files.insert(name, content);
        entry += 46 + length;
    }
    files
}

fn text_of(files: &BTreeMap<String, Vec<u8>>, name: &str) -> String {
    String::from_utf8(files.get(name).unwrap_or_else(|| panic!("no {name}")).clone()).expect("text")
}

/// Panics unless every element is closed in order.
fn well_formed(name: &str, xml: &str) {
    let mut open: Vec<&str> = vec![];
    for piece in xml.split('<').skip(1) {
        let (tag, _) = piece.split_once('>').unwrap_or_else(|| panic!("{name}: `<{piece}` is not closed"));
        let called = tag.trim_start_matches('/').split(|c: char| c.is_whitespace() || c == '/').next().expect("a name");
        assert_eq!(tag.matches('"').count() % 2, 0, "{name}: {tag}");
        match tag {
            tag if tag.starts_with('?') || tag.starts_with('!') || tag.ends_with('/') => {}
            tag if tag.starts_with('/') => assert_eq!(open.pop(), Some(called), "{name}"),
            _ => open.push(called),
        }
    }
    assert!(open.is_empty(), "{name}: {open:?}");
    assert!(!xml.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "").replace("&quot;", "").contains('&'), "{name}");
}

/// The values of an attribute.
fn values<'a>(xml: &'a str, attribute: &str) -> Vec<&'a str> {
    xml.split(&format!("{attribute}=\"")).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn a_word_document_is_whole_and_its_tables_repeat_their_headings() {
    let document = &*DOCUMENT;
    let files = unpacked(&document.to_docx());
    for (name, content) in &files {
        if [".xml", ".rels", ".svg"].iter().any(|ending| name.ends_with(ending)) {
            well_formed(name, &String::from_utf8(content.clone()).expect("text"));
        }
    }
    let body = text_of(&files, "word/document.xml");
    assert_eq!(body.matches("<w:tbl>").count(), document.tables().count());
    assert_eq!(body.matches("<w:tblHeader/>").count(), document.tables().count());
    assert_eq!(body.matches("w:val=\"Heading1\"").count(), document.sections.len());
    assert_eq!(body.matches("SEQ Table").count(), document.tables().count());
    assert_eq!(body.matches("SEQ Figure").count(), document.figures().count());
    assert!(body.contains("Ways &amp; means &lt;α&gt;") && body.contains("<w:i/></w:rPr><w:t xml:space=\"preserve\">t</w:t>"));
    // Rows have as many columns as their table's grid.
    for table in body.split("<w:tbl>").skip(1) {
        let columns = table.matches("<w:gridCol ").count();
        for row in table.split("</w:tbl>").next().expect("a table").split("<w:tr>").skip(1) {
            let cells = row.matches("<w:tc>").count();
            assert!(cells == columns || cells == 1 && row.contains(&format!("<w:gridSpan w:val=\"{columns}\"/>")), "{row}");
        }
    }
    // Whatever is referred to is there.
    let relations = text_of(&files, "word/_rels/document.xml.rels");
    let known: BTreeSet<&str> = values(&relations, " Id").into_iter().collect();
    assert!(["r:id", "r:embed"].iter().flat_map(|name| values(&body, name)).all(|id| known.contains(id)));
    assert!(values(&relations, "Target").iter().all(|target| files.contains_key(&format!("word/{target}"))));
    let marks: BTreeSet<&str> = values(&body, "w:name").into_iter().collect();
    let links = values(&body, "w:anchor");
    assert!(links.len() > 8 && links.iter().all(|to| marks.contains(to)), "the checklist leads to sections");
    let styles = text_of(&files, "word/styles.xml");
    let defined: BTreeSet<&str> = values(&styles, "w:styleId").into_iter().collect();
    assert!(values(&body, "<w:pStyle w:val").iter().all(|style| defined.contains(style)));
    // Every page says that the data are synthetic, and which it is.
    assert!(text_of(&files, "word/header1.xml").contains("SYNTHETIC DATA."));
    let footer = text_of(&files, "word/footer1.xml");
    assert!(footer.contains(" PAGE ") && footer.contains(" NUMPAGES ") && footer.contains("2026-11-30"));
    let pictures = files.iter().filter(|(name, _)| name.ends_with(".png"));
    assert_eq!(pictures.filter(|(_, png)| png.starts_with(b"\x89PNG\r\n\x1a\n")).count(), document.figures().count());
}

#[test]
fn paper_and_style_are_those_of_the_document() {
    let table = |document: &Document| text_of(&unpacked(&document.to_docx()), "word/document.xml");
    let trial = antidepressant();
    let settings = trialstats::analysis::ReportSettings::new().style(ReportStyle::Csr).paper(Paper::Letter);
    let result = Analysis::of(&trial).primary("CHANGE").report(settings).run(&Silent).expect("a result");
    let document = TrialReport::new(&result).document();
    assert!(table(&document).contains("w:w=\"12240\" w:h=\"15840\"") && document.to_html().contains("size: letter"));
    assert!(document.to_rtf().contains("\\paperw15840\\paperh12240\\landscape"));
    let summary = document.sections[0].blocks.iter().map(|b| format!("{b:?}")).collect::<String>();
    assert!(summary.contains("(95% CI: ") && summary.contains(", df = ") && summary.contains("p = 0."), "{summary}");
    // Tables follow the style.
    let cells = |html: &str, begin: &str| html.matches(&format!("<td class=\"number\">{begin}")).count();
    let html = document.to_html();
    assert!(html.contains("&#60; 0.001") || html.contains("&lt; 0.001") || cells(&html, "0.") > 4);
    assert!(cells(&html, ".") == 0 && cells(&DOCUMENT.to_html(), ".") > 4);
    let apa = DOCUMENT.to_text(100);
    assert!(apa.contains("95% CI [") && apa.contains("t(") && apa.contains("p = ."), "{apa}");
    assert!(DOCUMENT.to_html().contains("<em>t</em>(") && table(&DOCUMENT).contains("w:w=\"11906\" w:h=\"16838\""));
}

/// The text of RTF as a reader sees it, groups that are no text left out.
fn read_rtf(rtf: &str) -> String {
    let (mut text, mut k) = (String::new(), 0);
    let bytes: Vec<char> = rtf.chars().collect();
    let mut units: Vec<u16> = vec![];
    while k < bytes.len() {
        match bytes[k] {
            '\\' if matches!(bytes[k + 1], '\\' | '{' | '}') => {
                text.push(bytes[k + 1]);
                k += 2;
            }
            '\\' if bytes[k + 1] == '*' => k += 2,
            '\\' => {
                let word: String = bytes[k + 1..].iter().take_while(|c| c.is_ascii_alphabetic()).collect();
                let number: String = bytes[k + 1 + word.len()..].iter().take_while(|c| c.is_ascii_digit() || **c == '-').collect();
                k += 1 + word.len() + number.len();
                if word == "u" {
                    units.push(number.parse::<i32>().expect("a unit") as u16);
                    // The question mark for those who know no Unicode.
                    assert_eq!(bytes[k], '?');
                    k += 1;
                    if let Ok(read) = String::from_utf16(&units) {
                        text += &read;
                        units.clear();
                    }
                } else {
                    if ["cell", "par", "row", "line", "fldrslt"].contains(&word.as_str()) {
                        text.push('\n');
                    }
                    k += usize::from(bytes[k] == ' ');
                }
            }
            '{' | '}' => k += 1,
            c => {
                text.push(c);
                k += 1;
            }
        }
    }
    text
}

#[test]
fn rtf_is_balanced_and_every_page_has_header_and_page_number() {
    let document = &*DOCUMENT;
    let rtf = document.to_rtf();
    assert!(rtf.is_ascii() && rtf.starts_with("{\\rtf1\\ansi"));
    let bare = rtf.replace("\\\\", "").replace("\\{", "").replace("\\}", "");
    let mut depth = 0_i64;
    for c in bare.chars() {
        depth += i64::from(c == '{') - i64::from(c == '}');
        assert!(depth >= 0);
    }
    assert_eq!(depth, 0);
    assert!(rtf.contains("Response \\{10 points\\}"), "braces of a label are text");
    // A page section for each table and figure, with header, banner and page x of y of its own.
    let pages: Vec<&str> = bare.split("\\sectd").skip(1).collect();
    assert!(pages.len() > document.tables().count() + document.figures().count());
    assert!(
        pages
            .iter()
            .all(|p| p.contains("{\\header") && p.contains("SYNTHETIC DATA.") && p.contains("NUMPAGES") && p.contains("\\lndscpsxn"))
    );
    assert!(pages.iter().all(|p| p.matches("{\\pict").count() + p.matches("\\trhdr").count() / 2 <= 1), "one table or figure a page");
    // Title and headings begin every page of a table, notes stand at the foot.
    let of_tables = pages.iter().filter(|p| p.contains("\\trowd")).count();
    assert!(of_tables > document.tables().count(), "the tables of settings and of CONSORT are longer than a page");
    assert_eq!(bare.matches("\\trhdr").count(), 2 * of_tables);
    let noted = document.tables().find(|t| t.notes.iter().any(|n| n.is_ascii() && n.len() > 20)).expect("a table with notes");
    let note = noted.notes.iter().find(|n| n.is_ascii() && n.len() > 20).expect("a note");
    assert!(
        pages.iter().any(|p| p.split("{\\footer").nth(1).is_some_and(|foot| foot
            .split("NUMPAGES")
            .next()
            .expect("a foot")
            .contains(note.as_str())))
    );
    // Every row ends where its table does.
    for row in bare.split("\\trowd").skip(1) {
        let row = row.split("\\row\n").next().expect("a row");
        assert_eq!(row.matches("\\cellx").count(), row.matches("\\cell").count() - row.matches("\\cellx").count(), "{row}");
    }
    assert!(read_rtf(&rtf).contains("Ways & means <α>") && rtf.contains("Ways & means <\\u945?>"));
}

/// Words and numbers of a text.
fn words(text: &str) -> BTreeSet<String> {
    text.split(|c: char| c.is_whitespace()).filter(|w| !w.is_empty()).map(String::from).collect()
}

fn html_text(html: &str) -> String {
    let body = html.split("</style>").nth(1).expect("a body");
    let plain = body.split('<').filter_map(|piece| piece.split_once('>')).map(|(_, text)| text).collect::<Vec<_>>().join(" ");
    plain
        .replace("&#60;", "<")
        .replace("&#62;", ">")
        .replace("&#38;", "&")
        .replace("&#34;", "\"")
        .replace("&#39;", "'")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
}

#[test]
fn word_and_rtf_say_what_the_html_says_and_no_more() {
    let document = &*DOCUMENT;
    let known = words(&html_text(&document.to_html()));
    let body = text_of(&unpacked(&document.to_docx()), "word/document.xml");
    let body = body.replace("<w:t>", "<w:t >");
    let paragraphs = body.split("</w:p>").map(|p| {
        let runs = p.split("<w:t ").skip(1).filter_map(|run| run.split_once('>')?.1.split("</w:t>").next());
        runs.collect::<String>().replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
    });
    // What APA style adds, and punctuation that stands in an element of its own in HTML.
    let bare = |word: &str| word.trim_matches(|c: char| ".,:;()[]".contains(c)).to_string();
    let known: BTreeSet<String> = known.iter().map(|w| bare(w)).chain(["Note".to_string(), "continued".into()]).collect();
    let more = |text: &str| -> Vec<String> {
        let parts = |w: &str| w.split(['(', '[', ')', ']']).all(|part| part.is_empty() || known.contains(&bare(part)));
        words(text).into_iter().filter(|w| !known.contains(&bare(w)) && !parts(w)).collect()
    };
    let text = paragraphs.collect::<Vec<_>>().join("\n");
    assert!(words(&text).len() > 500);
    assert_eq!(more(&text), Vec::<String>::new());
    let rtf = document.to_rtf();
    // Pictures are no text, nor are fonts, styles and fields.
    let pictures = rtf.split("{\\pict").enumerate().map(|(k, part)| if k == 0 { part } else { part.split_once('}').expect("closed").1 });
    let shown = read_rtf(&pictures.collect::<String>().split_once("\\fs20\n").expect("a head").1.replace("{\\*\\fldinst", "{"));
    let codes = ["PAGE", "NUMPAGES", "HYPERLINK", "\\l", "Page"];
    let left: Vec<String> = more(&shown).into_iter().filter(|w| !codes.contains(&w.as_str()) && !w.contains("section_")).collect();
    assert_eq!(left, Vec::<String>::new());
}

#[test]
fn analysis_results_data_are_the_numbers_of_the_report() {
    let document = &*DOCUMENT;
    let ard = document.to_ard_json();
    let rows = ard.as_array().expect("rows");
    let names: Vec<&String> = rows[0].as_object().expect("a row").keys().collect();
    let expected = ["variable", "variable_level", "context", "stat_name", "stat_label", "stat", "fmt_fun", "warning", "error"];
    assert_eq!(names[names.len() - 9..], expected);
    assert_eq!(&names[..2], ["group1", "group1_level"]);
    assert_eq!(rows[0]["stat"], "SYNTHETIC DATA.");
    // Every number of every table, in its order, is there to the last digit; selections are not there twice.
    let repeats: BTreeSet<&str> = document.tables().filter(|t| t.repeats).map(|t| t.name.as_str()).collect();
    assert_eq!(repeats, BTreeSet::from(["remission"]));
    let report = document.to_json();
    let sections = report["sections"].as_array().expect("sections");
    let mut there = vec![];
    for (_, table) in sections.iter().flat_map(|s| s["tables"].as_object().expect("tables")).filter(|(n, _)| !repeats.contains(n.as_str()))
    {
        for row in table["rows"].as_array().expect("rows") {
            there.extend(row.as_object().expect("a row").values().filter(|v| v.is_number()).cloned());
        }
    }
    let here: Vec<Value> = rows.iter().map(|r| r["stat"].clone()).filter(Value::is_number).collect();
    assert!(here.len() > 500);
    assert_eq!(here, there);
    // The primary contrast under the names of broom.
    let contrast = RESULT.outcomes[0].contrasts_at("12 months").next().expect("a contrast");
    let stat = |name: &str| {
        let is = |r: &&Value| {
            r["variable"] == "caps5" && r["context"] == "contrasts" && r["stat_name"] == name && r["group2_level"] == "12 months"
        };
        rows.iter().find(is).unwrap_or_else(|| panic!("no {name}"))["stat"].as_f64().expect("a number")
    };
    assert_eq!(
        [stat("estimate"), stat("std.error"), stat("conf.low"), stat("p.value")],
        [contrast.estimate.estimate, contrast.estimate.se, contrast.lower, contrast.estimate.p]
    );
    // CSV has the same.
    let csv = document.to_ard_csv();
    let mut reader = csv::Reader::from_reader(csv.as_slice());
    assert_eq!(reader.headers().expect("a header").iter().collect::<Vec<_>>(), names);
    let stats: Vec<String> = reader.records().map(|r| r.expect("a record")[names.len() - 4].to_string()).collect();
    assert_eq!(stats.len(), rows.len());
    for (text, row) in stats.iter().zip(rows).filter(|(_, row)| row["stat"].is_number()) {
        assert_eq!(text.parse::<f64>().ok(), row["stat"].as_f64());
    }
}

#[test]
fn references_of_a_reporting_event_resolve_and_its_numbers_are_those_of_the_report() {
    let document = &*DOCUMENT;
    let event = document.to_ars();
    let list = |value: &Value, key: &str| value[key].as_array().unwrap_or_else(|| panic!("no {key}")).clone();
    let ids = |items: &[Value]| -> BTreeSet<String> { items.iter().map(|i| i["id"].as_str().expect("an id").to_string()).collect() };
    let (analyses, methods, groupings, outputs) =
        (list(&event, "analyses"), list(&event, "methods"), list(&event, "analysisGroupings"), list(&event, "outputs"));
    let groups: Vec<Value> = groupings.iter().flat_map(|g| list(g, "groups")).collect();
    let operations: Vec<Value> = methods.iter().flat_map(|m| list(m, "operations")).collect();
    for all in [&analyses, &methods, &groupings, &outputs, &groups, &operations] {
        assert_eq!(ids(all).len(), all.len(), "ids are unique");
    }
    let (method_ids, grouping_ids, group_ids, operation_ids) = (ids(&methods), ids(&groupings), ids(&groups), ids(&operations));
    let is_in = |set: &BTreeSet<String>, value: &Value| value.as_str().is_some_and(|id| set.contains(id));
    let sets = ids(&list(&event, "analysisSets"));
    let documents = ids(&list(&event, "referenceDocuments"));
    let mut raw = vec![];
    for analysis in &analyses {
        assert!(is_in(&method_ids, &analysis["methodId"]) && is_in(&sets, &analysis["analysisSetId"]));
        assert!(list(analysis, "orderedGroupings").iter().all(|g| is_in(&grouping_ids, &g["groupingId"])));
        assert!(list(analysis, "documentRefs").iter().all(|d| is_in(&documents, &d["referenceDocumentId"])));
        assert!(analysis["programmingCode"]["code"].as_str().expect("the plan").contains("primary = \"caps5\""));
        for result in list(analysis, "results") {
            assert!(is_in(&operation_ids, &result["operationId"]));
            for group in list(&result, "resultGroups") {
                assert!(is_in(&grouping_ids, &group["groupingId"]) && is_in(&group_ids, &group["groupId"]));
                assert!(group["groupId"].as_str().expect("an id").starts_with(group["groupingId"].as_str().expect("an id")));
            }
            raw.push(result["rawValue"].as_str().expect("a value").to_string());
        }
    }
    let (analysis_ids, output_ids) = (ids(&analyses), ids(&outputs));
    for item in list(&event["mainListOfContents"]["contentsList"], "listItems") {
        assert!(is_in(&analysis_ids, &item["analysisId"]) || is_in(&output_ids, &item["outputId"]), "{item}");
    }
    let ard = document.to_ard_json();
    let numbers: Vec<String> = ard
        .as_array()
        .expect("rows")
        .iter()
        .skip(1)
        .map(|r| &r["stat"])
        .filter(|s| !s.is_null())
        .map(|s| s.as_str().map_or_else(|| s.to_string(), String::from))
        .collect();
    assert_eq!(raw.len(), numbers.iter().filter(|n| !n.is_empty()).count());
    for (here, there) in raw.iter().zip(numbers.iter().filter(|n| !n.is_empty())) {
        assert!(here == there || here.parse::<f64>().ok() == there.parse().ok(), "{here} against {there}");
    }
    assert!(event["description"].as_str().expect("text").contains("SYNTHETIC DATA."));
}

const KINDS: [Kind; 7] = [Kind::Html, Kind::Docx, Kind::Rtf, Kind::Png, Kind::Pdf, Kind::Ard, Kind::Ars];

fn written(name: &str, document: &Document) -> BTreeMap<String, Vec<u8>> {
    let place = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&place);
    document.write_as(&place, &KINDS).expect("written");
    let manifest: Value = serde_json::from_slice(&fs::read(place.join("manifest.json")).expect("a manifest")).expect("JSON");
    let listed = manifest["files"].as_array().expect("files").iter().map(|f| f.as_str().expect("a path").to_string());
    let found: BTreeMap<String, Vec<u8>> = listed.map(|f| (f.clone(), fs::read(place.join(f)).expect("a file"))).collect();
    let count =
        |folder: &str| fs::read_dir(place.join(folder)).expect("a folder").filter(|e| e.as_ref().is_ok_and(|e| e.path().is_file())).count();
    assert_eq!(found.len() + 1, count("") + count("tables") + count("figures"), "everything but the manifest is listed");
    found
}

#[test]
fn two_runs_give_the_same_bytes_and_a_date_is_all_that_changes() {
    let (first, second) = (written("run-1", &DOCUMENT), written("run-2", &document_of(&analysed())));
    assert_eq!(first.keys().collect::<Vec<_>>(), second.keys().collect::<Vec<_>>());
    for (name, content) in &first {
        assert!(content == &second[name], "{name} differs");
    }
    for name in
        ["report.docx", "report.rtf", "ard.csv", "ard.json", "ars.json", "plan.toml", "figures/caps5_means.png", "figures/caps5_means.pdf"]
    {
        assert!(first.contains_key(name), "{name}");
    }
    let later = TrialReport::new(&RESULT).title("Ways & means <α>").synthetic("SYNTHETIC DATA.").dated("2027-01-01").document();
    assert_eq!(later.to_html(), DOCUMENT.to_html().replace("2026-11-30", "2027-01-01"));
    assert_eq!(later.to_ars().to_string(), DOCUMENT.to_ars().to_string().replace("2026-11-30", "2027-01-01"));
    assert_eq!(later.to_ard_json(), DOCUMENT.to_ard_json());
}

#[test]
fn documents_of_an_earlier_report_go_when_the_next_has_none() {
    let place = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("fewer-documents");
    let _ = fs::remove_dir_all(&place);
    let document = Document::new("A report").section(Section::new("One").paragraph(Text::from("Words ").italic("p")));
    let first = document.write_as(&place, &[Kind::Rtf, Kind::Docx, Kind::Ars, Kind::Rtf]).expect("written");
    assert_eq!(first.documents.len(), 3);
    assert!(first.documents.iter().all(|path| path.exists()));
    document.write_to(&place).expect("written");
    assert!(!first.documents.iter().any(|path| path.exists()) && place.join("report.html").exists());
}

#[test]
fn a_plan_says_which_documents_are_written() {
    let trial = antidepressant();
    let settings = trialstats::analysis::ReportSettings::new().documents([Kind::Ard]).small_cells(SmallCells::Suppressed { below: 5 });
    let result = Analysis::of(&trial).primary("CHANGE").report(settings).run(&Silent).expect("a result");
    let place = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("planned-documents");
    let _ = fs::remove_dir_all(&place);
    TrialReport::new(&result).write_to(&place).expect("written");
    assert!(place.join("ard.csv").exists() && !place.join("report.docx").exists());
    let toml = fs::read_to_string(place.join("plan.toml")).expect("the plan");
    assert!(toml.contains("documents = [\"ard\"]"), "{toml}");
    trialstats::analysis::Plan::from_toml(&toml).expect("the plan that ran is a plan");
}

#[test]
fn a_report_says_what_it_was_made_from() {
    let file = "data-samples/imrs_gst/imrs_gst.csv";
    let known = Provenance::of_file(file)
        .expect("the file")
        .shape(645, 52)
        .filter("`site` is `A`: 3 patients left out.")
        .lock("As locked on 2026-01-01.");
    let report = TrialReport::new(&RESULT).provenance(known.clone()).planned(&RESULT.plan).dated("2026-11-30");
    let document = report.document();
    let text = document.to_text(200);
    let plan = document.plan.as_ref().expect("a plan");
    for words in [
        known.sha256.as_ref().expect("a hash"),
        "imrs_gst.csv",
        "645",
        "2026-11-30",
        "As locked on",
        "3 patients left out",
        "model.estimation",
        "reml",
    ] {
        assert!(text.contains(words), "the report does not say {words}");
    }
    assert!(text.contains(Provenance::of_bytes("plan.toml", plan.as_bytes()).sha256.as_ref().expect("a hash")));
    // What single patients could be told by is left out of filters too.
    let mut few = RESULT.clone();
    few.plan.report.small_cells = SmallCells::Suppressed { below: 5 };
    assert!(!TrialReport::new(&few).provenance(known).document().to_text(200).contains("3 patients left out"));
}

#[test]
fn the_first_page_answers_the_question_and_details_are_in_appendices() {
    let document = &*DOCUMENT;
    let first = Document::new("x").section(document.sections[0].clone());
    let text = first.to_text(100);
    for words in
        ["Question.", "states no estimand", "Answer.", "95% CI [", "Response {10 points}", "Sensitivity to clusters.", "Secondary outcome."]
    {
        assert!(text.contains(words), "the first page does not have {words}: {text}");
    }
    // The question is the estimand, where the plan states one.
    let mut stated = RESULT.clone();
    stated.plan = stated.plan.estimand(Estimand::new(
        "primary",
        "everyone randomized",
        "with groups against without",
        "caps5",
        SummaryMeasure::DifferenceInMeans,
    ));
    let question = Document::new("x").section(TrialReport::new(&stated).document().sections[0].clone()).to_text(100);
    assert!(question.contains("the population is everyone randomized") && !question.contains("states no estimand"), "{question}");
    assert_eq!(first.figures().map(|f| f.name.as_str()).collect::<Vec<_>>(), ["caps5_means"]);
    let begins = document.sections.iter().position(|s| s.appendix).expect("appendices");
    assert!(document.sections[begins..].iter().all(|s| s.appendix && s.heading.starts_with("Appendix ")));
    let named = |name: &str| {
        document.sections.iter().position(|s| s.blocks.iter().any(|b| format!("{b:?}").contains(&format!("name: \"{name}\""))))
    };
    for detail in ["rates", "rate_comparisons", "caps5_coefficients", "caps5_covariance", "settings", "provenance", "consort"] {
        let at = document
            .sections
            .iter()
            .rposition(|s| s.blocks.iter().any(|b| matches!(b, trialstats::report::Block::Table(t) if t.name == detail)));
        assert!(at.is_some_and(|k| k >= begins), "{detail}");
    }
    assert!(named("caps5_contrasts").is_some_and(|k| k < begins));
    // All thirty items of CONSORT, each leading to a section that there is or said not to be here.
    let checklist = document.tables().find(|t| t.name == "consort").expect("the checklist");
    let cell = |column: usize, row: usize| checklist.columns[column].formatted(row);
    let rows = 0..checklist.columns[0].len();
    let answered = rows.clone().filter(|r| cell(2, *r) != "not part of the analysis").count();
    assert!(answered >= 10);
    assert!(rows.clone().all(|r| cell(2, r) == "not part of the analysis" || document.sections.iter().any(|s| s.heading == cell(2, r))));
    assert_eq!(document.to_html().matches("<a href=\"#section-").count(), answered + document.sections.len());
}

#[test]
fn pictures_carry_the_mark_and_say_their_resolution() {
    let plain = TrialReport::new(&RESULT).document();
    for (marked, plain) in DOCUMENT.figures().zip(plain.figures()).take(2) {
        let size = |png: &[u8]| [16, 20].map(|at| u32::from_be_bytes([png[at], png[at + 1], png[at + 2], png[at + 3]]));
        let ([width, height], [plain_width, plain_height]) = (size(marked.figure.to_png()), size(plain.figure.to_png()));
        assert_eq!((width, width), (plain_width, (marked.figure.width * 300.0 / 96.0).ceil() as u32));
        // A line of text higher.
        assert!(height > plain_height);
        let png = marked.figure.to_png();
        let physical = png.windows(4).position(|w| w == b"pHYs").expect("a resolution") + 4;
        assert_eq!(png[physical..physical + 4], 11811_u32.to_be_bytes());
        // The mark is ink at the foot, right.
        let data = png.windows(4).position(|w| w == b"IDAT").expect("pixels");
        let length = u32::from_be_bytes([png[data - 4], png[data - 3], png[data - 2], png[data - 1]]) as usize;
        let rows = miniz_oxide::inflate::decompress_to_vec_zlib(&png[data + 4..data + 4 + length]).expect("deflated");
        let stride = 1 + 3 * width as usize;
        assert_eq!(rows.len(), stride * height as usize);
        let mut foot = vec![0_u8; stride];
        let mut dark = 0;
        for (y, row) in rows.chunks(stride).enumerate() {
            foot = row.iter().zip(&foot).map(|(here, above)| here.wrapping_add(*above)).collect();
            dark += usize::from(y > plain_height as usize && foot[stride / 2..].iter().any(|v| *v < 128));
        }
        assert!(dark > 10, "{dark}");
    }
}

#[test]
fn a_figure_as_pdf_has_its_objects_where_it_says() {
    let figure = &DOCUMENT.figures().next().expect("a figure").figure;
    let pdf = figure.to_pdf();
    assert!(pdf.starts_with(b"%PDF-1.4") && pdf.ends_with(b"%%EOF\n"));
    let find = |what: &[u8]| pdf.windows(what.len()).rposition(|w| w == what).expect("it is there");
    let table = find(b"xref\n0 6");
    let tail = String::from_utf8_lossy(&pdf[table..]).into_owned();
    assert!(tail.contains(&format!("startxref\n{table}\n")));
    for (k, line) in tail.lines().skip(3).take(5).enumerate() {
        let place: usize = line[..10].parse().expect("a place");
        assert!(pdf[place..].starts_with(format!("{} 0 obj", k + 1).as_bytes()));
    }
    let page = String::from_utf8_lossy(&pdf).into_owned();
    assert!(page.contains(&format!("/MediaBox [0 0 {} ", (0.75 * figure.width).round())));
}

/// The pictures of the guide are those that the report draws now; copy them from a report where they changed.
#[test]
fn the_gallery_of_the_guide_is_what_a_report_draws() {
    let mut plan = Plan::from_file(repository("examples/plans/imrs_gst.toml")).expect("the plan of the sample");
    plan.effects.bootstrap = 0;
    let result = plan.run(&plan.read(repository("data-samples/imrs_gst/imrs_gst.csv")).expect("the sample"), &Silent).expect("it runs");
    let document = TrialReport::new(&result).document();
    let mut shown = 0;
    for entry in std::fs::read_dir(repository("src/guide/gallery")).expect("the pictures") {
        let path = entry.expect("a file").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let figure = document.figures().find(|f| f.name == name).unwrap_or_else(|| panic!("the report has no figure {name}"));
        assert!(figure.figure.svg == std::fs::read_to_string(&path).expect("a picture"), "{name} has changed");
        shown += 1;
    }
    assert_eq!(shown, 7);
}
