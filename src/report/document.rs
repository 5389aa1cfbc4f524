//! A report as sections of paragraphs, tables and figures, to be written as HTML, text, CSV and JSON.

use serde_json::{Map, Value, json};

use super::condensed::{condensed, sentence_case};
use super::figure::Figure;
use super::words::Text;
use crate::analysis::{Paper, ReportStyle};
use crate::table::{Column, Format, Tabular, Values};

/// A report: its title, a banner where one is due, and its sections in order.
///
/// ```
/// use trialstats::report::{Document, Section};
///
/// let document = Document::new("A trial").banner("Synthetic data.").section(Section::new("Methods").paragraph("All randomized patients."));
/// assert!(document.to_text(80).contains("Synthetic data."));
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct Document {
    /// Title.
    pub title: String,
    /// Line under the title.
    pub subtitle: String,
    /// A warning that no reader may miss, e.g. that the data are synthetic.
    pub banner: Option<String>,
    /// Sections in order.
    pub sections: Vec<Section>,
    /// Software and version that made it.
    pub produced_by: String,
    /// What else belongs into the JSON, under the key `analysis`; null for nothing.
    pub analysis: Value,
    /// How the models were fitted that the tables are of, one sentence each.
    pub models: Vec<String>,
    /// How numbers and tables are put.
    pub style: ReportStyle,
    /// The paper that it is printed on.
    pub paper: Paper,
    /// The day of the run, as the report says it; none unless told.
    pub date: Option<String>,
    /// The plan that its numbers follow, as a file would hold it.
    pub plan: Option<String>,
}

/// A section under a heading.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct Section {
    /// Heading.
    pub heading: String,
    /// Whether it is an appendix: details for those who look for them.
    pub appendix: bool,
    /// The outcome that the tables appended next are about, by name.
    pub about: Option<String>,
    /// Content in order.
    pub blocks: Vec<Block>,
}

/// A piece of a section.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Block {
    /// Running text, its first words set bold where `lead` is not empty.
    Paragraph {
        /// First words.
        lead: String,
        /// The rest.
        text: Text,
    },
    /// A table.
    Table(TableBlock),
    /// A figure.
    Figure(FigureBlock),
}

/// A table as it was when it entered the report.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct TableBlock {
    /// Name of its CSV file, without the ending.
    pub name: String,
    /// What it shows.
    pub title: String,
    /// Its columns at full precision, as CSV and JSON have them.
    pub columns: Vec<Column>,
    /// Its columns as they are printed: an estimate and its interval share a cell.
    pub shown: Vec<Column>,
    /// How its numbers were made.
    pub notes: Vec<String>,
    /// The outcome that it is about, by name, where it is about one.
    pub about: Option<String>,
    /// Whether its numbers are in another table of the report too; results for programs leave it out.
    pub repeats: bool,
    /// Whether cells that are a section's heading lead there.
    pub linked: bool,
}

/// A figure and the name of its file.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct FigureBlock {
    /// Name of its SVG file, without the ending.
    pub name: String,
    /// The figure.
    pub figure: Figure,
}

impl Document {
    /// A report without sections.
    pub fn new(title: impl Into<String>) -> Self {
        let produced_by = format!("trialstats {}", env!("CARGO_PKG_VERSION"));
        Self {
            title: title.into(),
            subtitle: String::new(),
            banner: None,
            sections: vec![],
            produced_by,
            analysis: Value::Null,
            models: vec![],
            style: ReportStyle::default(),
            paper: Paper::default(),
            date: None,
            plan: None,
        }
    }

    /// Sets the line under the title.
    pub fn subtitle(mut self, subtitle: impl Into<String>) -> Self {
        self.subtitle = subtitle.into();
        self
    }

    /// Sets a warning that no reader may miss; every format begins with it, and HTML ends with it too.
    pub fn banner(mut self, banner: impl Into<String>) -> Self {
        self.banner = Some(banner.into());
        self
    }

    /// Sets how numbers and tables are put.
    pub fn style(mut self, style: ReportStyle) -> Self {
        self.style = style;
        self
    }

    /// Sets the paper that it is printed on.
    pub fn paper(mut self, paper: Paper) -> Self {
        self.paper = paper;
        self
    }

    /// Sets the day of the run.
    pub fn dated(mut self, date: impl Into<String>) -> Self {
        self.date = Some(date.into());
        self
    }

    /// Sets the plan that its numbers follow, as a file would hold it.
    pub fn plan(mut self, plan: impl Into<String>) -> Self {
        self.plan = Some(plan.into());
        self
    }

    /// Who made it, and when where that was told.
    pub(super) fn produced(&self) -> String {
        let date = self.date.as_ref().map(|date| format!(", {date}")).unwrap_or_default();
        format!("Produced by {}{date}.", self.produced_by)
    }

    /// Sets what else belongs into the JSON.
    pub fn analysis(mut self, analysis: Value) -> Self {
        self.analysis = analysis;
        self
    }

    /// Writes `mark` at the foot of every figure, so that one that leaves the report still says it.
    pub fn marked(mut self, mark: &str) -> Self {
        for block in self.sections.iter_mut().flat_map(|s| &mut s.blocks) {
            if let Block::Figure(f) = block {
                f.figure = f.figure.marked(mark);
            }
        }
        self
    }

    /// Appends a section. A table or figure whose name another has already is given a number, so that each has a file.
    pub fn section(mut self, mut section: Section) -> Self {
        let file = |name: &str| super::files::safe(name).to_lowercase();
        let mut tables: Vec<String> = self.tables().map(|t| file(&t.name)).collect();
        let mut figures: Vec<String> = self.figures().map(|f| file(&f.name)).collect();
        for block in &mut section.blocks {
            let (name, taken) = match block {
                Block::Table(table) => (&mut table.name, &mut tables),
                Block::Figure(figure) => (&mut figure.name, &mut figures),
                Block::Paragraph { .. } => continue,
            };
            let numbered = (2..).map(|k| format!("{name}-{k}"));
            if let Some(free) = std::iter::once(name.clone()).chain(numbered).find(|free| !taken.contains(&file(free))) {
                taken.push(file(&free));
                *name = free;
            }
        }
        self.sections.push(section);
        self
    }

    /// Says once how models were fitted, `sentences` after a name for each: the notes of tables leave these sentences out.
    pub fn fitted<S: AsRef<str>>(mut self, name: &str, sentences: &[S]) -> Self {
        let said: Vec<String> = sentences.iter().map(|s| sentence_case(s.as_ref())).collect();
        self = self.without_notes(&said);
        self.models.push(format!("{name}: {}", said.join(" ")));
        self
    }

    /// Leaves these sentences out of the notes of tables.
    pub(super) fn without_notes<S: AsRef<str>>(mut self, sentences: &[S]) -> Self {
        let said: Vec<String> = sentences.iter().map(|s| sentence_case(s.as_ref())).collect();
        for block in self.sections.iter_mut().flat_map(|s| &mut s.blocks) {
            if let Block::Table(table) = block {
                table.notes.retain(|note| !said.contains(note));
            }
        }
        self
    }

    /// All tables in order.
    pub fn tables(&self) -> impl Iterator<Item = &TableBlock> {
        self.blocks().filter_map(|b| if let Block::Table(t) = b { Some(t) } else { None })
    }

    /// All figures in order.
    pub fn figures(&self) -> impl Iterator<Item = &FigureBlock> {
        self.blocks().filter_map(|b| if let Block::Figure(f) = b { Some(f) } else { None })
    }

    fn blocks(&self) -> impl Iterator<Item = &Block> {
        self.sections.iter().flat_map(|s| &s.blocks)
    }

    /// Everything in the report as one JSON value: sections with their text, tables as rows of named numbers at full
    /// precision, figures by title and file.
    pub fn to_json(&self) -> Value {
        json!({
            "schema": crate::schema::REPORT,
            "title": self.title,
            "subtitle": self.subtitle,
            "banner": self.banner,
            "produced_by": self.produced_by,
            "date": self.date,
            "models": self.models,
            "sections": self.sections.iter().map(Section::to_json).collect::<Vec<_>>(),
            "analysis": self.analysis,
        })
    }
}

impl Section {
    /// A section without content.
    pub fn new(heading: impl Into<String>) -> Self {
        Self { heading: heading.into(), appendix: false, about: None, blocks: vec![] }
    }

    /// An appendix without content.
    pub fn appendix(heading: impl Into<String>) -> Self {
        Self { appendix: true, ..Self::new(heading) }
    }

    /// Says which outcome, by name, the tables appended next are about.
    pub fn about(mut self, outcome: &str) -> Self {
        self.about = Some(outcome.into());
        self
    }

    /// Says that the tables appended next are about the trial rather than one outcome.
    pub fn about_all(mut self) -> Self {
        self.about = None;
        self
    }

    /// Appends running text.
    pub fn paragraph(self, text: impl Into<Text>) -> Self {
        self.led_paragraph("", text)
    }

    /// Appends running text whose first words are set bold.
    pub fn led_paragraph(mut self, lead: impl Into<String>, text: impl Into<Text>) -> Self {
        self.blocks.push(Block::Paragraph { lead: lead.into(), text: text.into() });
        self
    }

    /// Appends a table, to be written as `name.csv`. One without rows is left out.
    pub fn table(mut self, name: &str, table: &dyn Tabular) -> Self {
        self.push(TableBlock::of(name, table));
        self
    }

    /// Appends a table under a title of the report's own, to be written as `name.csv`.
    pub fn titled(mut self, name: &str, title: impl Into<String>, table: &dyn Tabular) -> Self {
        self.push(TableBlock { title: title.into(), ..TableBlock::of(name, table) });
        self
    }

    /// Appends a table that is printed in another arrangement than it is written in: `shown` on the page, `table` as
    /// `name.csv`.
    pub fn table_as(mut self, name: &str, table: &dyn Tabular, shown: &dyn Tabular) -> Self {
        let shown = TableBlock::of(name, shown);
        self.push(TableBlock { columns: table.columns(), ..shown });
        self
    }

    /// Appends a selection from tables that follow, arranged like [`table_as`](Self::table_as); results for programs do not
    /// count it twice.
    pub fn selection(mut self, name: &str, table: &dyn Tabular, shown: &dyn Tabular) -> Self {
        self.push(TableBlock { columns: table.columns(), repeats: true, ..TableBlock::of(name, shown) });
        self
    }

    /// Appends a table of what is said where: cells that are the heading of a section lead there.
    pub fn linked(mut self, name: &str, table: &dyn Tabular) -> Self {
        self.push(TableBlock { linked: true, ..TableBlock::of(name, table) });
        self
    }

    /// Tables without rows are left out.
    fn push(&mut self, mut table: TableBlock) {
        table.about.clone_from(&self.about);
        if table.columns.first().is_some_and(|column| !column.is_empty()) {
            self.blocks.push(Block::Table(table));
        }
    }

    /// Appends a figure, to be written as `name.svg`.
    pub fn figure(mut self, name: &str, figure: Figure) -> Self {
        self.blocks.push(Block::Figure(FigureBlock { name: name.into(), figure }));
        self
    }

    fn to_json(&self) -> Value {
        let texts: Vec<String> = self.blocks.iter().filter_map(Block::text).collect();
        let tables = self.blocks.iter().filter_map(|b| if let Block::Table(t) = b { Some((t.name.clone(), t.to_json())) } else { None });
        let figures = self.blocks.iter().filter_map(|b| if let Block::Figure(f) = b { Some((f.name.clone(), f.to_json())) } else { None });
        json!({
            "heading": self.heading,
            "appendix": self.appendix,
            "paragraphs": texts,
            "tables": tables.collect::<Map<_, _>>(),
            "figures": figures.collect::<Map<_, _>>(),
        })
    }
}

impl Block {
    fn text(&self) -> Option<String> {
        match self {
            Block::Paragraph { lead, text } if lead.is_empty() => Some(text.to_string()),
            Block::Paragraph { lead, text } => Some(format!("{lead} {text}")),
            _ => None,
        }
    }
}

impl TableBlock {
    /// A copy of `table` under the file name `name`.
    pub fn of(name: &str, table: &dyn Tabular) -> Self {
        let columns = table.columns();
        let shown = condensed(&columns).into_iter().map(|c| as_printed(Column { heading: sentence_case(&c.heading), ..c })).collect();
        let notes = table.notes().iter().map(|n| sentence_case(n)).collect();
        Self { name: name.into(), title: table.title(), shown, columns, notes, about: None, repeats: false, linked: false }
    }

    fn to_json(&self) -> Value {
        let rows = self.columns.first().map_or(0, Column::len);
        let row = |r: usize| -> Value { self.columns.iter().map(|c| (c.name.to_string(), cell(c, r))).collect::<Map<_, _>>().into() };
        json!({ "title": self.title, "rows": (0..rows).map(row).collect::<Vec<_>>(), "notes": self.notes })
    }
}

impl FigureBlock {
    fn to_json(&self) -> Value {
        json!({ "title": self.figure.title, "description": self.figure.description, "file": super::files::figure_path(&self.name, "svg") })
    }
}

/// A column as journals have it: p-values to three decimals.
fn as_printed(column: Column) -> Column {
    match column.values {
        Values::Real(values, Format::Probability) => Column { values: Values::Real(values, Format::PValue), ..column },
        values => Column { values, ..column },
    }
}

/// A cell as JSON; what is missing or not finite is null.
fn cell(column: &Column, row: usize) -> Value {
    match &column.values {
        Values::Text(v) => json!(v[row]),
        Values::Real(v, _) | Values::Each(v, _) => json!(v[row]),
        Values::Count(v) => json!(v[row]),
    }
}

impl Tabular for TableBlock {
    fn title(&self) -> String {
        self.title.clone()
    }

    fn columns(&self) -> Vec<Column> {
        self.columns.clone()
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }

    fn to_text_within(&self, width: usize) -> String {
        crate::table::layout::text(&self.title, &self.shown, &self.notes, width)
    }
}
