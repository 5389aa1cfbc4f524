//! The arguments that say what the columns of a file mean, and the trial read by them.

use super::choice::choice;
use super::failure::Failure;
use super::instruments::InstrumentArguments;
use super::parse::{self, ByVisit};
use std::path::PathBuf;
use trialstats::instruments::Score;
use trialstats::trial::{CovariateKind, DecimalMark, Delimiter, Layout, OutcomeColumn};
use trialstats::{Error, Trial};

/// Which columns hold patient, visit and arm, and what is declared about them.
#[derive(Debug, Clone, clap::Args)]
pub struct SourceArguments {
    /// The trial's file, with a row per patient and visit or, with --wide-outcome, a row per patient: CSV, Excel (.xlsx,
    /// .xlsb, .xls), LibreOffice (.ods), SPSS (.sav, .zsav), Stata (.dta), SAS (.xpt, .sas7bdat). Its content tells which
    #[arg(long, value_name = "FILE")]
    pub data: PathBuf,
    /// The sheet of a workbook, or the data set of a SAS transport file; needed where several have data
    #[arg(long, value_name = "NAME")]
    pub sheet: Option<String>,
    /// Column of the patient
    #[arg(long, value_name = "COLUMN")]
    pub subject: String,
    /// Column of the visit, in a file with a row per patient and visit; one with a row per patient has --wide-outcome instead
    #[arg(long, value_name = "COLUMN", required_unless_present_any = ["wide_outcome", "item_visits"])]
    pub visit: Option<String>,
    /// Column of the arm; taken from --means where that is given
    #[arg(long, value_name = "COLUMN")]
    pub arm: Option<String>,
    /// The visits in their order, where the file's labels do not tell it
    #[arg(long, value_name = "VISIT,…", value_delimiter = ',')]
    pub visits: Vec<String>,
    /// The visits in their order with the planned time of each: "baseline=0,week 8=8"
    #[arg(long, value_name = "VISIT=TIME,…", value_delimiter = ',', value_parser = parse::time, conflicts_with_all = ["visits", "time"])]
    pub visit_times: Vec<(String, f64)>,
    /// Column of the visits' planned times
    #[arg(long, value_name = "COLUMN")]
    pub time: Option<String>,
    /// The visit before treatment
    #[arg(long, value_name = "VISIT")]
    pub baseline_visit: Option<String>,
    /// An outcome of a file with a row per patient, with its column at each visit: "BDI=baseline:BDI_T0,week 8:BDI_T1"; may
    /// be given again
    #[arg(long, value_name = "NAME=VISIT:COLUMN,…", value_parser = parse::by_visit, conflicts_with_all = ["visit", "time"])]
    pub wide_outcome: Vec<ByVisit>,
    /// The same for a covariate that changes from visit to visit
    #[arg(long, value_name = "NAME=VISIT:COLUMN,…", value_parser = parse::by_visit, conflicts_with = "visit")]
    pub wide_covariate: Vec<ByVisit>,
    /// The same for a cluster that changes from visit to visit
    #[arg(long, value_name = "NAME=VISIT:COLUMN,…", value_parser = parse::by_visit, conflicts_with = "visit")]
    pub wide_cluster: Vec<ByVisit>,
    /// The column of an outcome that the formula or --outcome calls otherwise: "bdi=BDITOT"
    #[arg(long, value_name = "OUTCOME=COLUMN", value_parser = parse::pair)]
    pub column: Vec<(String, String)>,
    /// The text by which tables call an outcome: "bdi=BDI-II total"; the file's own label, or the name, unless said
    #[arg(long, value_name = "OUTCOME=TEXT", value_parser = parse::pair)]
    pub label: Vec<(String, String)>,
    /// The reference level of a factor or of the arm; the first in sorted order unless said
    #[arg(long, value_name = "VAR=LEVEL", value_parser = parse::reference)]
    pub reference: Vec<(String, String)>,
    /// The levels of a factor or of the arm in order, the reference first; any other level is a problem
    #[arg(long, value_name = "VAR=LEVEL,…", value_parser = parse::levels)]
    pub levels: Vec<(String, Vec<String>)>,
    /// A column of a cluster that patients share, such as therapist, empty for a patient in none; may be given
    /// several times. Factors of random effects in the formula are clusters without this
    #[arg(long, value_name = "COLUMN")]
    pub cluster: Vec<String>,
    /// The same for a cluster that a patient may change from visit to visit
    #[arg(long, value_name = "COLUMN")]
    pub cluster_by_visit: Vec<String>,
    /// A further code of a missing outcome, covariate or item, such as 999, beside NA, . and nothing
    #[arg(long, value_name = "CODE", allow_hyphen_values = true)]
    pub missing: Vec<String>,
    /// Codes of a missing value in one column: "AGE=0,-1"; may be given again
    #[arg(long, value_name = "COLUMN=CODE,…", value_parser = parse::levels)]
    pub missing_in: Vec<(String, Vec<String>)>,
    /// Replaces the codes of a missing value in every column, which are NA, . and nothing: "NA,unknown,"
    #[arg(long, value_name = "CODE,…", value_delimiter = ',', allow_hyphen_values = true)]
    pub missing_codes: Option<Vec<String>>,
    #[command(flatten)]
    pub instruments: InstrumentArguments,
    /// A file of any of these formats with everyone who was randomized, a row per patient, in columns called as those of
    /// --subject and --arm: patients without a row in --data are in the trial too
    #[arg(long, value_name = "FILE")]
    pub roster: Option<PathBuf>,
    /// What separates the file's fields; found in its header unless said
    #[arg(long, value_parser = choice::<Delimiter>())]
    pub separator: Option<Delimiter>,
    /// What separates the decimals of the file's numbers; found in the numbers of each column unless said
    #[arg(long, value_name = "MARK", value_parser = choice::<DecimalMark>())]
    pub decimal: Option<DecimalMark>,
    /// The lowest and highest possible score of an outcome, such as BDI=0..63; a value outside is a problem. May be given
    /// several times
    #[arg(long, value_name = "OUTCOME=LOW..HIGH", value_parser = parse::range)]
    pub range: Vec<(String, f64, f64)>,
    /// A column whose values are the levels of a factor although they look like numbers; may be given several times
    #[arg(long, value_name = "COLUMN")]
    pub factor: Vec<String>,
    /// What a covariate is: "AGE=numeric", "DOSE=numeric-by-visit", "SITE=factor"; found in the file unless said
    #[arg(long, value_name = "COLUMN=KIND", value_parser = kind)]
    pub kind: Vec<(String, CovariateKind)>,
}

/// The columns that an analysis needs beside patient, arm and visit.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    pub outcomes: Vec<String>,
    /// Whether outcomes may be texts.
    pub texts: bool,
    pub covariates: Vec<String>,
    pub weights: Option<String>,
    pub clusters: Vec<String>,
}

fn kind(text: &str) -> Result<(String, CovariateKind), String> {
    let (column, kind) = parse::pair(text)?;
    Ok((column, kind.parse().map_err(|error: Error| error.to_string())?))
}

impl SourceArguments {
    /// The file's name without folder and extension.
    pub fn stem(&self) -> String {
        self.data.file_stem().map_or_else(String::new, |s| s.to_string_lossy().into_owned())
    }

    /// Whether a row of the file is a patient.
    pub fn is_wide(&self) -> bool {
        let of_covariates = self.visit.is_none() && !self.wide_covariate.is_empty();
        !self.wide_outcome.is_empty() || of_covariates || self.instruments.are_wide()
    }

    /// What the visit is called: its column, or the general name where there is none.
    pub fn visit(&self) -> &str {
        self.visit.as_deref().unwrap_or("visit")
    }

    /// Reads the trial. `arm` is the column of the arm, where the analysis has one.
    pub fn read(&self, arm: Option<&str>, wanted: &Wanted) -> Result<Trial, Failure> {
        self.check_factors(arm, wanted)?;
        self.check_ranges(wanted)?;
        for (option, name) in self.named_outcomes() {
            if !wanted.outcomes.iter().any(|outcome| outcome == name) {
                let unknown = Error::Unknown { kind: "outcome of the model", name: name.into(), known: wanted.outcomes.clone() };
                return Err(Failure::Usage(format!("{option} {name}: {unknown}")));
            }
        }
        let layout = self.with_roster(self.layout(arm, wanted)?, arm)?;
        if self.references_of_covariates(arm).next().is_none() {
            return Ok(layout.read(&self.data)?);
        }
        // The other levels are known only once the file has been read.
        let first_look = layout.read(&self.data)?;
        let mut layout = layout;
        for (variable, level) in self.references_of_covariates(arm) {
            layout = layout.levels(variable, reordered(&first_look, variable, level)?);
        }
        Ok(layout.read(&self.data)?)
    }

    /// The names in the file's header.
    pub fn header(&self) -> Result<Vec<String>, Failure> {
        Ok(self.layout(self.arm.as_deref(), &Wanted::default())?.columns(&self.data)?)
    }

    /// The layout with everyone whom the roster names.
    fn with_roster(&self, layout: Layout, arm: Option<&str>) -> Result<Layout, Failure> {
        let Some(path) = &self.roster else { return Ok(layout) };
        let Some(arm) = arm else {
            return Err(Failure::Usage("--roster: it says who was randomized to which arm; name the column of the arm with --arm".into()));
        };
        // A row per patient, and one visit at which nothing but the arm is known.
        let roster = Layout::wide(&self.subject, arm).visits(["randomization"]).read(path)?;
        let arms = roster.arm_of().iter().map(|&arm| roster.arms()[arm].clone());
        Ok(layout.randomized_patients(roster.patients().iter().cloned().zip(arms)))
    }

    /// The outcomes that options name, which the analysis has to have.
    fn named_outcomes(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let columns = self.column.iter().map(|(name, _)| ("--column", name.as_str()));
        columns.chain(self.label.iter().map(|(name, _)| ("--label", name.as_str())))
    }

    /// Refuses ranges of outcomes that the analysis does not have, and of scores, whose range is that of their items.
    fn check_ranges(&self, wanted: &Wanted) -> Result<(), Failure> {
        let scores = self.instruments.scores()?;
        for (outcome, ..) in &self.range {
            if let Some(&Score { range: (low, high), .. }) = scores.iter().find(|score| score.name == *outcome) {
                return Err(Failure::Usage(format!(
                    "--range {outcome}: it is computed from its items, each of which is held to its own range, and lies between {low} and {high}; leave the range out"
                )));
            }
            if !wanted.outcomes.contains(outcome) {
                let unknown = Error::Unknown { kind: "outcome of the model", name: outcome.clone(), known: wanted.outcomes.clone() };
                return Err(Failure::Usage(format!("--range {outcome}: {unknown}")));
            }
        }
        Ok(())
    }

    /// Refuses a factor that the analysis does not have.
    fn check_factors(&self, arm: Option<&str>, wanted: &Wanted) -> Result<(), Failure> {
        let own = [Some(self.visit()), Some(self.subject.as_str()), arm];
        let wide = self.wide_covariate.iter().chain(&self.wide_cluster).map(|(name, _)| name);
        let clusters = wanted.clusters.iter().chain(&self.cluster).chain(&self.cluster_by_visit).chain(wide);
        let known: Vec<String> = wanted.covariates.iter().chain(clusters).cloned().collect();
        let factors = self.factor.iter().map(|name| ("--factor", name));
        let mut declared = factors.chain(self.kind.iter().map(|(name, _)| ("--kind", name)));
        match declared.find(|(_, name)| !known.contains(name) && !own.contains(&Some(name.as_str()))) {
            Some((option, stranger)) => {
                let unknown = Error::Unknown { kind: "variable of the model", name: stranger.clone(), known };
                Err(Failure::Usage(format!("{option} {stranger}: {unknown}")))
            }
            None => Ok(()),
        }
    }

    fn layout(&self, arm: Option<&str>, wanted: &Wanted) -> Result<Layout, Failure> {
        let mut layout = match (arm, self.is_wide()) {
            (Some(arm), true) => Layout::wide(&self.subject, arm),
            (None, true) => Layout::wide_one_arm(&self.subject),
            (Some(arm), false) => Layout::long(&self.subject, arm, self.visit()),
            (None, false) => Layout::long_one_arm(&self.subject, self.visit()),
        };
        layout = self.sheet.iter().fold(layout, |l, sheet| l.sheet(sheet));
        layout = self.separator.into_iter().fold(layout, Layout::delimiter);
        layout = self.decimal.into_iter().fold(layout, Layout::decimal_mark);
        layout = self.schedule(layout, arm);
        layout = self.missing_codes.iter().fold(layout, |l, codes| l.missing_codes(codes));
        layout = self.missing.iter().fold(layout, |l, code| l.missing_code(code));
        let in_columns = self.missing_in.iter().flat_map(|(column, codes)| codes.iter().map(move |code| (column, code)));
        layout = in_columns.fold(layout, |l, (column, code)| l.missing_code_in(column, code));
        layout = self.instruments.add_to(layout);
        let scores = self.instruments.scores()?;
        let columns = wanted.outcomes.iter().filter(|o| !scores.iter().any(|score| score.name == **o));
        let column = |outcome: &String| if wanted.texts { self.outcome(outcome).or_texts() } else { self.outcome(outcome) };
        layout = columns.fold(layout, |l, outcome| l.outcome(column(outcome)));
        layout = wanted.covariates.iter().fold(layout, |l, covariate| self.covariate(l, covariate));
        layout = wanted.weights.iter().fold(layout, |l, weights| l.weight(weights));
        Ok(self.clusters(wanted).into_iter().fold(layout, |l, (cluster, by_visit)| {
            match self.wide_cluster.iter().find(|(n, _)| n == cluster) {
                Some((name, columns)) => l.wide_cluster(name, columns.clone()),
                None if by_visit => l.cluster_by_visit(cluster),
                None => l.cluster(cluster),
            }
        }))
    }

    /// The layout with visits, their times, baseline and arms as far as they are stated.
    fn schedule(&self, mut layout: Layout, arm: Option<&str>) -> Layout {
        if !self.visits.is_empty() {
            layout = layout.visits(&self.visits);
        }
        if !self.visit_times.is_empty() {
            layout = layout.visits_at(self.visit_times.clone());
        }
        if let Some(time) = &self.time {
            layout = layout.visit_time(time);
        }
        if let Some(baseline) = &self.baseline_visit {
            layout = layout.baseline_visit(baseline);
        }
        for (variable, levels) in &self.levels {
            layout = match () {
                () if arm == Some(variable) => layout.arms(levels),
                () if variable == self.visit() => layout.visits(levels),
                () => layout.levels(variable, levels),
            };
        }
        for (variable, level) in &self.reference {
            if arm == Some(variable) {
                layout = layout.reference_arm(level);
            }
        }
        layout
    }

    /// An outcome with what is declared of it.
    fn outcome(&self, name: &str) -> OutcomeColumn {
        let by_visit = self.wide_outcome.iter().find(|(of, _)| of == name);
        let column = self.column.iter().find(|(of, _)| of == name).map(|(_, column)| column.as_str());
        let outcome = match by_visit {
            Some((name, columns)) => OutcomeColumn::wide(name, columns.clone()),
            None => OutcomeColumn::new(column.unwrap_or(name)).name(name),
        };
        let labels = self.label.iter().filter(|(of, _)| of == name);
        let outcome = labels.fold(outcome, |outcome, (_, label)| outcome.label(label));
        let ranges = self.range.iter().filter(|(of, ..)| of == name);
        ranges.fold(outcome, |outcome, (_, low, high)| outcome.range(*low, *high))
    }

    /// The layout with a covariate of the kind that is declared, or found.
    fn covariate(&self, layout: Layout, name: &str) -> Layout {
        let declared = self.kind.iter().find(|(of, _)| of == name).map(|(_, kind)| *kind);
        let is_factor = self.factor.iter().any(|factor| factor == name);
        let kind = declared.unwrap_or(if is_factor { CovariateKind::FactorAsFound } else { CovariateKind::AsFound });
        match self.wide_covariate.iter().find(|(of, _)| of == name) {
            Some((name, columns)) => layout.wide_covariate(name, kind, columns.clone()),
            None => layout.covariate_as(name, kind),
        }
    }

    /// The clusters, each once, and whether patients may change them.
    fn clusters<'a>(&'a self, wanted: &'a Wanted) -> Vec<(&'a str, bool)> {
        let mut found: Vec<(&str, bool)> = vec![];
        let changing = self.cluster_by_visit.iter().chain(self.wide_cluster.iter().map(|(name, _)| name)).map(|c| (c.as_str(), true));
        for (cluster, by_visit) in changing.chain(self.cluster.iter().chain(&wanted.clusters).map(|c| (c.as_str(), false))) {
            if !found.iter().any(|(known, _)| *known == cluster) {
                found.push((cluster, by_visit));
            }
        }
        found
    }

    fn references_of_covariates<'a>(&'a self, arm: Option<&'a str>) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.reference.iter().map(|(v, l)| (v.as_str(), l.as_str())).filter(move |(variable, _)| arm != Some(variable))
    }
}

/// The levels of a covariate with `reference` put first.
fn reordered(trial: &Trial, variable: &str, reference: &str) -> Result<Vec<String>, Failure> {
    let refused = |kind: &'static str, name: &str, known: Vec<String>| {
        let unknown = Error::Unknown { kind, name: name.into(), known };
        Failure::Usage(format!("--reference {variable}={reference}: {unknown}"))
    };
    let Ok(covariate) = trial.covariate(variable) else {
        let factors = trial.covariates().filter(|c| c.is_factor()).map(|c| c.name().to_string()).collect();
        return Err(refused("factor of the model", variable, factors));
    };
    if !covariate.is_factor() {
        return Err(Failure::Usage(format!("--reference {variable}={reference}: `{variable}` is a number, not a factor")));
    }
    let levels = covariate.levels();
    if !levels.iter().any(|l| l == reference) {
        return Err(refused("level", reference, levels.to_vec()));
    }
    let others = levels.iter().filter(|l| *l != reference).cloned();
    Ok(std::iter::once(reference.to_string()).chain(others).collect())
}
