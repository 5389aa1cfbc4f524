//! `trialstats describe`: what a file holds, before any model: participant flow, observed means, missing-data patterns.

use super::failure::Failure;
use super::source::{SourceArguments, Wanted};
use std::fmt::Write as _;
use trialstats::Trial;
use trialstats::error::Interface;
use trialstats::options::Choices;
use trialstats::table::counted;
use trialstats::trial::{
    AnalysisSet, FileFacts, FileFormat, Kind, MissingPatterns, ObservedMeans, Outcome, ParticipantFlow, Role, Scope, Visit, Warning,
};

/// Which file, and which of its columns are outcomes.
#[derive(Debug, Clone, clap::Args)]
pub struct DescribeArguments {
    #[command(flatten)]
    pub source: SourceArguments,
    /// A column with an outcome; may be given several times. Outcomes of --wide-outcome are there without this
    #[arg(long, value_name = "COLUMN", required_unless_present = "wide_outcome")]
    pub outcome: Vec<String>,
    /// A column that the analysis will need of every patient, such as the outcome at baseline: patients who lack it are
    /// counted as not analysed; may be given several times
    #[arg(long, value_name = "COLUMN")]
    pub needs: Vec<String>,
    /// Print everything as JSON, whose field `schema` names its version: it changes when a field is removed, renamed or
    /// changes its meaning, not when one is added
    #[arg(long)]
    pub json: bool,
}

/// Everything that is said of a file.
#[derive(serde::Serialize)]
struct Document<'a> {
    schema: &'static str,
    software: String,
    source: &'a str,
    file: Option<&'a FileFacts>,
    patients: usize,
    arms: Vec<Arm<'a>>,
    visits: &'a [Visit],
    baseline: Option<&'a str>,
    outcomes: Vec<Described<'a>>,
    variables: Vec<Variable<'a>>,
    inferred: &'a [String],
    warnings: Vec<Warning>,
}

#[derive(serde::Serialize)]
struct Arm<'a> {
    name: &'a str,
    randomized: usize,
}

/// An outcome with its tables.
#[derive(serde::Serialize)]
struct Described<'a> {
    name: &'a str,
    label: &'a str,
    range: Option<(f64, f64)>,
    participant_flow: ParticipantFlow,
    observed_means: ObservedMeans,
    missing_patterns: MissingPatterns,
}

#[derive(serde::Serialize)]
struct Variable<'a> {
    name: &'a str,
    label: &'a str,
    role: Role,
    kind: Kind,
    scope: Scope,
    levels: &'a [String],
}

impl DescribeArguments {
    /// Reads the file and says what is in it.
    pub fn run(&self) -> Result<String, Failure> {
        let wanted = Wanted { outcomes: self.outcomes(), covariates: self.needs.clone(), ..Wanted::default() };
        let trial = self.source.read(self.source.arm.as_deref(), &wanted)?;
        let set = self.needs.iter().fold(AnalysisSet::new(), AnalysisSet::needs);
        let described = wanted.outcomes.iter().map(|name| described(&trial, name, &set)).collect::<Result<Vec<_>, Failure>>()?;
        match self.json {
            true => json(&document(&trial, described)),
            false => Ok(text(&trial, &described)),
        }
    }

    /// The outcomes, each once.
    fn outcomes(&self) -> Vec<String> {
        let wide = self.source.wide_outcome.iter().map(|(name, _)| name).filter(|name| !self.outcome.contains(name));
        self.outcome.iter().chain(wide).cloned().collect()
    }
}

fn described<'a>(trial: &'a Trial, name: &str, set: &AnalysisSet) -> Result<Described<'a>, Failure> {
    let Outcome { name, label, range, .. } = trial.outcome(name)?;
    Ok(Described {
        name,
        label,
        range: *range,
        participant_flow: trial.participant_flow(name, set)?,
        observed_means: trial.observed_means(name)?,
        missing_patterns: trial.missing_patterns(name)?,
    })
}

fn text(trial: &Trial, outcomes: &[Described<'_>]) -> String {
    let mut out = format!("{}: {}\n", trial.source(), counted(trial.patients().len(), "patient"));
    out.extend(trial.file().map(|file| file_line(file) + "\n"));
    out.push('\n');
    for outcome in outcomes {
        if let Some((lowest, highest)) = outcome.range {
            let _ = writeln!(out, "{}: from {lowest} to {highest}, by declaration.\n", outcome.label);
        }
        let _ = writeln!(out, "{}", outcome.participant_flow);
        let _ = writeln!(out, "{}", outcome.observed_means);
        let _ = writeln!(out, "{}", outcome.missing_patterns);
    }
    for warning in trial.warnings() {
        let _ = writeln!(out, "Warning: {}", warning.clone().worded_for(Interface::CommandLine));
    }
    for sentence in trial.inferred() {
        let _ = writeln!(out, "Note: {sentence}");
    }
    out
}

/// What the file is, in a line.
fn file_line(file: &FileFacts) -> String {
    let meaning = FileFormat::CHOICES.iter().find(|choice| choice.value == file.format).map_or("", |choice| choice.meaning);
    let sheet = file.sheet.iter().map(|sheet| format!(", `{sheet}`"));
    let encoding = file.encoding.iter().map(|encoding| format!(", {encoding}"));
    let separator = file.separator.iter().map(|separator| format!(", separated by {separator}"));
    let details: String = sheet.chain(encoding).chain(separator).collect();
    format!("{meaning}{details}: {}, {}, SHA-256 {}", counted(file.rows, "row"), counted(file.columns, "column"), file.sha256)
}

fn document<'a>(trial: &'a Trial, outcomes: Vec<Described<'a>>) -> Document<'a> {
    let arms = trial.arms().iter().zip(trial.randomized()).map(|(name, randomized)| Arm { name, randomized });
    let variables = trial.variables().iter().map(|v| Variable {
        name: v.name(),
        label: v.label(),
        role: v.role(),
        kind: v.kind(),
        scope: v.scope(),
        levels: v.levels(),
    });
    Document {
        schema: trialstats::schema::DESCRIBE,
        software: format!("trialstats {}", env!("CARGO_PKG_VERSION")),
        source: trial.source(),
        file: trial.file(),
        patients: trial.patients().len(),
        arms: arms.collect(),
        visits: trial.schedule().visits(),
        baseline: trial.schedule().baseline().map(|visit| trial.schedule().visits()[visit].label.as_str()),
        outcomes,
        variables: variables.collect(),
        inferred: trial.inferred(),
        warnings: trial.warnings().iter().map(|warning| warning.clone().worded_for(Interface::CommandLine)).collect(),
    }
}

fn json(document: &Document<'_>) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(document).map_err(|error| Failure::Output(std::io::Error::other(error)))?;
    Ok(text + "\n")
}
