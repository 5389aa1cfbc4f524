//! Response and remission adjusted for covariates: what a paper would say of them, their table, and their course.

use super::document::Section;
use super::figure::{ArmMeans, Figure, Interval, MeansOverTime, VisitPlace};
use super::methods::{listed, percent};
use super::sentences;
use super::suppressed::{self, HIDDEN, Shown};
use super::views::{definition_label, interval};
use super::words::Text;
use crate::analysis::{AnalysisResult, visit_in_prose};
use crate::generalized::{AdjustedRisk, AdjustedRisks};
use crate::responders::{Assumption, Definition, Measure, Rate, Rates};
use crate::table::{Column, Format, Tabular};
use crate::trial::Labelled;

/// The first definition in a sentence, and how far the others agree.
pub(super) fn sentences(result: &AnalysisResult) -> Vec<Text> {
    let (Some(adjusted), Some(rates)) = (&result.adjusted_risks, &result.rates) else { return vec![] };
    let Some(way) = stated(adjusted) else { return vec![] };
    let rows: Vec<&AdjustedRisk> = adjusted.rows.iter().filter(|r| r.unobserved == way).collect();
    let Some(first) = rates.definitions.first() else { return vec![] };
    let of_first = rows.iter().filter(|r| r.definition == first.name).filter_map(|row| of_definition(result, adjusted, rates, first, row));
    let mut found: Vec<Text> = of_first.collect();
    if rates.definitions.len() > 1 {
        found.extend(range(result, &rows));
    }
    found
}

/// The way to treat the unobserved that comes first; bounds are shown with the others.
fn stated(adjusted: &AdjustedRisks) -> Option<Assumption> {
    let ways = || adjusted.rows.iter().map(|r| r.unobserved);
    ways().find(|a| !matches!(a, Assumption::Lowest | Assumption::Highest)).or_else(|| ways().next())
}

/// `At 12 months, 36 of 77 patients (46.8%) in A and … met …; adjusted for …, the risk difference was …`.
fn of_definition(
    result: &AnalysisResult,
    adjusted: &AdjustedRisks,
    rates: &Rates,
    definition: &Definition,
    row: &AdjustedRisk,
) -> Option<Text> {
    let rate = |arm: &Labelled| {
        let of = |r: &&Rate| r.definition == definition.name && r.arm.index == arm.index && r.unobserved == row.unobserved;
        let found = rates.rows.iter().find(of).filter(|r| r.of > 0)?;
        Some(format!("{} of {} ({}) in {arm}", found.met, found.of, Format::Percent.apply(found.rate.estimate)))
    };
    let (arm, reference) = (rate(&row.arm)?, rate(&row.reference)?);
    let covariates: Vec<String> = adjusted.options.covariates.iter().map(|name| called(result, name)).collect();
    let how = if covariates.is_empty() { "Standardised".to_string() } else { format!("Adjusted for {}", listed(&covariates)) };
    let unobserved = match row.unobserved {
        Assumption::ObservedOnly => "those not observed left out",
        Assumption::CountedAsNotMet => "those not observed counted as not meeting it",
        Assumption::Lowest => "those not observed counted so that the difference is lowest",
        Assumption::Highest => "those not observed counted so that the difference is highest",
        Assumption::LastObserved => "those not observed as when last observed",
        Assumption::Imputed => "those not observed imputed",
    };
    let begun = format!("{}: at {}, {arm} and {reference} met the definition ({unobserved}).", definition.label, result.plan.visit());
    if let Some(why) = &row.not_estimable {
        return Some(Text::from(format!("{begun} The adjusted risk difference is not estimable: {why}.")));
    }
    let (style, points) = (result.plan.report.style, |x: f64| super::outcome::number(100.0 * x, 1));
    let limits = sentences::interval(style, result.plan.level, &points(row.difference.lower), &points(row.difference.upper));
    let text = format!(
        "{begun} {how}, the difference in risk ({} − {}) is {} percentage points{limits}, ",
        row.arm,
        row.reference,
        points(row.difference.estimate)
    );
    Some(Text::from(text).then(sentences::p(style, row.p)).then("."))
}

fn called(result: &AnalysisResult, name: &str) -> String {
    let known = result.plan.report.labels.iter().find(|(of, _)| of == name).map(|(_, label)| label.clone());
    let baseline = || format!("baseline {}", result.outcomes[0].label);
    known.unwrap_or_else(|| if name == "baseline" { baseline() } else { name.to_string() })
}

/// `Across the 8 definitions, adjusted risks range from … to … in A …`.
fn range(result: &AnalysisResult, rows: &[&AdjustedRisk]) -> Vec<Text> {
    let mut arms: Vec<&Labelled> = rows.iter().map(|r| &r.arm).collect();
    arms.dedup();
    arms.sort();
    arms.dedup();
    let of_arm = |arm: &Labelled| {
        let own: Vec<&&AdjustedRisk> = rows.iter().filter(|r| r.arm.index == arm.index && r.difference.estimate.is_finite()).collect();
        let first = own.first()?;
        let share = |x: f64| Format::Percent.apply(x);
        let ends = |of: fn(&AdjustedRisk) -> f64| {
            let values = || own.iter().map(|r| of(r));
            (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max))
        };
        let (risk, reference, difference) =
            (ends(|r| r.in_arm.estimate), ends(|r| r.in_reference.estimate), ends(|r| r.difference.estimate));
        let points = |x: f64| super::outcome::number(100.0 * x, 1);
        let apart = own.iter().filter(|r| r.difference.lower > 0.0 || r.difference.upper < 0.0).count();
        Some(Text::from(format!(
            "Across the {} definitions, adjusted risks range from {} to {} in {} and from {} to {} in {}, and their difference from {} to {} percentage \
             points; {} of the {}% intervals exclude zero.",
            own.len(),
            share(risk.0),
            share(risk.1),
            first.arm,
            share(reference.0),
            share(reference.1),
            first.reference,
            points(difference.0),
            points(difference.1),
            if apart == 0 { "none".to_string() } else { apart.to_string() },
            percent(result.plan.level)
        )))
    };
    arms.into_iter().filter_map(of_arm).collect()
}

/// The table of adjusted risks, under every way to treat the unobserved.
pub(super) fn table(result: &AnalysisResult, rates: &Rates, section: Section) -> Section {
    let Some(adjusted) = &result.adjusted_risks else { return section };
    let shown = suppressed::adjusted(adjusted, rates, result.plan.report.small_cells);
    section.table_as("adjusted_risks", &shown, &InWords { adjusted, shown: &shown, visit: result.plan.visit() })
}

/// Adjusted risks as a journal prints them.
struct InWords<'a> {
    adjusted: &'a AdjustedRisks,
    shown: &'a Shown<'a>,
    visit: String,
}

impl Tabular for InWords<'_> {
    fn title(&self) -> String {
        format!("Response and remission at {}, adjusted for covariates", self.visit)
    }

    fn columns(&self) -> Vec<Column> {
        let rows = || self.adjusted.rows.iter();
        let cell = |of: &dyn Fn(&AdjustedRisk) -> String| -> Vec<String> {
            rows().enumerate().map(|(k, r)| if self.shown.hides(k) { HIDDEN.into() } else { of(r) }).collect()
        };
        let pair = self.adjusted.only_pair().map(|(arm, reference)| (arm.to_string(), reference.to_string()));
        let (arm, reference) = pair.clone().unwrap_or_else(|| ("Arm".into(), "Reference".into()));
        let measure = |of: fn(&AdjustedRisk) -> Measure, format: Format| cell(&move |r: &AdjustedRisk| interval(of(r), format));
        let mut columns =
            vec![Column::text("definition", "Definition", rows().map(|r| definition_label(&self.adjusted.definitions, &r.definition)))];
        if pair.is_none() {
            columns.push(Column::text("arms", "Arms", rows().map(|r| format!("{} against {}", r.arm, r.reference))));
        }
        columns.extend([
            Column::text("unobserved", "Unobserved", rows().map(|r| r.unobserved.words())),
            Column::text("risk", &format!("{arm}, risk"), cell(&|r| share(r.in_arm.estimate))),
            Column::text("reference_risk", &format!("{reference}, risk"), cell(&|r| share(r.in_reference.estimate))),
            Column::text("risk_difference", "Difference (CI)", measure(|r| r.difference, Format::Percent)),
            Column::text("risk_ratio", "Risk ratio (CI)", measure(|r| r.risk_ratio, Format::Decimals(2))),
            Column::text("odds_ratio", "Odds ratio (CI)", measure(|r| r.odds_ratio, Format::Decimals(2))),
        ]);
        columns
    }

    fn notes(&self) -> Vec<String> {
        self.shown.notes()
    }
}

fn share(risk: f64) -> String {
    if risk.is_nan() { HIDDEN.into() } else { Format::Percent.apply(risk) }
}

/// The risks of a definition over time with bands, and the name of the figure; none of a trial with one visit after baseline.
pub(super) fn over_time(result: &AnalysisResult, definition: &Definition) -> Option<(String, Figure)> {
    let course = result.response_over_time.as_ref()?;
    let rows: Vec<&AdjustedRisk> = course.adjusted.rows.iter().filter(|r| r.definition == definition.name).collect();
    let mut visits: Vec<&Labelled> = rows.iter().map(|r| &r.visit).collect();
    visits.sort();
    visits.dedup();
    // What is too small to be shown at another visit is not drawn either.
    if visits.len() < 2 || suppressed::rates(&course.rates, result.plan.report.small_cells).hides_any() {
        return None;
    }
    let schedule = result.trial.schedule.visits();
    let risk = |arm: usize, visit: usize| {
        let in_arm = |r: &&&AdjustedRisk| r.visit.index == visit && r.arm.index == arm;
        let in_reference = |r: &&&AdjustedRisk| r.visit.index == visit && r.reference.index == arm;
        let own = rows.iter().find(in_arm).map(|r| r.in_arm);
        let found = own.or_else(|| rows.iter().find(in_reference).map(|r| r.in_reference));
        let part = |of: fn(Measure) -> f64| found.map_or(f64::NAN, |m| 100.0 * of(m));
        Interval::new(part(|m| m.estimate), (part(|m| m.lower), part(|m| m.upper)))
    };
    let counted = |arm: usize, visit: usize| {
        let of = |r: &&Rate| r.definition == definition.name && r.arm.index == arm && r.visit_index == Some(visit);
        course.rates.rows.iter().find(of).map_or_else(String::new, |r| format!("{}/{}", r.met, r.of))
    };
    let arm = |(position, label): (usize, &String)| ArmMeans {
        label: label.clone(),
        means: visits.iter().map(|v| risk(position, v.index)).collect(),
        n: visits.iter().map(|v| counted(position, v.index)).collect(),
    };
    let figure = MeansOverTime {
        title: format!("{} over time", definition.label),
        description: format!(
            "Risks adjusted for covariates with {}% confidence bands, arm by arm; patients not observed: {}. Beneath, the patients who meet the definition, \
             of those counted.",
            percent(result.plan.level),
            rows[0].unobserved.words()
        ),
        outcome: format!("{}: patients who meet it (%)", definition.label),
        visits: visits.iter().map(|v| VisitPlace { label: visit_in_prose(&v.label), time: schedule[v.index].time }).collect(),
        arms: result.trial.arms.iter().enumerate().map(arm).collect(),
        counted: "Met / counted".into(),
    }
    .draw();
    Some((format!("{}_over_time", file_name(&definition.name)), figure))
}

/// A name that a file can have.
fn file_name(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '_' }).collect()
}
