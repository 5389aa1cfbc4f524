//! Response and remission adjusted for covariates: a standardised risk difference per definition, visit and way to treat
//! the unobserved.

use super::population::{PopulationOptions, PopulationVariance, Randomization};
use super::population_means::{PopulationEstimate, PopulationMeans, PopulationMeasure};
use super::{GeneralizedModel, GlmOptions, NotFitted, Penalty};
use crate::design::MeanModel;
use crate::error::{Error, Result};
use crate::level::{check_level, percent};
use crate::means::ArmComparisons;
use crate::responders::{Assumption, Definition, Measure, Responders, Status, Unobserved};
use crate::table::{Column, Format, Tabular, by_reason, display_as_table};
use crate::trial::{Labelled, Outcome, Trial, labelled};

/// How adjusted risks are made.
///
/// | option | default | meaning |
/// |---|---|---|
/// | `covariates` | none | what the logistic model has beside the arm |
/// | `unobserved` | none: must be stated | one or more ways to treat the unobserved, each a row |
/// | `variance` | [`PopulationVariance::Ye`] | robust to a wrong model |
/// | `randomization`, `strata` | simple | how patients were randomized |
/// | `visits` | all evaluated | the visits shown |
/// | `reference` | the trial's first arm | the arm that others are compared with |
/// | `level` | 0.95 | confidence level |
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct RiskOptions {
    /// What the logistic model has beside the arm.
    pub covariates: Vec<String>,
    /// Ways to treat the unobserved.
    pub unobserved: Vec<Unobserved>,
    /// What the variance allows for.
    pub variance: PopulationVariance,
    /// How patients were randomized.
    pub randomization: Option<Randomization>,
    /// The factors of a stratified randomization.
    pub strata: Vec<String>,
    /// The visits shown.
    pub visits: Option<Vec<String>>,
    /// The arm that others are compared with.
    pub reference: Option<String>,
    /// Confidence level.
    pub level: f64,
}

/// An arm against the reference at one visit under one assumption about the unobserved, adjusted for covariates.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct AdjustedRisk {
    /// Name of the definition.
    pub definition: String,
    /// The visit.
    #[serde(flatten, serialize_with = "labelled::fields::visit")]
    pub visit: Labelled,
    /// The arm.
    #[serde(flatten, serialize_with = "labelled::fields::arm")]
    pub arm: Labelled,
    /// The arm it is compared with.
    #[serde(flatten, serialize_with = "labelled::fields::reference")]
    pub reference: Labelled,
    /// What is assumed of the unobserved.
    pub unobserved: Assumption,
    /// The risk of the population in the arm.
    pub in_arm: Measure,
    /// The risk of the population in the reference.
    pub in_reference: Measure,
    /// Arm minus reference.
    pub difference: Measure,
    /// The standard error of the difference.
    pub se: f64,
    /// Degrees of freedom; infinite for the normal distribution.
    pub df: f64,
    /// Two-sided p-value of no difference.
    pub p: f64,
    /// Arm over reference.
    pub risk_ratio: Measure,
    /// Arm over reference, of odds.
    pub odds_ratio: Measure,
    /// Patients in the model, of both arms and all others.
    pub analysed: usize,
    /// Whether Firth's penalised likelihood took the place of maximum likelihood, whose estimates did not exist.
    pub penalised: bool,
    /// Why there is no estimate, where there is none.
    pub not_estimable: Option<String>,
}

/// Risks of responder definitions adjusted for covariates.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct AdjustedRisks {
    /// One row per definition, visit, way to treat the unobserved and compared arm.
    pub rows: Vec<AdjustedRisk>,
    /// The definitions they are of.
    pub definitions: Vec<Definition>,
    /// How they were made.
    pub options: RiskOptions,
    pub(super) notes: Vec<String>,
}

impl RiskOptions {
    /// With the unobserved treated in each of the given ways.
    pub fn new(unobserved: impl IntoIterator<Item = Unobserved>) -> Self {
        Self {
            covariates: vec![],
            unobserved: unobserved.into_iter().collect(),
            variance: PopulationVariance::Ye,
            randomization: None,
            strata: vec![],
            visits: None,
            reference: None,
            level: 0.95,
        }
    }

    /// Adjusted for these covariates.
    pub fn covariates<S: Into<String>>(mut self, covariates: impl IntoIterator<Item = S>) -> Self {
        self.covariates = covariates.into_iter().map(Into::into).collect();
        self
    }

    /// With this variance.
    pub fn variance(mut self, variance: PopulationVariance) -> Self {
        self.variance = variance;
        self
    }

    /// With this randomization scheme, within the strata of these factors.
    pub fn randomization<S: Into<String>>(mut self, scheme: Option<Randomization>, strata: impl IntoIterator<Item = S>) -> Self {
        self.randomization = scheme;
        self.strata = strata.into_iter().map(Into::into).collect();
        self
    }

    /// The visits to show.
    pub fn visits<S: Into<String>>(mut self, visits: impl IntoIterator<Item = S>) -> Self {
        self.visits = Some(visits.into_iter().map(Into::into).collect());
        self
    }

    /// The arm that others are compared with.
    pub fn reference(mut self, arm: impl Into<String>) -> Self {
        self.reference = Some(arm.into());
        self
    }

    /// Confidence level, between 0 and 1.
    pub fn level(mut self, level: f64) -> Self {
        self.level = level;
        self
    }

    pub(super) fn population(&self, visit: &str, reference: &str) -> PopulationOptions {
        let options = PopulationOptions::default().visits([visit]).variance(self.variance).level(self.level);
        let mut options = options.arms(ArmComparisons::With(reference.into()));
        options.randomization = self.randomization;
        options.strata.clone_from(&self.strata);
        options
    }

    /// The randomization scheme, stated or by default.
    pub(crate) fn scheme(&self) -> Result<Randomization> {
        self.population("", "").scheme()
    }

    pub(super) fn check(&self, trial: &Trial) -> Result<()> {
        check_level(self.level)?;
        if trial.arms().len() < 2 {
            return Err(Error::nothing_to_compare("adjusted risks", "the trial has one arm", "use `responders::rates`"));
        }
        for name in self.covariates.iter().chain(&self.strata) {
            trial.variable(name)?;
        }
        self.scheme().map(|_| ())
    }

    /// The reference arm, as a position in the trial.
    pub(super) fn reference_of(&self, trial: &Trial) -> Result<usize> {
        match &self.reference {
            None => Ok(0),
            Some(arm) => trial.arms().iter().position(|a| a == arm).ok_or_else(|| Error::unknown("arm", arm, trial.arms())),
        }
    }

    /// The visits shown of a definition, as positions among those evaluated: with their places in the schedule.
    pub(super) fn visits_of(&self, responders: &Responders) -> Result<Vec<(usize, Labelled)>> {
        let at = |v: usize| Some((v, Labelled { index: responders.visit_indices[v]?, label: responders.visits[v].clone() }));
        match &self.visits {
            None => Ok((0..responders.visits.len()).filter_map(at).collect()),
            Some(wanted) => wanted
                .iter()
                .map(|w| {
                    let found = responders.visits.iter().position(|v| v == w).and_then(at);
                    found.ok_or_else(|| Error::unknown("visit", w, &responders.visits))
                })
                .collect(),
        }
    }
}

/// The risk of each definition in every arm against the reference, adjusted for covariates: a logistic model of the arm and
/// the covariates, standardised over everyone of whom the definition is known or assumed, once for each way to treat the
/// unobserved. Where covariates separate those who meet it from the others, Firth's penalised likelihood takes the place of
/// maximum likelihood.
///
/// Imputed outcomes ([`Unobserved::Imputed`]) are left to [`adjusted_risks_of_imputations`](super::adjusted_risks_of_imputations).
///
/// ```
/// use trialstats::generalized::{RiskOptions, adjusted_risks};
/// use trialstats::responders::{Definition, Rule, Unobserved};
/// use trialstats::Layout;
///
/// let layout = Layout::long("PATIENT", "THERAPY", "VISIT").reference_arm("PLACEBO").outcome("CHANGE").covariate("BASVAL");
/// let trial = layout.read_csv("data-samples/antidepressant/antidepressant.csv")?;
/// let improved = Definition::new("improved", Rule::at_most("CHANGE", -8.0)).evaluate(&trial)?;
/// let options = RiskOptions::new([Unobserved::CountedAsNotMet, Unobserved::ObservedOnly]).covariates(["BASVAL"]).visits(["7"]);
/// println!("{}", adjusted_risks(&trial, &[improved], &options)?);
/// # Ok::<(), trialstats::Error>(())
/// ```
///
/// # Errors
/// [`Error::Unknown`] for a covariate, stratification factor, arm or visit that there is not; [`Error::Invalid`] for a trial
/// of one arm, a level outside (0, 1), strata without a scheme, no way to treat the unobserved, or two definitions of one
/// name. What the data do not determine is a row that says so.
pub fn adjusted_risks(trial: &Trial, responders: &[Responders], options: &RiskOptions) -> Result<AdjustedRisks> {
    options.check(trial)?;
    crate::responders::check_names(responders)?;
    let ways: Vec<Assumption> = options.unobserved.iter().flat_map(|way| way.assumptions().iter().copied()).collect();
    if options.unobserved.is_empty() {
        return Err(Error::incomplete(
            "adjusted risks",
            "nothing is said about patients who were not observed",
            "name at least one `Unobserved`",
        ));
    }
    let reference = options.reference_of(trial)?;
    let mut rows = vec![];
    for of in responders {
        for (visit, label) in options.visits_of(of)? {
            for &way in &ways {
                let values = outcomes(of, visit, way, reference);
                let place = Place { definition: &of.definition.name, visit: &label, way, reference };
                rows.extend(risks(trial, &values, &place, options)?);
            }
        }
    }
    let notes = notes(options);
    Ok(AdjustedRisks { rows, definitions: responders.iter().map(|r| r.definition.clone()).collect(), options: options.clone(), notes })
}

/// What a row is about.
pub(super) struct Place<'a> {
    pub definition: &'a str,
    pub visit: &'a Labelled,
    pub way: Assumption,
    pub reference: usize,
}

/// One if met, zero if not, NaN of those who are left out, patient by patient.
fn outcomes(of: &Responders, visit: usize, way: Assumption, reference: usize) -> Vec<f64> {
    let outcome = |patient: usize| {
        let status = of.status(patient, visit);
        let in_reference = of.arm_of[patient] == reference;
        let unknown = match way {
            Assumption::ObservedOnly | Assumption::Imputed => f64::NAN,
            Assumption::CountedAsNotMet => 0.0,
            Assumption::Lowest => f64::from(u8::from(in_reference)),
            Assumption::Highest => f64::from(u8::from(!in_reference)),
            Assumption::LastObserved => match of.carried.get(patient * of.visits.len() + visit) {
                Some(Status::Met) => 1.0,
                Some(Status::NotMet) => 0.0,
                _ => f64::NAN,
            },
        };
        match status {
            Status::Met => 1.0,
            Status::NotMet => 0.0,
            Status::NotEligible => f64::NAN,
            Status::Unobserved | Status::Undecided | Status::EligibilityUnknown => unknown,
        }
    };
    (0..of.patients.len()).map(outcome).collect()
}

/// The outcome that a definition is in the model.
const MET: &str = "(definition met)";

/// The standardised risks of a binary outcome at a visit, and whether the likelihood was penalised.
pub(super) fn standardised(
    trial: &Trial,
    values: &[f64],
    visit: &Labelled,
    reference: usize,
    options: &RiskOptions,
) -> Result<(PopulationMeans, bool)> {
    let visits = trial.schedule().len();
    let mut outcome = vec![f64::NAN; values.len() * visits];
    values.iter().enumerate().for_each(|(i, y)| outcome[i * visits + visit.index] = *y);
    let trial = trial.with_outcome_of_variable(Outcome { name: MET.into(), label: MET.into(), range: None, values: outcome });
    let mean = options.covariates.iter().fold(MeanModel::outcome(MET).covariate("arm"), |mean, name| mean.covariate(name));
    let model = GeneralizedModel::new(mean).visits([visit.label.as_str()]);
    let likelihood = model.fit_independent(&trial, &GlmOptions::default());
    let (fit, penalised) = match likelihood {
        Err(Error::NotFitted(NotFitted::Separated { .. })) => {
            (model.fit_independent(&trial, &GlmOptions::default().penalty(Penalty::Firth))?, true)
        }
        other => (other?, false),
    };
    Ok((fit.population_means(&options.population(&visit.label, &trial.arms()[reference]))?, penalised))
}

fn risks(trial: &Trial, values: &[f64], place: &Place, options: &RiskOptions) -> Result<Vec<AdjustedRisk>> {
    let others = (0..trial.arms().len()).filter(|&arm| arm != place.reference);
    let found = match standardised(trial, values, place.visit, place.reference, options) {
        Ok(found) => found,
        // A model too rich for a definition that few meet, or an arm or stratum with nobody: the row says so.
        Err(error) if matches!(error.code(), "no-data" | "not-defined" | "no-solution" | "singular-information" | "no-patients") => {
            let why = error.to_string();
            return Ok(others
                .map(|arm| AdjustedRisk { not_estimable: Some(why.clone()), ..AdjustedRisk::blank(trial, arm, place) })
                .collect());
        }
        Err(other) => return Err(other),
    };
    let (means, penalised) = found;
    let visit = place.visit.index;
    let row = |arm: usize| {
        let mut row = AdjustedRisk { analysed: means.patients, penalised, ..AdjustedRisk::blank(trial, arm, place) };
        let of = |measure| means.compared(measure, arm, place.reference, visit);
        row.in_arm = measure(means.mean(arm, visit));
        row.in_reference = measure(means.mean(place.reference, visit));
        row.risk_ratio = measure(of(PopulationMeasure::Ratio));
        row.odds_ratio = measure(of(PopulationMeasure::OddsRatio));
        if let Some(difference) = of(PopulationMeasure::Difference) {
            row.difference = measure(Some(difference));
            (row.se, row.df, row.p) = (difference.se, difference.df, difference.p);
            row.not_estimable.clone_from(&difference.not_estimable);
        }
        row
    };
    Ok(others.map(row).collect())
}

fn measure(of: Option<&PopulationEstimate>) -> Measure {
    of.map_or(Measure::new(f64::NAN, f64::NAN, f64::NAN), |row| Measure::new(row.estimate, row.lower, row.upper))
}

pub(super) fn notes(options: &RiskOptions) -> Vec<String> {
    let adjusted = match options.covariates.is_empty() {
        true => "a logistic model of the arm alone".to_string(),
        false => {
            let (last, others) = options.covariates.split_last().map_or(("", &[][..]), |(last, others)| (last.as_str(), others));
            let others: String = others.iter().map(|name| format!(", {name}")).collect();
            format!("a logistic model of the arm{others} and {last}")
        }
    };
    let scheme = options.randomization.unwrap_or_default();
    let strata = if options.strata.is_empty() { String::new() } else { format!(" (strata: {})", options.strata.join(", ")) };
    let variance = match options.variance {
        PopulationVariance::Ye => format!("SE robust to the model, under {}{strata} (Ye et al. 2023)", scheme.words()),
        PopulationVariance::Ge => "SE by the delta method, the covariates as given (Ge et al. 2011)".into(),
        PopulationVariance::Sampled => "SE by the delta method, with the variance of the predictions over n (Qu & Luo 2015)".into(),
    };
    vec![format!("Adjusted: {adjusted}, standardised over its patients; {variance}. {} intervals.", percent(options.level))]
}

impl AdjustedRisk {
    pub(super) fn blank(trial: &Trial, arm: usize, place: &Place) -> Self {
        let nan = f64::NAN;
        let none = Measure::new(nan, nan, nan);
        Self {
            definition: place.definition.into(),
            visit: place.visit.clone(),
            arm: Labelled::among(trial.arms(), arm),
            reference: Labelled::among(trial.arms(), place.reference),
            unobserved: place.way,
            in_arm: none,
            in_reference: none,
            difference: none,
            se: nan,
            df: nan,
            p: nan,
            risk_ratio: none,
            odds_ratio: none,
            analysed: 0,
            penalised: false,
            not_estimable: None,
        }
    }
}

impl AdjustedRisks {
    /// The row of a definition, an arm and a way to treat the unobserved at a visit, arm and visit by their positions.
    pub fn row(&self, definition: &str, visit: usize, arm: usize, unobserved: Assumption) -> Option<&AdjustedRisk> {
        let is =
            |r: &&AdjustedRisk| r.definition == definition && r.visit.index == visit && r.arm.index == arm && r.unobserved == unobserved;
        self.rows.iter().find(is)
    }

    /// The arm and its reference, where all rows compare the same two.
    pub(crate) fn only_pair(&self) -> Option<(&Labelled, &Labelled)> {
        let first = self.rows.first()?;
        let same = |r: &AdjustedRisk| (r.arm.index, r.reference.index) == (first.arm.index, first.reference.index);
        self.rows.iter().all(same).then_some((&first.arm, &first.reference))
    }

    /// With a sentence more among the notes.
    pub fn noted(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// With the rows of another table of the same definitions, such as those of imputed outcomes, after the rows of their
    /// definition.
    pub fn and(mut self, other: AdjustedRisks) -> Self {
        for row in other.rows {
            let after = self.rows.iter().rposition(|r| r.definition == row.definition && r.visit.index == row.visit.index);
            self.rows.insert(after.map_or(self.rows.len(), |at| at + 1), row);
        }
        self.notes.extend(other.notes.into_iter().filter(|note| !self.notes.contains(note)).collect::<Vec<_>>());
        self
    }
}

impl Tabular for AdjustedRisks {
    fn title(&self) -> String {
        "Risks of each definition adjusted for covariates".into()
    }

    fn columns(&self) -> Vec<Column> {
        let rows = || self.rows.iter();
        let share = |name: &'static str, heading: &str, get: fn(&AdjustedRisk) -> f64| {
            Column::real(name, heading, Format::Percent, rows().map(get))
        };
        let ratio = |name: &'static str, heading: &str, get: fn(&AdjustedRisk) -> f64| {
            Column::real(name, heading, Format::Decimals(2), rows().map(get))
        };
        vec![
            Column::text("definition", "Definition", rows().map(|r| &r.definition)),
            Column::text("visit", "Visit", rows().map(|r| &r.visit.label)),
            Column::text("arm", "Arm", rows().map(|r| &r.arm.label)),
            Column::text("reference", "Reference", rows().map(|r| &r.reference.label)),
            Column::text("unobserved", "Unobserved", rows().map(|r| r.unobserved.words())),
            Column::count("analysed", "n", rows().map(|r| r.analysed)),
            share("risk", "Risk", |r| r.in_arm.estimate),
            share("reference_risk", "Risk, reference", |r| r.in_reference.estimate),
            share("risk_difference", "Difference", |r| r.difference.estimate),
            share("risk_difference_lower", "Lower", |r| r.difference.lower),
            share("risk_difference_upper", "Upper", |r| r.difference.upper),
            Column::real("se", "SE", Format::Decimals(4), rows().map(|r| r.se)),
            Column::real("p", "p", Format::Probability, rows().map(|r| r.p)),
            ratio("risk_ratio", "Risk ratio", |r| r.risk_ratio.estimate),
            ratio("risk_ratio_lower", "Lower", |r| r.risk_ratio.lower),
            ratio("risk_ratio_upper", "Upper", |r| r.risk_ratio.upper),
            ratio("odds_ratio", "Odds ratio", |r| r.odds_ratio.estimate),
            ratio("odds_ratio_lower", "Lower", |r| r.odds_ratio.lower),
            ratio("odds_ratio_upper", "Upper", |r| r.odds_ratio.upper),
        ]
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = self.notes.clone();
        let place = |r: &AdjustedRisk| format!("{} at {} (unobserved {})", r.definition, r.visit, r.unobserved.words());
        let penalised: Vec<String> = self.rows.iter().filter(|r| r.penalised).map(place).collect();
        if !penalised.is_empty() {
            notes.push(format!(
                "By Firth's penalised likelihood, since covariates or arms separate those who meet the definition from the others: {}.",
                unique(penalised).join("; ")
            ));
        }
        let reasons = self.rows.iter().filter_map(|r| Some((place(r), r.not_estimable.as_deref()?)));
        notes.extend(by_reason(reasons).into_iter().map(|(why, places)| format!("Not estimable: {} ({why}).", unique(places).join("; "))));
        notes
    }
}

fn unique(mut places: Vec<String>) -> Vec<String> {
    places.dedup();
    places
}

display_as_table!(AdjustedRisks);
