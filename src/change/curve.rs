//! Cumulative responder curves: the share of each arm whose improvement reaches a cut-off, over all cut-offs.

use crate::effects::Scores;
use crate::error::{Error, Result};
use crate::level::{check_level, percent};
use crate::means::Better;
use crate::options::choices;
use crate::proportions::{Measure, Proportion, risk_difference};
use crate::responders::Assumption;
use crate::table::{Column, Format, Tabular, display_as_table};
use crate::trial::{BaselineFrom, Labelled, Trial, labelled};

/// What improvement is measured in.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum CurveScale {
    /// Points (the default).
    #[default]
    Points,
    /// Per cent of the baseline score, counted from the floor of the scale.
    Percent,
}

choices! {
    CurveScale, "scale of improvement":
    Points = "points", [], "points";
    Percent = "percent", [], "per cent of the baseline score";
}

/// Which cut-offs a curve has.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum CurveSteps {
    /// Every improvement that a patient made (the default): the whole curve, from which the change of each patient can be
    /// read.
    #[default]
    Every,
    /// Round numbers, at most 40 of them, which show no single patient.
    Rounded,
}

choices! {
    CurveSteps, "cut-offs of a curve":
    Every = "every", [], "every improvement that a patient made";
    Rounded = "rounded", [], "round numbers, which show no single patient";
}

/// How a cumulative responder curve is made.
///
/// | option | default | meaning |
/// |---|---|---|
/// | outcome, better | none: must be named | what improves, and in which direction |
/// | `visit` | the last | the visit looked at |
/// | `scale` | [`CurveScale::Points`] | points, or per cent of the baseline |
/// | `floor` | 0 | the score that stands for no symptoms, for per cent |
/// | `steps` | [`CurveSteps::Every`] | which cut-offs |
/// | `unobserved` | [`Assumption::CountedAsNotMet`] | what is assumed of the unobserved |
/// | `level` | 0.95 | confidence level, pointwise |
/// | `reference` | the trial's first arm | the arm that others are compared with |
/// | `baseline` | [`BaselineFrom::Visit`] | where the baseline is found |
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct CurveOptions {
    outcome: String,
    better: Better,
    visit: Option<String>,
    scale: CurveScale,
    floor: f64,
    steps: CurveSteps,
    unobserved: Assumption,
    level: f64,
    reference: Option<String>,
    baseline: BaselineFrom,
}

impl CurveOptions {
    /// The defaults for an outcome.
    pub fn new(outcome: impl Into<String>, better: Better) -> Self {
        Self {
            outcome: outcome.into(),
            better,
            visit: None,
            scale: CurveScale::default(),
            floor: 0.0,
            steps: CurveSteps::default(),
            unobserved: Assumption::CountedAsNotMet,
            level: 0.95,
            reference: None,
            baseline: BaselineFrom::default(),
        }
    }

    /// The visit looked at.
    pub fn visit(mut self, visit: impl Into<String>) -> Self {
        self.visit = Some(visit.into());
        self
    }

    /// Points, or per cent of the baseline score.
    pub fn scale(mut self, scale: CurveScale) -> Self {
        self.scale = scale;
        self
    }

    /// The score that stands for no symptoms, from which per cent are counted.
    pub fn floor(mut self, floor: f64) -> Self {
        self.floor = floor;
        self
    }

    /// Which cut-offs the curve has.
    pub fn steps(mut self, steps: CurveSteps) -> Self {
        self.steps = steps;
        self
    }

    /// What is assumed of patients whose improvement was not observed, or is not defined in per cent: not met, or left out.
    pub fn unobserved(mut self, unobserved: Assumption) -> Self {
        self.unobserved = unobserved;
        self
    }

    /// Confidence level, between 0 and 1.
    pub fn level(mut self, level: f64) -> Self {
        self.level = level;
        self
    }

    /// The arm that others are compared with.
    pub fn reference(mut self, arm: impl Into<String>) -> Self {
        self.reference = Some(arm.into());
        self
    }

    /// Where the baseline is found.
    pub fn baseline(mut self, baseline: BaselineFrom) -> Self {
        self.baseline = baseline;
        self
    }
}

/// The share of an arm that reaches a cut-off.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct CurvePoint {
    /// The improvement that is asked for, in the curve's scale; below 0 for a worsening of at most so much.
    pub cut_off: f64,
    /// The arm.
    #[serde(flatten, serialize_with = "labelled::fields::arm")]
    pub arm: Labelled,
    /// Patients who reach it.
    pub met: usize,
    /// Patients counted.
    pub of: usize,
    /// The share with Wilson's interval.
    pub share: Measure,
    /// The share less that of the reference, Newcombe's interval; NaN of the reference itself.
    pub difference: Measure,
}

/// The share of each arm whose improvement reaches each cut-off.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct ResponderCurves {
    /// Cut-off by cut-off, from the lowest, arm by arm.
    pub rows: Vec<CurvePoint>,
    /// The outcome's label.
    pub outcome: String,
    /// The visit.
    pub visit: String,
    /// The arms, as in the trial.
    pub arms: Vec<String>,
    /// The arm that others are compared with.
    pub reference: Labelled,
    /// Patients of each arm whose improvement is known, and those randomized.
    pub observed: Vec<Proportion>,
    /// How the curves were made.
    pub options: CurveOptions,
}

/// An improvement in points, and in per cent what it is a share of.
#[derive(Debug, Clone, Copy)]
struct Improvement {
    amount: f64,
    of: Option<f64>,
}

impl Improvement {
    fn value(self) -> f64 {
        self.of.map_or(self.amount, |of| 100.0 * self.amount / of)
    }

    /// Without the division, so that 20 of 40 is 50% exactly; a cut-off made of the patient's own improvement is reached.
    fn reaches(self, cut_off: f64) -> bool {
        match self.of {
            None => self.amount >= cut_off,
            Some(of) => 100.0 * self.amount >= cut_off * of || self.value() >= cut_off,
        }
    }
}

/// Cumulative responder curves (Farrar, Dworkin & Max 2006, *Journal of Pain and Symptom Management* 31:369–377,
/// doi:10.1016/j.jpainsymman.2005.08.018): for each cut-off the share of each arm that improved by at least so much, with
/// Wilson's interval, and its difference from the reference with Newcombe's. Bands are pointwise.
///
/// ```
/// use trialstats::change::{CurveOptions, responder_curves};
/// use trialstats::means::Better;
/// use trialstats::trial::BaselineFrom;
///
/// let trial = trialstats::Layout::long("PATIENT", "THERAPY", "VISIT")
///     .reference_arm("PLACEBO")
///     .outcome("HAMDTL17")
///     .covariate("BASVAL")
///     .read_csv("data-samples/antidepressant/antidepressant.csv")?;
/// let options = CurveOptions::new("HAMDTL17", Better::Lower).baseline(BaselineFrom::Covariate("BASVAL".into()));
/// let curves = responder_curves(&trial, &options)?;
/// let [placebo, drug] = [0, 1].map(|arm| curves.at(10.0, arm).expect("a patient improved by 10 points"));
/// assert_eq!(format!("{}/{} {}/{}", placebo.met, placebo.of, drug.met, drug.of), "12/88 28/84");
/// # Ok::<(), trialstats::Error>(())
/// ```
///
/// # Errors
/// [`Error::Unknown`] for an outcome, visit or arm that the trial lacks; [`Error::Invalid`] where there is no baseline,
/// nobody was observed, for a level outside (0, 1), a floor that is not finite, and for assumptions about the unobserved other
/// than these two.
pub fn responder_curves(trial: &Trial, options: &CurveOptions) -> Result<ResponderCurves> {
    check(options)?;
    let scores = Scores::new(trial, &options.outcome, &options.baseline)?;
    let visit = visit_of(trial, options)?;
    let arms = trial.arms().to_vec();
    let reference = match &options.reference {
        None => 0,
        Some(arm) => arms.iter().position(|a| a == arm).ok_or_else(|| Error::unknown("arm", arm, &arms))?,
    };
    let before = scores.baseline()?;
    let improvement = |patient: usize| improvement(options, before[patient], scores.value(patient, visit));
    let by_arm: Vec<Vec<Improvement>> = (0..arms.len()).map(|arm| scores.patients_of(arm).filter_map(improvement).collect()).collect();
    let everyone: Vec<usize> = (0..arms.len()).map(|arm| scores.patients_of(arm).count()).collect();
    let reached = |arm: usize, cut_off: f64| Proportion {
        met: by_arm[arm].iter().filter(|i| i.reaches(cut_off)).count(),
        of: if options.unobserved == Assumption::ObservedOnly { by_arm[arm].len() } else { everyone[arm] },
    };
    let mut rows = vec![];
    for cut_off in cut_offs(&by_arm, options)? {
        for arm in 0..arms.len() {
            let here = reached(arm, cut_off);
            let none = Measure::new(f64::NAN, f64::NAN, f64::NAN);
            rows.push(CurvePoint {
                cut_off,
                arm: Labelled::among(&arms, arm),
                met: here.met,
                of: here.of,
                share: here.wilson(options.level)?,
                difference: if arm == reference { none } else { risk_difference(here, reached(reference, cut_off), options.level)? },
            });
        }
    }
    Ok(ResponderCurves {
        rows,
        outcome: scores.outcome.label.clone(),
        visit: trial.schedule().labels()[visit].to_string(),
        observed: by_arm.iter().zip(&everyone).map(|(known, all)| Proportion { met: known.len(), of: *all }).collect(),
        reference: Labelled::among(&arms, reference),
        arms,
        options: options.clone(),
    })
}

fn check(options: &CurveOptions) -> Result<()> {
    check_level(options.level)?;
    let what = || format!("responder curves of `{}`", options.outcome);
    if !options.floor.is_finite() {
        return Err(Error::not_finite(what(), format!("a floor of {} is no score", options.floor), "state the lowest score"));
    }
    match options.unobserved {
        Assumption::CountedAsNotMet | Assumption::ObservedOnly => Ok(()),
        other => Err(Error::not_built(
            what(),
            format!("the unobserved are not treated as `{other}` in a curve"),
            "count them as not met, or leave them out",
        )),
    }
}

fn visit_of(trial: &Trial, options: &CurveOptions) -> Result<usize> {
    let labels = trial.schedule().labels();
    match &options.visit {
        Some(visit) => labels.iter().position(|l| l == visit).ok_or_else(|| Error::unknown("visit", visit, &labels)),
        None => labels.len().checked_sub(1).ok_or_else(|| Error::no_data("responder curves", "the trial has no visit", "add visits")),
    }
}

/// The improvement of a patient; none where it was not observed, or is a share of nothing.
fn improvement(options: &CurveOptions, before: f64, after: f64) -> Option<Improvement> {
    let amount = if options.better == Better::Lower { before - after } else { after - before };
    let of = (options.scale == CurveScale::Percent).then_some(before - options.floor);
    (!amount.is_nan() && of.is_none_or(|of| of > 0.0)).then_some(Improvement { amount, of })
}

fn cut_offs(by_arm: &[Vec<Improvement>], options: &CurveOptions) -> Result<Vec<f64>> {
    let mut values: Vec<f64> = by_arm.iter().flatten().map(|i| i.value()).collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    let (Some(&lowest), Some(&highest)) = (values.first(), values.last()) else {
        return Err(Error::no_data(
            format!("responder curves of `{}`", options.outcome),
            "nobody was observed at baseline and at the visit",
            "name another visit",
        ));
    };
    if options.steps == CurveSteps::Every {
        return Ok(values);
    }
    let step = round_step((highest - lowest) / 38.0);
    let (first, last) = ((lowest / step).floor(), (highest / step).ceil());
    Ok((0..=(last - first) as usize).map(|k| multiple(first + k as f64, step)).collect())
}

/// A whole multiple of a round step, without the error of a decimal fraction: 0.3 for 3 and 0.1.
fn multiple(of: f64, step: f64) -> f64 {
    let decimals = (-step.log10().floor()).max(0.0) as usize;
    format!("{:.decimals$}", of * step).parse().unwrap_or(of * step)
}

/// The smallest of 1, 2, 5, 10, 20, … that is not below `least`; steps below 1 where the range is small.
fn round_step(least: f64) -> f64 {
    if least <= 0.0 {
        return 1.0;
    }
    let power = 10f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|k| k * power).find(|step| *step >= least).unwrap_or(10.0 * power)
}

impl ResponderCurves {
    /// The point of an arm, by its position in the trial, at a cut-off.
    pub fn at(&self, cut_off: f64, arm: usize) -> Option<&CurvePoint> {
        self.rows.iter().find(|point| point.cut_off == cut_off && point.arm.index == arm)
    }

    /// The points of an arm, by its position in the trial.
    pub fn of_arm(&self, arm: usize) -> impl Iterator<Item = &CurvePoint> {
        self.rows.iter().filter(move |point| point.arm.index == arm)
    }

    /// Whether the curve has every improvement that a patient made.
    pub(crate) fn has_every_step(&self) -> bool {
        self.options.steps == CurveSteps::Every
    }

    pub(crate) fn scale(&self) -> CurveScale {
        self.options.scale
    }

    pub(crate) fn level(&self) -> f64 {
        self.options.level
    }

    /// What became of the unobserved.
    pub(crate) fn unobserved_note(&self) -> &'static str {
        match self.options.unobserved {
            Assumption::ObservedOnly => "Patients whose improvement is not known are left out.",
            _ => "Patients whose improvement is not known are counted as not reaching any cut-off.",
        }
    }
}

impl Tabular for ResponderCurves {
    fn title(&self) -> String {
        format!("{}: patients who improved by at least so much at {}", self.outcome, self.visit)
    }

    fn columns(&self) -> Vec<Column> {
        let rows = || self.rows.iter();
        let heading = match self.options.scale {
            CurveScale::Points => "Improvement, points",
            CurveScale::Percent => "Improvement, per cent",
        };
        let mut columns = vec![
            Column::significant("cut_off", heading, 0, rows().map(|r| r.cut_off)),
            Column::text("arm", "Arm", rows().map(|r| &r.arm.label)),
            Column::count("met", "n", rows().map(|r| r.met)),
            Column::count("of", "Of", rows().map(|r| r.of)),
            Column::real("share", "Share", Format::Percent, rows().map(|r| r.share.estimate)),
            Column::real("lower", "Lower", Format::Percent, rows().map(|r| r.share.lower)),
            Column::real("upper", "Upper", Format::Percent, rows().map(|r| r.share.upper)),
        ];
        if self.arms.len() > 1 {
            columns.extend([
                Column::real("difference", "Difference", Format::Percent, rows().map(|r| r.difference.estimate)),
                Column::real("difference_lower", "Lower", Format::Percent, rows().map(|r| r.difference.lower)),
                Column::real("difference_upper", "Upper", Format::Percent, rows().map(|r| r.difference.upper)),
            ]);
        }
        columns
    }

    fn notes(&self) -> Vec<String> {
        let level = percent(self.options.level);
        let mut notes = vec![self.unobserved_note().to_string()];
        if self.options.scale == CurveScale::Percent {
            notes.push(format!("Per cent of the baseline score counted from {}; not known where that is 0 or less.", self.options.floor));
        }
        notes.push(format!("Intervals: Wilson score, {level}, pointwise: each holds for its cut-off, not for the whole curve."));
        if self.arms.len() > 1 {
            notes.push(format!("Difference: from {}, Newcombe's interval, {level}, pointwise.", self.reference));
        }
        notes
    }
}

display_as_table!(ResponderCurves);
