//! Two arms compared at a visit: risk difference, risk ratio, odds ratio and number needed to treat.

use super::rates::{Tally, check_names, percent, shared_notes, unobserved_notes};
use super::{
    Assumption, Definition, Measure, NumberNeeded, Proportion, RateOptions, Responders, ZeroCells, odds_ratio, risk_difference, risk_ratio,
};
use crate::error::Result;
use crate::table::{Column, Format, Tabular, display_as_table};
use crate::trial::{Labelled, labelled};

/// An arm against the reference at one visit under one assumption about the unobserved.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Comparison {
    /// Name of the definition.
    pub definition: String,
    /// Visit.
    pub visit: String,
    /// The position of the visit in the trial's schedule; none of a share of the whole trial.
    pub visit_index: Option<usize>,
    /// The arm.
    #[serde(flatten, serialize_with = "labelled::fields::arm")]
    pub arm: Labelled,
    /// The arm it is compared with.
    #[serde(flatten, serialize_with = "labelled::fields::reference")]
    pub reference: Labelled,
    /// What is assumed of the unobserved. `Lowest` and `Highest` are those of the difference: the unobserved of the
    /// arm do not meet the definition while those of the reference do, and the reverse.
    pub unobserved: Assumption,
    /// Who meets the definition in the arm.
    pub in_arm: Proportion,
    /// Who meets it in the reference.
    pub in_reference: Proportion,
    /// Observed in the arm, of those randomized to it who are not known to be ineligible.
    pub observed_in_arm: Proportion,
    /// Observed in the reference, likewise.
    pub observed_in_reference: Proportion,
    /// Patients of the arm known not to fulfil what is required at baseline, in no denominator.
    pub not_eligible_in_arm: usize,
    /// Patients of the reference known not to.
    pub not_eligible_in_reference: usize,
    /// Arm minus reference, Newcombe's interval.
    pub difference: Measure,
    /// Arm over reference, log interval.
    pub risk_ratio: Measure,
    /// Arm over reference, logit interval.
    pub odds_ratio: Measure,
    /// Number needed to treat with the arm rather than the reference.
    pub number_needed: NumberNeeded,
}

/// Comparisons per definition and visit.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct Comparisons {
    /// The comparisons.
    pub rows: Vec<Comparison>,
    /// The definitions they are of.
    pub definitions: Vec<Definition>,
    /// How they were made.
    pub options: RateOptions,
}

/// Every arm against the reference, per definition and visit, once for each way to treat the unobserved.
///
/// # Errors
/// [`Error::Invalid`](crate::Error::Invalid) if the options name no way to treat the unobserved or a level outside
/// (0, 1), if two definitions have one name, or if there is one arm only; [`Error::Unknown`](crate::Error::Unknown) for an
/// arm or visit that the trial lacks.
pub fn compare(responders: &[Responders], options: &RateOptions) -> Result<Comparisons> {
    options.check()?;
    check_names(responders)?;
    let mut rows = vec![];
    for r in responders {
        let reference = options.reference_of(&r.arms)?;
        for visit in options.visits_of(&r.visits)? {
            for assumption in options.assumptions() {
                for arm in (0..r.arms.len()).filter(|&a| a != reference) {
                    rows.push(comparison(r, visit, arm, reference, assumption, options)?);
                }
            }
        }
    }
    Ok(Comparisons { rows, definitions: responders.iter().map(|r| r.definition.clone()).collect(), options: options.clone() })
}

impl Responders {
    /// The comparisons of this definition alone: see [`compare`].
    ///
    /// # Errors
    /// As [`compare`].
    pub fn compare(&self, options: &RateOptions) -> Result<Comparisons> {
        compare(std::slice::from_ref(self), options)
    }
}

fn comparison(
    r: &Responders,
    visit: usize,
    arm: usize,
    reference: usize,
    assumption: Assumption,
    options: &RateOptions,
) -> Result<Comparison> {
    let (of_arm, of_reference) = (Tally::of(r, arm, visit), Tally::of(r, reference, visit));
    let opposite = match assumption {
        Assumption::Lowest => Assumption::Highest,
        Assumption::Highest => Assumption::Lowest,
        same => same,
    };
    let (in_arm, in_reference) = (of_arm.under(assumption), of_reference.under(opposite));
    let difference = risk_difference(in_arm, in_reference, options.level)?;
    let observed = |tally: Tally| Proportion { met: tally.observed(), of: tally.eligible() };
    Ok(Comparison {
        definition: r.definition.name.clone(),
        visit: r.visits[visit].clone(),
        visit_index: r.visit_indices[visit],
        arm: Labelled::among(&r.arms, arm),
        reference: Labelled::among(&r.arms, reference),
        unobserved: assumption,
        in_arm,
        in_reference,
        observed_in_arm: observed(of_arm),
        observed_in_reference: observed(of_reference),
        not_eligible_in_arm: of_arm.not_eligible,
        not_eligible_in_reference: of_reference.not_eligible,
        difference,
        risk_ratio: risk_ratio(in_arm, in_reference, options.level, options.zero_cells)?,
        odds_ratio: odds_ratio(in_arm, in_reference, options.level, options.zero_cells)?,
        number_needed: NumberNeeded::from_difference(difference, r.definition.meaning),
    })
}

/// The numbers of [`Comparisons`] with their intervals in one cell each, narrow enough for a page.
#[derive(Debug, Clone, Copy)]
pub struct ComparisonSummary<'a>(pub &'a Comparisons);

impl Comparisons {
    /// The same rows in fewer columns, as they are printed.
    pub fn summary(&self) -> ComparisonSummary<'_> {
        ComparisonSummary(self)
    }

    /// The arm and its reference, where all rows compare the same two.
    pub(crate) fn only_pair(&self) -> Option<(&Labelled, &Labelled)> {
        let first = self.rows.first()?;
        self.rows
            .iter()
            .all(|r| (r.arm.index, r.reference.index) == (first.arm.index, first.reference.index))
            .then_some((&first.arm, &first.reference))
    }

    fn measure(&self, names: [&'static str; 3], heading: &str, format: Format, of: impl Fn(&Comparison) -> Measure) -> [Column; 3] {
        let column =
            |name, heading: &str, part: fn(Measure) -> f64| Column::real(name, heading, format, self.rows.iter().map(|r| part(of(r))));
        [
            column(names[0], heading, |m| m.estimate),
            column(names[1], &format!("{heading}, lower"), |m| m.lower),
            column(names[2], &format!("{heading}, upper"), |m| m.upper),
        ]
    }
}

impl Tabular for Comparisons {
    fn title(&self) -> String {
        "Patients meeting each definition, arms compared".into()
    }

    fn columns(&self) -> Vec<Column> {
        let rows = || self.rows.iter();
        let mut columns = vec![
            Column::text("definition", "Definition", rows().map(|r| &r.definition)),
            Column::text("visit", "Visit", rows().map(|r| &r.visit)),
            Column::text("arm", "Arm", rows().map(|r| &r.arm.label)),
            Column::text("reference", "Reference", rows().map(|r| &r.reference.label)),
            Column::text("unobserved", "Unobserved", rows().map(|r| r.unobserved.words())),
            Column::count("met", "Met", rows().map(|r| r.in_arm.met)),
            Column::count("of", "Of", rows().map(|r| r.in_arm.of)),
            Column::count("observed", "Observed", rows().map(|r| r.observed_in_arm.met)),
            Column::count("eligible", "Eligible", rows().map(|r| r.observed_in_arm.of)),
            Column::count("not_eligible", "Not eligible", rows().map(|r| r.not_eligible_in_arm)),
            Column::count("reference_met", "Reference met", rows().map(|r| r.in_reference.met)),
            Column::count("reference_of", "Of", rows().map(|r| r.in_reference.of)),
            Column::count("reference_observed", "Observed", rows().map(|r| r.observed_in_reference.met)),
            Column::count("reference_eligible", "Eligible", rows().map(|r| r.observed_in_reference.of)),
            Column::count("reference_not_eligible", "Not eligible", rows().map(|r| r.not_eligible_in_reference)),
        ];
        let names = ["risk_difference", "risk_difference_lower", "risk_difference_upper"];
        columns.extend(self.measure(names, "Risk difference", Format::Percent, |r| r.difference));
        let names = ["risk_ratio", "risk_ratio_lower", "risk_ratio_upper"];
        columns.extend(self.measure(names, "Risk ratio", Format::Decimals(2), |r| r.risk_ratio));
        let names = ["odds_ratio", "odds_ratio_lower", "odds_ratio_upper"];
        columns.extend(self.measure(names, "Odds ratio", Format::Decimals(2), |r| r.odds_ratio));
        columns.push(Column::text("number_needed", "Number needed to treat", rows().map(|r| r.number_needed.to_string())));
        columns
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = shared_notes(&self.definitions, &self.options);
        if self.options.assumptions().any(|a| a == Assumption::Lowest) {
            notes.push(
                "Bounds are of the difference. Lowest: the unobserved of the arm do not meet the definition, those of the reference do; highest: the \
                 reverse."
                    .into(),
            );
        }
        notes.push(format!(
            "{}% intervals, patients taken as independent. Difference, arm − reference: Newcombe's hybrid score. Risk ratio: log (Katz). Odds ratio: logit \
             (Woolf). {}",
            percent(self.options.level),
            match self.options.zero_cells {
                ZeroCells::NoInterval => "A ratio with an empty cell has no interval.",
                ZeroCells::AddHalf => "A ratio with an empty cell has ½ added to each cell.",
            }
        ));
        notes.push(
            "Number needed to treat: reciprocal of the difference; NNTB for one more to benefit, NNTH for one more to be harmed. Where the interval of \
             the difference contains 0 it runs through infinity (Altman 1998)."
                .into(),
        );
        notes.extend(unobserved_notes(self.rows.iter().flat_map(|r| {
            let visit = r.visit.as_str();
            [(&r.arm, visit, r.observed_in_arm.met), (&r.reference, visit, r.observed_in_reference.met)]
        })));
        notes
    }

    /// A line a measure: all columns side by side would not fit a terminal.
    fn to_text_within(&self, width: usize) -> String {
        Lines(self).to_text_within(width)
    }
}

impl Tabular for ComparisonSummary<'_> {
    fn title(&self) -> String {
        self.0.title()
    }

    fn columns(&self) -> Vec<Column> {
        let rows = || self.0.rows.iter();
        let share = |p: Proportion| format!("{}/{} ({})", p.met, p.of, Format::Percent.apply(p.share()));
        let share = |p: Proportion| if p.of == 0 { "0/0".to_string() } else { share(p) };
        let two = Format::Decimals(2);
        vec![
            Column::text("definition", "Definition", rows().map(|r| &r.definition)),
            Column::text("visit", "Visit", rows().map(|r| &r.visit)),
            Column::text("arms", "Arms", rows().map(|r| format!("{} vs {}", r.arm, r.reference))),
            Column::text("unobserved", "Unobserved", rows().map(|r| r.unobserved.words())),
            Column::text("in_arm", "Arm", rows().map(|r| share(r.in_arm))),
            Column::text("in_reference", "Reference", rows().map(|r| share(r.in_reference))),
            Column::text("risk_difference", "Difference", rows().map(|r| with_interval(r.difference, Format::Percent))),
            Column::text("risk_ratio", "Risk ratio", rows().map(|r| with_interval(r.risk_ratio, two))),
            Column::text("odds_ratio", "Odds ratio", rows().map(|r| with_interval(r.odds_ratio, two))),
            Column::text("number_needed", "Number needed to treat", rows().map(|r| r.number_needed.to_string())),
        ]
    }

    fn notes(&self) -> Vec<String> {
        self.0.notes()
    }
}

/// [`Comparisons`] with a line a measure, narrow enough for a terminal.
struct Lines<'a>(&'a Comparisons);

impl Lines<'_> {
    const MEASURES: [&'static str; 4] = ["difference", "risk ratio", "odds ratio", "NNT"];

    fn cell(row: &Comparison, measure: usize) -> String {
        match measure {
            0 => with_interval(row.difference, Format::Percent),
            1 => with_interval(row.risk_ratio, Format::Decimals(2)),
            2 => with_interval(row.odds_ratio, Format::Decimals(2)),
            _ => row.number_needed.to_string(),
        }
    }

    /// One column of text; what is the same for all measures stands on the first line only.
    fn once(&self, name: &'static str, heading: &str, of: impl Fn(&Comparison) -> String) -> Column {
        let lines = self.0.rows.iter().flat_map(|r| {
            let mut lines = vec![String::new(); Self::MEASURES.len()];
            lines[0] = of(r);
            lines
        });
        Column::text(name, heading, lines)
    }
}

impl Tabular for Lines<'_> {
    fn title(&self) -> String {
        self.0.title()
    }

    fn columns(&self) -> Vec<Column> {
        let rows = &self.0.rows;
        let (arm, reference) = rows.first().map_or(("Arm", "Reference"), |r| (r.arm.as_ref(), r.reference.as_ref()));
        let one_pair = self.0.only_pair().is_some() || rows.is_empty();
        let mut columns =
            vec![self.once("definition", "Definition", |r| r.definition.clone()), self.once("visit", "Visit", |r| r.visit.clone())];
        if !one_pair {
            columns.push(self.once("arms", "Arms", |r| format!("{} vs {}", r.arm, r.reference)));
        }
        let heading = |own: &str, general: &str| if one_pair { own.to_string() } else { general.to_string() };
        columns.extend([
            self.once("unobserved", "Unobserved", |r| r.unobserved.words().to_string()),
            self.once("in_arm", &heading(arm, "Arm"), |r| format!("{}/{}", r.in_arm.met, r.in_arm.of)),
            self.once("in_reference", &heading(reference, "Reference"), |r| format!("{}/{}", r.in_reference.met, r.in_reference.of)),
            Column::text("measure", "Measure", rows.iter().flat_map(|_| Self::MEASURES)),
            Column::text("estimate", "Estimate (interval)", rows.iter().flat_map(|r| (0..4).map(|m| Self::cell(r, m)))),
        ]);
        columns
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = self.0.notes();
        if let Some(r) = self.0.rows.first() {
            notes.push(format!("Measures are those of the arm against the reference, {}.", r.reference));
        }
        notes
    }
}

/// `0.52 (0.31 to 0.88)`; without an interval the estimate alone, empty where there is none.
fn with_interval(m: Measure, format: Format) -> String {
    match (m.estimate.is_nan(), m.lower.is_nan()) {
        (true, _) => String::new(),
        (false, true) => format.apply(m.estimate),
        _ => format!("{} ({} to {})", format.apply(m.estimate), format.apply(m.lower), format.apply(m.upper)),
    }
}

display_as_table!(Comparisons, ComparisonSummary<'_>);
