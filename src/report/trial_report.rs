//! The report of an analysis: what stands where. Nothing is computed here.

use std::path::Path;

use super::document::{Document, Section};
use super::files::Written;
use super::published::PublishedTable;
use super::suppressed::{self, FlowCounts};
use super::{clustering, estimand, methods, models, multiplicity, outcome, participants, remission, subgroups, views};
use crate::analysis::{AnalysisResult, DataOrigin, Deviations};
use crate::error::Result;
use crate::trial::{LeftOut, LeftOutOf, LeftOutTable};

/// The report of an [`AnalysisResult`].
#[derive(Debug, Clone)]
pub struct TrialReport<'r> {
    result: &'r AnalysisResult,
    title: String,
    banner: Option<String>,
    synthetic: bool,
    published: Option<PublishedTable>,
    lock: Option<Deviations>,
}

impl<'r> TrialReport<'r> {
    /// A report with the settings of the plan; its title is plain where the plan has none.
    pub fn new(result: &'r AnalysisResult) -> Self {
        let settings = &result.plan.report;
        Self {
            result,
            title: settings
                .title
                .clone()
                .or_else(|| result.plan.trial.title.clone())
                .unwrap_or_else(|| "Intention-to-treat analysis".into()),
            banner: settings.banner.clone(),
            synthetic: settings.data == DataOrigin::Synthetic,
            published: None,
            lock: None,
        }
    }

    /// Sets the title.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// Sets a warning that no reader may miss.
    pub fn banner(mut self, banner: impl Into<String>) -> Self {
        self.banner = Some(banner.into());
        self
    }

    /// Says that the data are synthetic: `banner` at the head and foot of the report, and a mark on every figure.
    pub fn synthetic(self, banner: impl Into<String>) -> Self {
        Self { synthetic: true, ..self.banner(banner) }
    }

    /// Adds a table of published figures beside those found here.
    pub fn published(mut self, table: PublishedTable) -> Self {
        self.published = Some(table);
        self
    }

    /// Says that the plan was locked, and lists every deviation from what was locked; see
    /// [`PlanFile::deviations`](crate::analysis::PlanFile::deviations).
    pub fn lock(mut self, deviations: Deviations) -> Self {
        self.lock = Some(deviations);
        self
    }

    /// The report as a document.
    pub fn document(&self) -> Document {
        let result = self.result;
        let mut document = Document::new(&self.title).subtitle(self.subtitle());
        if let Some(banner) = &self.banner {
            document = document.banner(banner);
        }
        document = document.section(self.summary());
        document = estimand::section(result).into_iter().chain(self.lock_section()).fold(document, Document::section);
        document = document.section(methods::section(result)).section(participants_section(result));
        for (k, o) in result.outcomes.iter().enumerate() {
            document = document.section(outcome::results(result, o, if k == 0 { "primary" } else { "secondary" }));
            if k == 0 {
                document = clustering::section(result).into_iter().fold(document, Document::section);
                document = models::sensitivity(result).into_iter().fold(document, Document::section);
                document = subgroups::section(result).into_iter().fold(document, Document::section);
            }
        }
        document = multiplicity::section(result).into_iter().fold(document, Document::section);
        document = models::further(result).into_iter().fold(document, Document::section);
        document = remission::section(result).into_iter().fold(document, Document::section);
        document = document.section(missing_data(result)).section(model_checks(result));
        let warnings =
            result.trial.warnings.iter().fold(Section::new("What looks like a mistake in the data"), |s, w| s.paragraph(w.to_string()));
        let document = if result.trial.warnings.is_empty() { document } else { document.section(warnings) };
        let inferred = suppressed::without_few(&result.trial.inferred, result.plan.report.small_cells);
        let notes = inferred.iter().fold(Section::new("How the file was read"), |s, sentence| s.paragraph(sentence));
        let document = if inferred.is_empty() { document } else { document.section(notes) };
        let document = result
            .outcomes
            .iter()
            .fold(document, |document, o| document.without_notes(&o.model.notes).fitted(&o.label, &suppressed::fitting(result, o)));
        // Numbers that JSON cannot hold become null there; nothing else can go wrong.
        let analysis = serde_json::to_value(result).unwrap_or_default();
        let document = document.analysis(suppressed::without_counts(analysis, result.plan.report.small_cells));
        if self.synthetic { document.marked("Synthetic data") } else { document }
    }

    /// Writes the report and what belongs to it into `folder`; see [`Document::write_to`].
    ///
    /// # Errors
    /// [`crate::Error::File`] names the file that could not be written.
    pub fn write_to(&self, folder: impl AsRef<Path>) -> Result<Written> {
        self.document().write_to(folder)
    }

    fn subtitle(&self) -> String {
        let trial = &self.result.trial;
        let arms: Vec<String> = trial.arms.iter().zip(&trial.randomized).map(|(arm, n)| format!("{arm} (n = {n})")).collect();
        let registration = self
            .result
            .plan
            .report
            .registration
            .iter()
            .chain(&self.result.plan.trial.registration)
            .take(1)
            .map(|number| format!(" · {number}"));
        format!("{}{} · {}", arms.join(" against "), registration.collect::<String>(), trial.source)
    }

    /// What became of the locked plan; none where nothing is known of a lock.
    fn lock_section(&self) -> Option<Section> {
        let deviations = self.lock.as_ref()?;
        let section = Section::new("The plan as locked").paragraph(deviations.sentence());
        Some(if deviations.rows.is_empty() { section } else { section.table("plan_deviations", deviations) })
    }

    fn summary(&self) -> Section {
        let sentences = self.result.outcomes.iter().map(|o| outcome::headline(self.result, o)).filter(|s| !s.is_empty());
        let section = sentences.fold(Section::new("Summary"), Section::paragraph);
        match &self.published {
            Some(table) => section.table("published", table),
            None => section,
        }
    }
}

fn participants_section(result: &AnalysisResult) -> Section {
    let (primary, cells) = (&result.outcomes[0], result.plan.report.small_cells);
    let counts = FlowCounts::of(&primary.flow, cells);
    let baseline = suppressed::baseline(&result.baseline, cells);
    left_out(result, Section::new("Participants"))
        .figure("participant_flow", participants::flow_figure(&counts, &primary.patterns, cells))
        .table_as("participant_flow", &counts.table(), &views::observed_and_analysed(&counts, &primary.patterns.visits))
        .table_as("baseline", &baseline, &participants::SideBySide { table: &result.baseline, shown: &baseline, cells })
}

/// Who and what was left out before the analysis.
fn left_out(result: &AnalysisResult, section: Section) -> Section {
    let (all, cells) = (&result.trial.left_out, result.plan.report.small_cells);
    if all.is_empty() {
        return section;
    }
    let excluded: Vec<String> = all.iter().filter(|l| l.of == LeftOutOf::Patients).map(LeftOut::sentence).collect();
    let section = suppressed::without_few(&excluded, cells).into_iter().fold(section, Section::paragraph);
    let few = |l: &LeftOut| cells.is_small(l.patients) || cells.is_small(l.rows) || l.by_arm.iter().any(|(_, n)| cells.is_small(*n));
    let few = all.iter().map(few).collect();
    let table = LeftOutTable(all);
    let shown = suppressed::Shown::new(&table, cells).hiding(&["patients", "by_arm", "rows"], few);
    section.table_as("left_out", &shown, &shown.dashed())
}

fn missing_data(result: &AnalysisResult) -> Section {
    result.outcomes.iter().fold(Section::new("Missing data"), |section, o| {
        let patterns = suppressed::patterns(&o.patterns, result.plan.report.small_cells);
        // A bar has a length: of few patients it cannot be drawn.
        let section = match patterns.hides_any() {
            true => section,
            false => section.figure(&format!("{}_missing", o.name), participants::pattern_figure(&o.patterns)),
        };
        section.table_as(&format!("{}_missing", o.name), &patterns, &patterns.dashed())
    })
}

fn model_checks(result: &AnalysisResult) -> Section {
    let cells = result.plan.report.small_cells;
    result.outcomes.iter().fold(Section::new("Model, covariance and residuals"), |section, o| {
        let m = &o.model;
        let fit = format!(
            "Log-likelihood {}, AIC {:.2}, BIC {:.2} (covariance parameters counted).",
            outcome::number(m.log_likelihood, 4),
            m.aic,
            m.bic
        );
        let section =
            section.led_paragraph(format!("{}.", o.label), format!("{}; {} {fit}", m.formula, suppressed::fitting(result, o).join(" ")));
        let section =
            section.titled(&format!("{}_coefficients", o.name), format!("{}: coefficients of the mean model", o.label), &o.coefficients);
        let section = suppressed::without_few(&o.model.warnings, cells).into_iter().fold(section, Section::paragraph);
        outcome::diagnostics(o, section, cells)
    })
}
