//! Rates per arm and visit, with what was done about the unobserved.

use super::{Definition, Measure, Proportion, Responders, Status, ZeroCells};
use crate::error::{Error, Result};
use crate::level::check_level;
use crate::options::choices;
use crate::table::{Column, Format, Tabular, display_as_table};
use crate::trial::{Labelled, labelled};

/// What is done with patients of whom it was not observed whether they meet a definition. There is no default.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unobserved {
    /// They are left out of the denominator. Unbiased only if being observed has nothing to do with the result.
    ObservedOnly,
    /// They stay in the denominator as not meeting the definition, as if all of them had failed treatment.
    CountedAsNotMet,
    /// Two extremes: none of them meets it and all of them do; in a comparison, each extreme in the arm where it
    /// lowers or raises the difference. Nothing can lie outside.
    Bounds,
    /// They are as they were when last observed, baseline included: the last observation carried forward. It takes for
    /// granted that nothing changes once a patient is not seen, which is rarely so; never a default.
    LastObserved,
    /// Their scores are imputed many times by a model and then classified, and the results pooled by Rubin's rules. It has
    /// no counts, only [adjusted risks](crate::generalized::AdjustedRisks).
    Imputed,
}

choices! {
    Unobserved, "handling of unobserved patients":
    ObservedOnly = "observed-only", [], "left out of the denominator";
    CountedAsNotMet = "counted-as-not-met", ["non-responder"], "kept in the denominator as not meeting the definition";
    Bounds = "bounds", [], "two extremes: none of them meets it, all of them do";
    LastObserved = "last-observed", ["locf", "last-observation-carried-forward"], "as they were when last observed, baseline included";
    Imputed = "multiple-imputation", ["imputed", "mi"], "their scores imputed many times, then classified; adjusted risks only";
}

/// What a single rate assumes of the unobserved.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Assumption {
    /// They are left out.
    ObservedOnly,
    /// They do not meet the definition.
    CountedAsNotMet,
    /// The lower of the two extremes of [`Unobserved::Bounds`].
    Lowest,
    /// The higher of the two extremes.
    Highest,
    /// They are as they were when last observed.
    LastObserved,
    /// Their scores were imputed many times and classified.
    Imputed,
}

choices! {
    Assumption, "assumption about unobserved patients":
    ObservedOnly = "observed-only", [], "left out";
    CountedAsNotMet = "counted-as-not-met", [], "they do not meet the definition";
    Lowest = "lowest", [], "the lower of the two extremes";
    Highest = "highest", [], "the higher of the two extremes";
    LastObserved = "last-observed", [], "as they were when last observed";
    Imputed = "multiple-imputation", [], "their scores imputed many times, then classified";
}

impl Assumption {
    /// As tables print it.
    pub fn words(self) -> &'static str {
        match self {
            Assumption::ObservedOnly => "left out",
            Assumption::CountedAsNotMet => "not met",
            Assumption::Lowest => "lowest",
            Assumption::Highest => "highest",
            Assumption::LastObserved => "as last observed",
            Assumption::Imputed => "imputed",
        }
    }

    fn note(self) -> &'static str {
        match self {
            Assumption::ObservedOnly => "Unobserved left out: the rate is of the patients observed.",
            Assumption::CountedAsNotMet => {
                "Unobserved not met: the rate is of all eligible patients randomized, the unobserved among them as not meeting the definition."
            }
            Assumption::Lowest | Assumption::Highest => {
                "Unobserved lowest, highest: bounds; the rate is of all eligible patients randomized, with the unobserved at the two extremes; each row has the sampling interval of its extreme."
            }
            Assumption::LastObserved => {
                "Unobserved as last observed: what a patient's last observation says is carried forward, baseline included; the rate is of all eligible \
                 patients with any observation."
            }
            Assumption::Imputed => {
                "Unobserved imputed: scores are imputed many times, classified, and the results pooled by Rubin's rules."
            }
        }
    }
}

impl Unobserved {
    pub(crate) fn assumptions(self) -> &'static [Assumption] {
        match self {
            Unobserved::ObservedOnly => &[Assumption::ObservedOnly],
            Unobserved::CountedAsNotMet => &[Assumption::CountedAsNotMet],
            Unobserved::Bounds => &[Assumption::Lowest, Assumption::Highest],
            Unobserved::LastObserved => &[Assumption::LastObserved],
            // Imputed patients cannot be counted.
            Unobserved::Imputed => &[],
        }
    }
}

/// How rates and their comparisons are made.
///
/// | option | default | meaning |
/// |---|---|---|
/// | `unobserved` | none: must be stated | one or more ways to treat the unobserved, each a row |
/// | `level` | 0.95 | confidence level |
/// | `visits` | all evaluated | the visits shown |
/// | `reference` | the trial's first arm | the arm that others are compared with |
/// | `zero_cells` | [`ZeroCells::NoInterval`] | ratios with an empty cell |
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct RateOptions {
    pub(super) unobserved: Vec<Unobserved>,
    pub(crate) level: f64,
    pub(super) visits: Option<Vec<String>>,
    pub(super) reference: Option<String>,
    pub(super) zero_cells: ZeroCells,
}

impl RateOptions {
    /// With the unobserved treated in each of the given ways.
    pub fn new(unobserved: impl IntoIterator<Item = Unobserved>) -> Self {
        Self { unobserved: unobserved.into_iter().collect(), level: 0.95, visits: None, reference: None, zero_cells: ZeroCells::default() }
    }

    /// Confidence level, between 0 and 1.
    pub fn level(mut self, level: f64) -> Self {
        self.level = level;
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

    /// What ratios do with empty cells.
    pub fn zero_cells(mut self, zero_cells: ZeroCells) -> Self {
        self.zero_cells = zero_cells;
        self
    }

    pub(crate) fn check(&self) -> Result<()> {
        if self.unobserved.is_empty() {
            return Err(Error::incomplete(
                "rates",
                "nothing is said about patients who were not observed",
                "name at least one `Unobserved`",
            ));
        }
        if self.assumptions().next().is_none() {
            return Err(Error::not_built(
                "rates of imputed outcomes",
                "they differ by data set, so that nobody can be counted",
                "name another `Unobserved` too; adjusted risks take imputed outcomes",
            ));
        }
        check_level(self.level)
    }

    pub(crate) fn assumptions(&self) -> impl Iterator<Item = Assumption> + '_ {
        self.unobserved.iter().flat_map(|u| u.assumptions().iter().copied())
    }

    /// The positions of the visits shown among those evaluated.
    pub(crate) fn visits_of(&self, evaluated: &[String]) -> Result<Vec<usize>> {
        match &self.visits {
            None => Ok((0..evaluated.len()).collect()),
            Some(wanted) => {
                let place = |v: &String| evaluated.iter().position(|w| w == v).ok_or_else(|| Error::unknown("visit", v, evaluated));
                wanted.iter().map(place).collect()
            }
        }
    }

    /// The position of the arm that others are compared with.
    pub(crate) fn reference_of(&self, arms: &[String]) -> Result<usize> {
        if arms.len() < 2 {
            return Err(Error::nothing_to_compare("a comparison of arms", "the trial has one arm", "use `rates`"));
        }
        match &self.reference {
            None => Ok(0),
            Some(arm) => arms.iter().position(|a| a == arm).ok_or_else(|| Error::unknown("arm", arm, arms)),
        }
    }
}

/// How the patients of one arm stand at one visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub(super) struct Tally {
    pub met: usize,
    pub not_met: usize,
    pub unobserved: usize,
    pub undecided: usize,
    pub eligibility_unknown: usize,
    pub not_eligible: usize,
    /// Eligible patients who meet the definition as last observed, and all of whom that is known.
    pub carried: (usize, usize),
}

impl Tally {
    pub fn of(responders: &Responders, arm: usize, visit: usize) -> Self {
        let mut tally = Self::default();
        for status in responders.of_arm(arm, visit) {
            *match status {
                Status::Met => &mut tally.met,
                Status::NotMet => &mut tally.not_met,
                Status::Unobserved => &mut tally.unobserved,
                Status::Undecided => &mut tally.undecided,
                Status::EligibilityUnknown => &mut tally.eligibility_unknown,
                Status::NotEligible => &mut tally.not_eligible,
            } += 1;
        }
        for status in responders.carried_of_arm(arm, visit) {
            tally.carried.0 += usize::from(status == Status::Met);
            tally.carried.1 += usize::from(matches!(status, Status::Met | Status::NotMet));
        }
        tally
    }

    pub fn observed(self) -> usize {
        self.met + self.not_met
    }

    /// Patients of whom it is not known whether they meet the definition.
    pub fn unknown(self) -> usize {
        self.unobserved + self.undecided + self.eligibility_unknown
    }

    /// All but those known not to be eligible.
    pub fn eligible(self) -> usize {
        self.observed() + self.unknown()
    }

    pub fn randomized(self) -> usize {
        self.eligible() + self.not_eligible
    }

    pub fn under(self, assumption: Assumption) -> Proportion {
        let everyone = self.eligible();
        match assumption {
            Assumption::ObservedOnly => Proportion { met: self.met, of: self.observed() },
            Assumption::CountedAsNotMet | Assumption::Lowest => Proportion { met: self.met, of: everyone },
            Assumption::Highest => Proportion { met: self.met + self.unknown(), of: everyone },
            Assumption::LastObserved | Assumption::Imputed => Proportion { met: self.carried.0, of: self.carried.1 },
        }
    }
}

/// A rate: one definition, visit, arm and assumption.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Rate {
    /// Name of the definition.
    pub definition: String,
    /// Visit.
    pub visit: String,
    /// The position of the visit in the trial's schedule; none of a share of the whole trial.
    pub visit_index: Option<usize>,
    /// Arm.
    #[serde(flatten, serialize_with = "labelled::fields::arm")]
    pub arm: Labelled,
    /// What is assumed of the unobserved.
    pub unobserved: Assumption,
    /// Patients who meet the definition under that assumption.
    pub met: usize,
    /// Denominator under that assumption.
    pub of: usize,
    /// The rate with Wilson's interval; NaN with an empty denominator.
    pub rate: Measure,
    /// Patients of the arm who were observed, and of whom it is known whether they meet the definition.
    pub observed: usize,
    /// Eligible patients of the arm who were not observed.
    pub not_observed: usize,
    /// Eligible patients of the arm who were observed, but for whom the definition is not defined: a percentage of a
    /// baseline at the floor. They are treated as the unobserved are.
    pub undecided: usize,
    /// Patients of the arm of whom it is not known whether they fulfil what is required at baseline. They are treated as
    /// the unobserved are.
    pub eligibility_unknown: usize,
    /// Patients of the arm known not to fulfil what is required at baseline, in no denominator.
    pub not_eligible: usize,
    /// Patients randomized to the arm.
    pub randomized: usize,
}

impl Rate {
    /// Patients randomized to the arm but for those known not to be eligible.
    pub fn eligible(&self) -> usize {
        self.randomized - self.not_eligible
    }

    /// Patients who are neither observed nor known not to be eligible, kind by kind, as far as there are any:
    /// `6 unobserved, 2 undecided`.
    pub(crate) fn unknown_in_words(&self) -> String {
        let kinds = [
            (self.not_observed, Status::Unobserved),
            (self.undecided, Status::Undecided),
            (self.eligibility_unknown, Status::EligibilityUnknown),
        ];
        kinds.iter().filter(|(n, _)| *n > 0).map(|(n, kind)| format!("{n} {}", kind.words())).collect::<Vec<_>>().join(", ")
    }
}

/// Rates per definition, visit and arm.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct Rates {
    /// The rates.
    pub rows: Vec<Rate>,
    /// The definitions they are of.
    pub definitions: Vec<Definition>,
    /// How they were made.
    pub options: RateOptions,
}

/// The rate of each definition per visit and arm, once for each way to treat the unobserved.
///
/// # Errors
/// [`Error::Invalid`] if the options name no way to treat the unobserved or a level outside (0, 1), or if two
/// definitions have one name;
/// [`Error::Unknown`] for a visit that was not evaluated.
pub fn rates(responders: &[Responders], options: &RateOptions) -> Result<Rates> {
    options.check()?;
    check_names(responders)?;
    let mut rows = vec![];
    for r in responders {
        for visit in options.visits_of(&r.visits)? {
            for assumption in options.assumptions() {
                for arm in 0..r.arms.len() {
                    let tally = Tally::of(r, arm, visit);
                    let proportion = tally.under(assumption);
                    rows.push(Rate {
                        definition: r.definition.name.clone(),
                        visit: r.visits[visit].clone(),
                        visit_index: r.visit_indices[visit],
                        arm: Labelled::among(&r.arms, arm),
                        unobserved: assumption,
                        met: proportion.met,
                        of: proportion.of,
                        rate: proportion.wilson(options.level)?,
                        observed: tally.observed(),
                        not_observed: tally.unobserved,
                        undecided: tally.undecided,
                        eligibility_unknown: tally.eligibility_unknown,
                        not_eligible: tally.not_eligible,
                        randomized: tally.randomized(),
                    });
                }
            }
        }
    }
    Ok(Rates { rows, definitions: responders.iter().map(|r| r.definition.clone()).collect(), options: options.clone() })
}

impl Responders {
    /// The rates of this definition alone: see [`rates`].
    ///
    /// # Errors
    /// As [`rates`].
    pub fn rates(&self, options: &RateOptions) -> Result<Rates> {
        rates(std::slice::from_ref(self), options)
    }
}

/// Refuses two definitions of one name: nothing would tell their rows apart.
pub(crate) fn check_names(responders: &[Responders]) -> Result<()> {
    let name = |k: usize| &responders[k].definition.name;
    match (1..responders.len()).find(|&k| (0..k).any(|before| name(before) == name(k))) {
        None => Ok(()),
        Some(k) => Err(Error::named_twice(
            format!("two definitions called `{}`", name(k)),
            "the rows of a table are distinguished by that name",
            "give each definition a name of its own",
        )),
    }
}

/// Where nobody of an arm was observed by any definition, for a table's notes: each arm and visit once. The rows are
/// arm, visit and how many were observed.
pub(super) fn unobserved_notes<'a>(rows: impl Iterator<Item = (&'a Labelled, &'a str, usize)>) -> Vec<String> {
    let mut observed: Vec<((&Labelled, &str), usize)> = vec![];
    for (arm, visit, n) in rows {
        match observed.iter_mut().find(|(place, _)| *place == (arm, visit)) {
            Some((_, most)) => *most = n.max(*most),
            None => observed.push(((arm, visit), n)),
        }
    }
    let nobody = observed.into_iter().filter(|(_, most)| *most == 0);
    let note = |((arm, visit), _): ((&Labelled, &str), usize)| {
        format!(
            "Nobody in arm {arm} was observed at {visit}: there is no rate where the unobserved are left out, and any other rests \
             on what is assumed of them alone."
        )
    };
    nobody.map(note).collect()
}

/// What all tables of rates say of their definitions, the unobserved and the denominators.
pub(super) fn shared_notes(definitions: &[Definition], options: &RateOptions) -> Vec<String> {
    let mut notes: Vec<String> = definitions.iter().map(Definition::note).collect();
    for assumption in options.assumptions().map(Assumption::note) {
        if !notes.iter().any(|n| n == assumption) {
            notes.push(assumption.into());
        }
    }
    notes
}

impl Rates {
    /// What the numbers of patients are who are not among the observed, as far as there are any.
    fn notes_of_unknown(&self) -> Vec<String> {
        let any = |of: fn(&Rate) -> usize| self.rows.iter().any(|r| of(r) > 0);
        let notes = [
            (
                any(|r| r.undecided),
                "Undecided: observed, but a percentage of a baseline at the floor is not defined; treated as unobserved.",
            ),
            (
                any(|r| r.eligibility_unknown),
                "Eligibility unknown: it was not observed whether what the definition requires at baseline is fulfilled; treated as unobserved.",
            ),
            (any(|r| r.not_eligible), "Not eligible: known not to fulfil what the definition requires at baseline; in no denominator."),
        ];
        notes.into_iter().filter(|(is_there, _)| *is_there).map(|(_, note)| note.into()).collect()
    }
}

impl Tabular for Rates {
    fn title(&self) -> String {
        "Patients meeting each definition, by visit and arm".into()
    }

    fn columns(&self) -> Vec<Column> {
        let rows = || self.rows.iter();
        vec![
            Column::text("definition", "Definition", rows().map(|r| &r.definition)),
            Column::text("visit", "Visit", rows().map(|r| &r.visit)),
            Column::text("arm", "Arm", rows().map(|r| &r.arm.label)),
            Column::text("unobserved", "Unobserved", rows().map(|r| r.unobserved.words())),
            Column::count("met", "Met", rows().map(|r| r.met)),
            Column::count("of", "Of", rows().map(|r| r.of)),
            Column::real("rate", "Rate", Format::Percent, rows().map(|r| r.rate.estimate)),
            Column::real("lower", "Lower", Format::Percent, rows().map(|r| r.rate.lower)),
            Column::real("upper", "Upper", Format::Percent, rows().map(|r| r.rate.upper)),
            Column::count("observed", "Observed", rows().map(|r| r.observed)),
            Column::count("not_observed", "Not observed", rows().map(|r| r.not_observed)),
            Column::count("undecided", "Undecided", rows().map(|r| r.undecided)),
            Column::count("eligibility_unknown", "Eligibility unknown", rows().map(|r| r.eligibility_unknown)),
            Column::count("not_eligible", "Not eligible", rows().map(|r| r.not_eligible)),
            Column::count("randomized", "Randomized", rows().map(|r| r.randomized)),
        ]
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = shared_notes(&self.definitions, &self.options);
        notes.extend(self.notes_of_unknown());
        notes.push(format!("Interval: Wilson score, {}%, patients taken as independent.", percent(self.options.level)));
        notes.extend(unobserved_notes(self.rows.iter().map(|r| (&r.arm, r.visit.as_str(), r.observed))));
        notes
    }

    /// Counts and intervals in one cell each: all columns side by side would not fit a terminal.
    fn to_text_within(&self, width: usize) -> String {
        Lines(self).to_text_within(width)
    }
}

/// [`Rates`] in fewer columns.
struct Lines<'a>(&'a Rates);

impl Tabular for Lines<'_> {
    fn title(&self) -> String {
        self.0.title()
    }

    fn columns(&self) -> Vec<Column> {
        let rows = || self.0.rows.iter();
        let interval = |m: Measure| match m.estimate.is_nan() {
            true => String::new(),
            false => format!("{:.1}% ({:.1}–{:.1}%)", 100.0 * m.estimate, 100.0 * m.lower, 100.0 * m.upper),
        };
        vec![
            Column::text("definition", "Definition", rows().map(|r| &r.definition)),
            Column::text("visit", "Visit", rows().map(|r| &r.visit)),
            Column::text("arm", "Arm", rows().map(|r| &r.arm.label)),
            Column::text("unobserved", "Unobserved", rows().map(|r| r.unobserved.words())),
            Column::text("met", "Met", rows().map(|r| format!("{}/{}", r.met, r.of))),
            Column::text("rate", "Rate (interval)", rows().map(|r| interval(r.rate))),
            Column::text("observed", "Observed", rows().map(|r| format!("{} of {}", r.observed, r.eligible()))),
            Column::text("unknown", "Others", rows().map(Rate::unknown_in_words)),
            Column::count("not_eligible", "Not eligible", rows().map(|r| r.not_eligible)),
        ]
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = self.0.notes();
        notes.push("Observed: of those randomized to the arm who are not known to be ineligible. Others: the rest of these.".into());
        notes
    }
}

/// A level as a percentage without trailing zeros.
pub(super) fn percent(level: f64) -> String {
    let text = format!("{:.3}", 100.0 * level);
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

display_as_table!(Rates);
