//! Interim looks: the planned analysis at each, the bounds it is held to, and where trials stop.

use super::characteristics::Share;
use super::draw::{Drawer, Drawn};
use super::frame::{Frame, OneTrial};
use super::procedure::{Answer, Procedure, Question};
use super::sequential::{Boundaries, Futility, GroupSequential, Spending};
use crate::dist::normal;
use crate::error::{Error, Result};
use crate::table::{Column, Format, Tabular, agreeing, counted, display_as_table};
use rayon::prelude::*;

/// When a trial is looked at before its end, and what stops it: the table `[study.looks]`.
///
/// ```toml
/// [study.looks]
/// patients = [0.5, 1] # shares of the patients with their last visit behind them
/// spending = "obrien-fleming"
/// accrual = 4 # patients per unit of `times`; without it, only those who have finished are looked at
/// futility = { spending = "pocock", beta = 0.2 }
/// ```
///
/// With `times = [18, 24]` in place of `patients` the looks are at calendar times, in the unit of the visits' times from when the
/// first site opened, and the final analysis when everyone has finished. Patients then enter by `accrual`, or at sites with rates
/// of their own ([`ClusterTruth`](super::ClusterTruth)).
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Looks {
    /// Shares of the patients who have their last visit behind them at each look, the last being 1.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub patients: Vec<f64>,
    /// Calendar times of the looks before the end, in place of shares.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub times: Vec<f64>,
    /// How the type I error is spent.
    #[serde(default)]
    pub spending: Spending,
    /// Stopping for futility.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub futility: Option<Futility>,
    /// Patients who enter per unit of the visits' times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accrual: Option<f64>,
}

/// Where simulated trials stop.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct InterimStudy {
    /// The bounds, at the information found.
    pub boundaries: Boundaries,
    /// One row per look.
    pub rows: Vec<LookRow>,
    /// Trials that were significant at any look, in either direction.
    pub significant: Share,
    /// The same by theory, at the information found.
    pub by_theory: f64,
    /// Mean number of patients who had entered when the trial stopped.
    pub expected_patients: f64,
    /// Trials with an estimate at every look.
    pub answered: usize,
    /// Trials without one.
    pub failed: usize,
}

/// One look.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct LookRow {
    /// Mean share of the patients with their last visit behind them, or who could have.
    pub finished: f64,
    /// Mean number of patients who have entered.
    pub entered: f64,
    /// Mean calendar time; NaN where nothing says when patients enter.
    pub time: f64,
    /// Mean information (1/SE²) over that of the final analysis.
    pub information: f64,
    /// Trials that stop here for efficacy.
    pub efficacy: Share,
    /// The same by theory.
    pub efficacy_by_theory: f64,
    /// Trials that stop here for futility.
    pub futility: Share,
}

/// What the analysis of a look found.
#[derive(Debug, Clone, Copy)]
struct AtLook {
    estimate: f64,
    se: f64,
    /// The normal deviate with the p-value of the analysis.
    z: f64,
    moment: Moment,
}

/// When a look is, and who is there.
#[derive(Debug, Clone, Copy)]
struct Moment {
    /// NaN where nothing says when patients enter.
    time: f64,
    finished: f64,
    entered: f64,
}

impl AtLook {
    fn of(answer: &Answer, moment: Moment) -> Self {
        let z = answer.estimate.signum() * -normal::quantile(0.5 * answer.p);
        Self { estimate: answer.estimate, se: answer.se, z, moment }
    }
}

impl Looks {
    /// Looks when these shares of the patients have their last visit behind them.
    pub fn new(patients: impl Into<Vec<f64>>) -> Self {
        Self { patients: patients.into(), times: vec![], spending: Spending::default(), futility: None, accrual: None }
    }

    /// Looks at these calendar times, and at the end.
    pub fn at(times: impl Into<Vec<f64>>) -> Self {
        Self { times: times.into(), ..Self::new([]) }
    }

    /// The number of analyses.
    fn number(&self) -> usize {
        if self.times.is_empty() { self.patients.len() } else { self.times.len() + 1 }
    }

    /// Whether the looks make sense.
    pub(super) fn check(&self) -> Result<()> {
        let looks = &self.patients;
        if !self.times.is_empty() {
            let rises = self.times.windows(2).all(|w| w[1] > w[0]) && self.times[0] > 0.0 && self.times.iter().all(|t| t.is_finite());
            return match (looks.is_empty(), rises) {
                (false, _) => Err(Error::conflict("the looks", "both `patients` and `times` say when they are", "state one of them")),
                (true, false) => Err(Error::out_of_range(
                    format!("looks at the times {:?}", self.times),
                    "they do not rise from above 0",
                    "give calendar times",
                )),
                (true, true) => self.check_rate(),
            };
        }
        let rises = looks.windows(2).all(|w| w[1] > w[0]) && looks.first().is_some_and(|f| *f > 0.0) && looks.last() == Some(&1.0);
        if !rises {
            return Err(Error::out_of_range(
                format!("looks at the shares {looks:?} of the patients"),
                "they do not rise from above 0 to 1",
                "give a share per look, 1 for the final analysis",
            ));
        }
        self.check_rate()
    }

    fn check_rate(&self) -> Result<()> {
        if self.accrual.is_some_and(|rate| rate <= 0.0 || rate.is_nan()) {
            return Err(Error::out_of_range("the `accrual`", "it is not above zero", "give patients per unit of the visits' times"));
        }
        Ok(())
    }

    /// Simulates the trials with their looks. The bounds are those of the mean information found at each look.
    ///
    /// # Errors
    /// [`Error::Invalid`] for looks that do not rise to 1, a procedure that asks for no contrast first, and where fewer than
    /// two trials have an estimate at every look.
    pub fn study(&self, drawer: &Drawer, procedure: &Procedure, alpha: f64, seed: u64, trials: u64) -> Result<InterimStudy> {
        self.check()?;
        let truth = drawer.truth();
        if self.accrual.is_some() && truth.has_accrual() {
            return Err(Error::conflict(
                "the looks",
                "their `accrual` and the `rates` of sites both say when patients enter",
                "leave `accrual` out",
            ));
        }
        if !self.times.is_empty() && self.accrual.is_none() && !truth.has_accrual() {
            return Err(Error::incomplete(
                "looks at calendar times",
                "nothing says when patients enter",
                "give the looks an `accrual`, or the sites of the truth `rates`",
            ));
        }
        let Some(Question::Contrast(_)) = procedure.questions().next() else {
            return Err(Error::nothing_to_compare("interim looks", "the procedure does not begin with a contrast", "ask for one first"));
        };
        let frame = Frame::new(procedure, drawer);
        let one = |number: u64| -> Result<Option<Vec<AtLook>>> {
            let drawn = drawer.drawn(seed, number);
            let entries = self.entries(drawer, seed, number);
            let mut found = vec![];
            for look in 0..self.number() {
                let (moment, seen) = self.seen(drawer, &drawn, entries.as_deref(), look);
                let answers = frame.answers(&OneTrial::new(drawer, seen))?;
                match answers.first() {
                    Some(Ok(answer)) => found.push(AtLook::of(answer, moment)),
                    _ => return Ok(None),
                }
            }
            Ok(Some(found))
        };
        let found: Vec<Option<Vec<AtLook>>> = (0..trials).into_par_iter().map(one).collect::<Result<_>>()?;
        let answered: Vec<Vec<AtLook>> = found.into_iter().flatten().collect();
        if answered.len() < 2 {
            return Err(Error::too_few_replicates("interim looks", "hardly any trial has an estimate at every look", "look later"));
        }
        self.stopped(&answered, alpha, trials as usize)
    }

    fn stopped(&self, answered: &[Vec<AtLook>], alpha: f64, trials: usize) -> Result<InterimStudy> {
        let looks = self.number();
        let n = answered.len() as f64;
        let mean = |of: &dyn Fn(&Vec<AtLook>) -> f64| answered.iter().map(of).sum::<f64>() / n;
        let at = |k: usize| mean(&|trial| trial[k].se.powi(-2));
        let information: Vec<f64> = (0..looks).map(|k| if k + 1 == looks { 1.0 } else { at(k) / at(looks - 1) }).collect();
        if let Some(time) = self.times.iter().zip(&information).find(|(_, share)| **share >= 1.0).map(|(time, _)| time) {
            return Err(Error::out_of_range(
                format!("a look at the time {time}"),
                "everyone has finished by then, and the trial has ended",
                "look sooner, or leave it out",
            ));
        }
        let design = GroupSequential::new(information.clone()).alpha(alpha).spending(self.spending);
        let boundaries = self.futility.into_iter().fold(design, GroupSequential::futility).boundaries()?;
        // The direction of the effect is up.
        let sign = mean(&|trial| trial[looks - 1].estimate).signum();
        let (mut up, mut down, mut futile, mut patients) = (vec![0; looks], 0, vec![0; looks], 0.0);
        for trial in answered {
            for (k, at) in trial.iter().enumerate() {
                let (z, look) = (sign * at.z, &boundaries.looks[k]);
                let gives_up = look.futility.is_some_and(|bound| z <= bound);
                let opposite = look.futility.is_none() && z <= -look.upper;
                let last = k + 1 == looks;
                if z >= look.upper {
                    up[k] += 1;
                } else if opposite {
                    down += 1;
                } else if gives_up && !last {
                    futile[k] += 1;
                } else if !last {
                    continue;
                }
                patients += at.moment.entered;
                break;
            }
        }
        let drift = sign * mean(&|trial| trial[looks - 1].estimate) * at(looks - 1).sqrt();
        let exits = boundaries.exits(drift);
        let rows = (0..looks)
            .map(|k| LookRow {
                finished: mean(&|trial| trial[k].moment.finished),
                entered: mean(&|trial| trial[k].moment.entered),
                time: mean(&|trial| trial[k].moment.time),
                information: information[k],
                efficacy: Share::of(up[k], answered.len()),
                efficacy_by_theory: exits.efficacy[k],
                futility: Share::of(futile[k], answered.len()),
            })
            .collect();
        let significant = Share::of(up.iter().sum::<usize>() + down, answered.len());
        let by_theory = exits.power() + exits.opposite.iter().sum::<f64>();
        let failed = trials - answered.len();
        Ok(InterimStudy { boundaries, rows, significant, by_theory, expected_patients: patients / n, answered: answered.len(), failed })
    }

    /// When patients enter, in the order of entry; none where nothing says so.
    fn entries(&self, drawer: &Drawer, seed: u64, number: u64) -> Option<Vec<f64>> {
        let even = |rate: f64| (0..drawer.truth().patients()).map(|rank| rank as f64 / rate).collect();
        self.accrual.map(even).or_else(|| drawer.entries(seed, number))
    }

    /// The data as they are known at a look, and when that is.
    fn seen(&self, drawer: &Drawer, drawn: &Drawn, entries: Option<&[f64]>, look: usize) -> (Moment, Drawn) {
        let truth = drawer.truth();
        let (n, visits, duration) = (truth.patients(), truth.visits.len(), drawer.duration());
        let is_last = look + 1 == self.number();
        let finished = self.patients.get(look).map_or(n, |share| (share * n as f64).ceil() as usize);
        let time = match (self.times.get(look), entries) {
            (Some(time), _) => *time,
            // The last of the finished has the last visit then.
            (None, Some(entries)) => entries[finished - 1] + duration,
            (None, None) => f64::NAN,
        };
        // Times are sums of others.
        let until = time + 1e-9 * (1.0 + time.abs());
        let is_seen = |rank: usize, t: usize| match entries {
            _ if is_last => true,
            Some(entries) => entries[rank] + (drawer.time(t) - drawer.time(0)) <= until,
            None => rank < finished,
        };
        let count = |t: usize| (0..n).filter(|&rank| is_seen(rank, t)).count() as f64;
        let moment = Moment { time, finished: count(visits - 1) / n as f64, entered: count(0) };
        let mut seen = drawn.clone();
        let Drawn { outcomes, events, .. } = &mut seen;
        for (i, own) in outcomes.chunks_exact_mut(visits).enumerate() {
            let rank = drawer.rank(i);
            for (t, value) in own.iter_mut().enumerate().filter(|(t, _)| !is_seen(rank, *t)) {
                *value = f64::NAN;
                // An event between two visits is not known before the second.
                events.iter_mut().filter(|had| had[i] == Some(t)).for_each(|had| had[i] = None);
            }
        }
        (moment, seen)
    }
}

impl Tabular for InterimStudy {
    fn title(&self) -> String {
        "Interim looks".into()
    }

    fn columns(&self) -> Vec<Column> {
        let of = |f: &dyn Fn(&LookRow) -> f64| self.rows.iter().map(f).collect::<Vec<_>>();
        let mut columns = vec![
            Column::real("finished", "Finished", Format::Percent, of(&|r| r.finished)),
            Column::real("entered", "Entered", Format::Decimals(1), of(&|r| r.entered)),
            Column::real("information", "Information", Format::Percent, of(&|r| r.information)),
            Column::real("bound", "Bound, z", Format::Decimals(3), self.boundaries.looks.iter().map(|l| l.upper)),
            Column::real("efficacy", "Stops for efficacy", Format::Percent, of(&|r| r.efficacy.share)),
            Column::real("efficacy_error", "MC error", Format::Percent, of(&|r| r.efficacy.error)),
            Column::real("efficacy_by_theory", "By theory", Format::Percent, of(&|r| r.efficacy_by_theory)),
        ];
        if self.rows.iter().any(|r| !r.time.is_nan()) {
            columns.insert(0, Column::real("time", "Time", Format::Decimals(2), of(&|r| r.time)));
        }
        if self.boundaries.looks.iter().any(|look| look.futility.is_some()) {
            let bounds = self.boundaries.looks.iter().map(|l| l.futility.unwrap_or(f64::NAN));
            columns.push(Column::real("futility_bound", "Futility, z", Format::Decimals(3), bounds));
            columns.push(Column::real("futility", "Stops for futility", Format::Percent, of(&|r| r.futility.share)));
        }
        columns
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = self.boundaries.notes();
        notes.push(format!(
            "{}; significant at any look: {:.1}% (Monte-Carlo error {:.1}), by theory {:.1}%. On average {:.1} patients have entered when \
             a trial stops.",
            counted(self.answered, "simulated trial"),
            100.0 * self.significant.share,
            100.0 * self.significant.error,
            100.0 * self.by_theory,
            self.expected_patients
        ));
        notes.push("Information is the mean of 1/SE² of the planned analysis over that of its end; the statistic is the normal deviate with the p-value of the analysis.".into());
        if self.failed > 0 {
            notes.push(format!(
                "{} without an estimate at every look {} left out.",
                counted(self.failed, "trial"),
                agreeing(self.failed, "is", "are")
            ));
        }
        notes
    }
}

display_as_table!(InterimStudy);
