//! The arguments that say what the columns of a file mean, and the trial read by them.

use super::choice::choice;
use super::failure::Failure;
use std::path::PathBuf;
use trialstats::instruments::{Caps5, Instrument, Scid5Pd};
use trialstats::trial::{CovariateKind, DecimalMark, Delimiter, Layout, OutcomeColumn};
use trialstats::{Error, Trial};

/// Which columns hold patient, visit and arm, and what is declared about them.
#[derive(Debug, Clone, clap::Args)]
pub struct SourceArguments {
    /// The trial's file: CSV with a header, a row per patient and visit
    #[arg(long, value_name = "FILE")]
    pub data: PathBuf,
    /// Column of the patient
    #[arg(long, value_name = "COLUMN")]
    pub subject: String,
    /// Column of the visit
    #[arg(long, value_name = "COLUMN")]
    pub visit: String,
    /// Column of the arm; taken from --means where that is given
    #[arg(long, value_name = "COLUMN")]
    pub arm: Option<String>,
    /// The visits in their order, where the file's labels do not tell it
    #[arg(long, value_name = "VISIT,…", value_delimiter = ',')]
    pub visits: Vec<String>,
    /// Column of the visits' planned times
    #[arg(long, value_name = "COLUMN")]
    pub time: Option<String>,
    /// The visit before treatment
    #[arg(long, value_name = "VISIT")]
    pub baseline_visit: Option<String>,
    /// The reference level of a factor or of the arm; the first in sorted order unless said
    #[arg(long, value_name = "VAR=LEVEL", value_parser = reference)]
    pub reference: Vec<(String, String)>,
    /// The levels of a factor or of the arm in order, the reference first; any other level is a problem
    #[arg(long, value_name = "VAR=LEVEL,…", value_parser = levels)]
    pub levels: Vec<(String, Vec<String>)>,
    /// A column of a cluster that patients share, such as therapist, empty for a patient in none; may be given
    /// several times. Factors of random effects in the formula are clusters without this
    #[arg(long, value_name = "COLUMN")]
    pub cluster: Vec<String>,
    /// The same for a cluster that a patient may change from visit to visit
    #[arg(long, value_name = "COLUMN")]
    pub cluster_by_visit: Vec<String>,
    /// A further code of a missing value, such as 999, beside NA, . and nothing
    #[arg(long, value_name = "CODE", allow_hyphen_values = true)]
    pub missing: Vec<String>,
    /// An instrument whose items are columns of the file; its scores become outcomes
    #[arg(long, value_enum, value_name = "INSTRUMENT")]
    pub instrument: Vec<InstrumentName>,
    /// What separates the file's fields; found in its header unless said
    #[arg(long, value_parser = choice::<Delimiter>())]
    pub separator: Option<Delimiter>,
    /// What separates the decimals of the file's numbers; found in the numbers of each column unless said
    #[arg(long, value_name = "MARK", value_parser = choice::<DecimalMark>())]
    pub decimal: Option<DecimalMark>,
    /// The lowest and highest possible score of an outcome, such as BDI=0..63; a value outside is a problem. May be given
    /// several times
    #[arg(long, value_name = "OUTCOME=LOW..HIGH", value_parser = range)]
    pub range: Vec<(String, f64, f64)>,
    /// A column whose values are the levels of a factor although they look like numbers; may be given several times
    #[arg(long, value_name = "COLUMN")]
    pub factor: Vec<String>,
}

/// An instrument, as the command line names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum InstrumentName {
    /// CAPS-5, items caps5_01 to caps5_30: outcome caps5, clusters caps5_b to caps5_e, caps5_symptoms
    Caps5,
    /// SCID-5-PD cluster C: outcomes scid5pd, scid5pd_criteria
    Scid5pd,
}

/// The columns that an analysis needs beside patient, arm and visit.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    pub outcomes: Vec<String>,
    pub covariates: Vec<String>,
    pub weights: Option<String>,
    pub clusters: Vec<String>,
}

fn reference(text: &str) -> Result<(String, String), String> {
    let (variable, level) = text.split_once('=').ok_or("expected VAR=LEVEL, as in SEX=Male")?;
    Ok((variable.to_string(), level.to_string()))
}

fn range(text: &str) -> Result<(String, f64, f64), String> {
    let parts = || {
        let (outcome, range) = text.rsplit_once('=')?;
        let (low, high) = range.split_once("..")?;
        Some((outcome.to_string(), low.trim().parse().ok()?, high.trim().parse().ok()?))
    };
    parts().ok_or_else(|| "expected OUTCOME=LOW..HIGH, as in BDI=0..63".to_string())
}

fn levels(text: &str) -> Result<(String, Vec<String>), String> {
    let (variable, levels) = text.split_once('=').ok_or("expected VAR=LEVEL,LEVEL, as in SEX=Male,Female")?;
    Ok((variable.to_string(), levels.split(',').map(str::to_string).collect()))
}

impl SourceArguments {
    /// The file's name without folder and extension.
    pub fn stem(&self) -> String {
        self.data.file_stem().map_or_else(String::new, |s| s.to_string_lossy().into_owned())
    }

    /// Reads the trial. `arm` is the column of the arm, where the analysis has one.
    pub fn read(&self, arm: Option<&str>, wanted: &Wanted) -> Result<Trial, Failure> {
        self.check_factors(arm, wanted)?;
        if let Some((stranger, ..)) = self.range.iter().find(|(of, ..)| !wanted.outcomes.contains(of)) {
            let unknown = Error::Unknown { kind: "outcome of the model", name: stranger.clone(), known: wanted.outcomes.clone() };
            return Err(Failure::Usage(format!("--range {stranger}: {unknown}")));
        }
        let layout = self.layout(arm, wanted);
        if self.references_of_covariates(arm).next().is_none() {
            return Ok(layout.read_csv(&self.data)?);
        }
        // The other levels are known only once the file has been read.
        let first_look = layout.read_csv(&self.data)?;
        let mut layout = layout;
        for (variable, level) in self.references_of_covariates(arm) {
            layout = layout.levels(variable, reordered(&first_look, variable, level)?);
        }
        Ok(layout.read_csv(&self.data)?)
    }

    /// The names in the file's header.
    pub fn header(&self) -> Result<Vec<String>, Failure> {
        Ok(self.layout(self.arm.as_deref(), &Wanted::default()).csv_columns(&self.data)?)
    }

    /// Refuses a factor that the analysis does not have.
    fn check_factors(&self, arm: Option<&str>, wanted: &Wanted) -> Result<(), Failure> {
        let own = [Some(self.visit.as_str()), Some(self.subject.as_str()), arm];
        let clusters = wanted.clusters.iter().chain(&self.cluster).chain(&self.cluster_by_visit);
        let known: Vec<String> = wanted.covariates.iter().chain(clusters).cloned().collect();
        match self.factor.iter().find(|f| !known.contains(f) && !own.contains(&Some(f.as_str()))) {
            Some(stranger) => {
                let unknown = Error::Unknown { kind: "variable of the model", name: stranger.clone(), known };
                Err(Failure::Usage(format!("--factor {stranger}: {unknown}")))
            }
            None => Ok(()),
        }
    }

    fn layout(&self, arm: Option<&str>, wanted: &Wanted) -> Layout {
        let mut layout = match arm {
            Some(arm) => Layout::long(&self.subject, arm, &self.visit),
            None => Layout::long_one_arm(&self.subject, &self.visit),
        };
        layout = self.separator.into_iter().fold(layout, Layout::delimiter);
        layout = self.decimal.into_iter().fold(layout, Layout::decimal_mark);
        if !self.visits.is_empty() {
            layout = layout.visits(&self.visits);
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
                () if *variable == self.visit => layout.visits(levels),
                () => layout.levels(variable, levels),
            };
        }
        for (variable, level) in &self.reference {
            if arm == Some(variable) {
                layout = layout.reference_arm(level);
            }
        }
        layout = self.missing.iter().fold(layout, |l, code| l.missing_code(code));
        let mut scores: Vec<String> = vec![];
        for instrument in &self.instrument {
            layout = instrument.add_to(layout, &mut scores);
        }
        let columns = wanted.outcomes.iter().filter(|o| !scores.contains(o));
        layout = columns.fold(layout, |l, outcome| {
            let ranges = self.range.iter().filter(|(of, ..)| of == outcome);
            l.outcome(ranges.fold(OutcomeColumn::new(outcome), |column, (_, low, high)| column.range(*low, *high)))
        });
        layout = wanted.covariates.iter().fold(layout, |l, covariate| match self.factor.contains(covariate) {
            true => l.covariate_as(covariate, CovariateKind::FactorAsFound),
            false => l.covariate_as(covariate, CovariateKind::AsFound),
        });
        layout = wanted.weights.iter().fold(layout, |l, weights| l.weight(weights));
        self.clusters(wanted).into_iter().fold(layout, |l, (cluster, by_visit)| match by_visit {
            true => l.cluster_by_visit(cluster),
            false => l.cluster(cluster),
        })
    }

    /// The clusters, each once, and whether patients may change them.
    fn clusters<'a>(&'a self, wanted: &'a Wanted) -> Vec<(&'a str, bool)> {
        let mut found: Vec<(&str, bool)> = vec![];
        let changing = self.cluster_by_visit.iter().map(|c| (c.as_str(), true));
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

impl InstrumentName {
    /// The layout with the instrument; the names of its scores are added to `scores`.
    fn add_to(self, layout: Layout, scores: &mut Vec<String>) -> Layout {
        fn add(layout: Layout, instrument: impl Instrument + 'static, scores: &mut Vec<String>) -> Layout {
            scores.extend(instrument.scores().into_iter().map(|s| s.name));
            layout.instrument(instrument)
        }
        match self {
            InstrumentName::Caps5 => add(layout, Caps5::default(), scores),
            InstrumentName::Scid5pd => add(layout, Scid5Pd::default(), scores),
        }
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
