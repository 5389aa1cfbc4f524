//! The report of an analysis: what stands where. Nothing is computed here.

use std::path::Path;

use super::consort::Answer;
use super::document::{Document, Section};
use super::files::Written;
use super::provenance::{self, Provenance};
use super::published::PublishedTable;
use super::suppressed::{self, FlowCounts};
use super::{
    clustering, consort, estimand, first_page, imputed, individual_change, methods, models, multiplicity, outcome, participants,
    populations, remission, subgroups, views,
};
use crate::analysis::{AnalysisResult, DataOrigin, Deviations, OutcomeResult, Plan};
use crate::error::Result;
use crate::trial::{LeftOut, LeftOutOf, LeftOutTable};

/// The report of an [`AnalysisResult`].
///
/// Its first page answers the question by itself: estimand, primary result with interval and figure, remission, what each
/// sensitivity analysis says. Participants, results, missing data and methods follow; details are in appendices, with what
/// the report was made from and the items of CONSORT 2025.
#[derive(Debug, Clone)]
pub struct TrialReport<'r> {
    result: &'r AnalysisResult,
    title: String,
    banner: Option<String>,
    synthetic: bool,
    published: Option<PublishedTable>,
    lock: Option<Deviations>,
    date: Option<String>,
    provenance: Provenance,
    planned: Option<&'r Plan>,
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
            date: None,
            provenance: Provenance::of_trial(&result.trial),
            planned: None,
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

    /// Says on which day the report was made: the library reads no clock.
    pub fn dated(mut self, date: impl Into<String>) -> Self {
        self.date = Some(date.into());
        self
    }

    /// Says what is known of the data file and of how the report came about; what the trial's reader recorded, unless
    /// stated.
    pub fn provenance(mut self, known: Provenance) -> Self {
        self.provenance = known;
        self
    }

    /// Says which plan was written, so that the report tells what it stated from what is default or settled by the trial.
    pub fn planned(mut self, plan: &'r Plan) -> Self {
        self.planned = Some(plan);
        self
    }

    /// The report as a document.
    pub fn document(&self) -> Document {
        let result = self.result;
        let settings = &result.plan.report;
        let mut document = Document::new(&self.title).subtitle(self.subtitle()).style(settings.style).paper(settings.paper);
        document.banner.clone_from(&self.banner);
        document.date.clone_from(&self.date);
        // A plan that a file cannot hold, with a structure or an instrument made in Rust, is in the settings alone.
        document.plan = result.plan.to_toml().ok();
        let mut document = self.main_sections().into_iter().fold(document, Document::section);
        for (k, appendix) in self.appendices(document.plan.as_deref()).into_iter().enumerate() {
            let heading = format!("Appendix {}: {}", letter(k), appendix.heading);
            document = document.section(Section { heading, ..appendix });
        }
        let checklist = consort::Checklist::of(|answer| self.answering(&document, answer));
        let place = document.sections.iter().filter(|s| s.appendix).count();
        document = document.section(Section::appendix(format!("Appendix {}: CONSORT 2025", letter(place))).linked("consort", &checklist));
        let document = result
            .outcomes
            .iter()
            .fold(document, |document, o| document.without_notes(&o.model.notes).fitted(&o.label, &suppressed::fitting(result, o)));
        // Numbers that JSON cannot hold become null there; nothing else can go wrong.
        let analysis = serde_json::to_value(result).unwrap_or_default();
        let document = document.analysis(suppressed::without_counts(analysis, settings.small_cells));
        if self.synthetic { document.marked("Synthetic data") } else { document }
    }

    /// The answer, then what readers look for, in that order.
    fn main_sections(&self) -> Vec<Section> {
        let result = self.result;
        let mut sections = vec![first_page::section(result)];
        sections.extend(estimand::section(result).into_iter().chain(self.lock_section()));
        sections.push(participants_section(result));
        for (o, role) in with_roles(result) {
            sections.push(outcome::results(result, o, role));
            if role == PRIMARY {
                sections.extend(clustering::section(result));
                sections.extend(models::sensitivity(result));
                sections.extend(imputed::section(result));
                sections.extend(populations::section(result));
                sections.extend(subgroups::section(result));
                sections.extend(remission::section(result));
                sections.extend(individual_change::section(result));
            }
        }
        sections.extend(multiplicity::section(result));
        sections.extend(models::further(result));
        sections.push(missing_data(result));
        if !result.trial.warnings.is_empty() {
            let section = Section::new("What looks like a mistake in the data");
            sections.push(result.trial.warnings.iter().fold(section, |s, w| s.paragraph(w.to_string())));
        }
        sections.push(methods::section(result));
        sections.extend(self.published.as_ref().map(|table| Section::new("Published and found here").table("published", table)));
        sections
    }

    /// What became of the locked plan; none where nothing is known of a lock.
    fn lock_section(&self) -> Option<Section> {
        let deviations = self.lock.as_ref()?;
        let section = Section::new("The plan as locked").paragraph(deviations.sentence());
        Some(if deviations.rows.is_empty() { section } else { section.table("plan_deviations", deviations) })
    }

    /// Details, for those who look for them; without their letters.
    fn appendices(&self, plan: Option<&str>) -> Vec<Section> {
        let result = self.result;
        let observed =
            with_roles(result).fold(Section::appendix("observed scores"), |section, (o, role)| outcome::observed(result, o, role, section));
        let mut sections = vec![observed];
        sections.extend(remission::tables(result, Section::appendix("all rates of response and remission")));
        sections.extend(individual_change::tables(result, Section::appendix("individual change: arms compared, and curves")));
        sections.push(model_checks(result));
        let made_from = provenance::section(MADE_FROM.into(), result, &self.provenance, self.date.as_deref(), self.planned, plan);
        sections.push(made_from);
        let inferred = suppressed::without_few(&result.trial.inferred, result.plan.report.small_cells);
        if !inferred.is_empty() {
            sections.push(inferred.iter().fold(Section::appendix("how the file was read"), |s, sentence| s.paragraph(sentence)));
        }
        sections
    }

    /// The sections that answer an item of CONSORT, as far as the report has them.
    fn answering(&self, document: &Document, answer: Answer) -> Vec<String> {
        let result = self.result;
        let wanted = match answer {
            Answer::Summary => vec!["Summary".to_string()],
            Answer::Methods => vec![methods::HEADING.into()],
            Answer::Participants => vec![PARTICIPANTS.into()],
            Answer::Results => vec![outcome::heading(&result.outcomes[0], PRIMARY)],
            Answer::Secondary => result.outcomes[1..].iter().map(|o| outcome::heading(o, SECONDARY)).collect(),
            Answer::Sensitivity => vec![clustering::HEADING.into(), imputed::HEADING.into(), populations::HEADING.into()],
            Answer::Remission => vec![remission::heading(result)],
            Answer::Missing => vec![MISSING.into()],
            Answer::Provenance => match result.plan.report.registration.as_ref().or(result.plan.trial.registration.as_ref()) {
                // Without a registration the report has the plan alone.
                None => vec![],
                Some(_) => document.sections.iter().filter(|s| s.heading.ends_with(MADE_FROM)).map(|s| s.heading.clone()).collect(),
            },
            Answer::Plan => document.sections.iter().filter(|s| s.heading.ends_with(MADE_FROM)).map(|s| s.heading.clone()).collect(),
            Answer::Nowhere => vec![],
        };
        wanted.into_iter().filter(|heading| document.sections.iter().any(|s| s.heading == *heading)).collect()
    }

    /// Writes the report into `folder`, in the forms that the plan asks for; see [`Document::write_as`].
    ///
    /// # Errors
    /// [`crate::Error::File`] names the file that could not be written.
    pub fn write_to(&self, folder: impl AsRef<Path>) -> Result<Written> {
        self.document().write_as(folder, &self.result.plan.report.documents)
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
}

const PRIMARY: &str = "primary";
const SECONDARY: &str = "secondary";
const PARTICIPANTS: &str = "Participants";
const MISSING: &str = "Missing data";
const MADE_FROM: &str = "what this report was made from";

/// The outcomes with what they are.
fn with_roles(result: &AnalysisResult) -> impl Iterator<Item = (&OutcomeResult, &'static str)> {
    result.outcomes.iter().enumerate().map(|(k, o)| (o, if k == 0 { PRIMARY } else { SECONDARY }))
}

/// `A`, `B`, …; a report has few appendices.
fn letter(position: usize) -> char {
    char::from(b'A' + (position % 26) as u8)
}

fn participants_section(result: &AnalysisResult) -> Section {
    let (primary, cells) = (&result.outcomes[0], result.plan.report.small_cells);
    let counts = FlowCounts::of(&primary.flow, cells);
    let baseline = suppressed::baseline(&result.baseline, cells);
    let flow = participants::flow_figure(&counts, &primary.patterns, result.events.as_ref(), cells);
    let section = left_out(result, Section::new(PARTICIPANTS).about(&primary.name)).figure("participant_flow", flow).table_as(
        "participant_flow",
        &counts.table(),
        &views::observed_and_analysed(&counts, &primary.patterns.visits),
    );
    let section = match &result.events {
        Some(events) => {
            let shown = suppressed::events(events, cells);
            let section = section.table_as("intercurrent_events", &shown, &shown.dashed());
            match &events.dates {
                Some(dates) => {
                    let shown = suppressed::event_dates(dates, cells);
                    section.table_as("intercurrent_events_by_date", &shown, &shown.dashed())
                }
                None => section,
            }
        }
        None => section,
    };
    section.about_all().table_as("baseline", &baseline, &participants::SideBySide { table: &result.baseline, shown: &baseline, cells })
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
    result.outcomes.iter().fold(Section::new(MISSING), |section, o| {
        let section = section.about(&o.name);
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
    result.outcomes.iter().fold(Section::appendix("models, covariance and residuals"), |section, o| {
        let section = section.about(&o.name);
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
