//! Interim looks: the planned analysis at each, the bounds it is held to, and where trials stop.

use super::characteristics::Share;
use super::draw::{Drawer, Drawn};
use super::frame::{Frame, OneTrial};
use super::procedure::{Answer, Procedure, Question};
use super::sequential::{Boundaries, Futility, GroupSequential, Spending};
use crate::dist::normal;
use crate::error::{Error, Result};
use crate::table::{Column, Format, Tabular, display_as_table};
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
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Looks {
    /// Shares of the patients who have their last visit behind them at each look, the last being 1.
    pub patients: Vec<f64>,
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
    /// Share of the patients with their last visit behind them.
    pub finished: f64,
    /// Patients who have entered.
    pub entered: usize,
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
}

impl AtLook {
    fn of(answer: &Answer) -> Self {
        Self { estimate: answer.estimate, se: answer.se, z: answer.estimate.signum() * -normal::quantile(0.5 * answer.p) }
    }
}

impl Looks {
    /// Looks when these shares of the patients have their last visit behind them.
    pub fn new(patients: impl Into<Vec<f64>>) -> Self {
        Self { patients: patients.into(), spending: Spending::default(), futility: None, accrual: None }
    }

    /// Whether the looks make sense.
    pub(super) fn check(&self) -> Result<()> {
        let looks = &self.patients;
        let rises = looks.windows(2).all(|w| w[1] > w[0]) && looks.first().is_some_and(|f| *f > 0.0) && looks.last() == Some(&1.0);
        if !rises {
            return Err(Error::out_of_range(
                format!("looks at the shares {looks:?} of the patients"),
                "they do not rise from above 0 to 1",
                "give a share per look, 1 for the final analysis",
            ));
        }
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
        let looks = &self.patients;
        let Some(Question::Contrast(_)) = procedure.questions().next() else {
            return Err(Error::nothing_to_compare("interim looks", "the procedure does not begin with a contrast", "ask for one first"));
        };
        let entered: Vec<usize> = looks.iter().map(|share| self.entered(drawer, *share)).collect();
        let frame = Frame::new(procedure, drawer);
        let one = |number: u64| -> Result<Option<Vec<AtLook>>> {
            let drawn = drawer.drawn(seed, number);
            let mut found = vec![];
            for share in looks {
                let answers = frame.answers(&OneTrial::new(drawer, self.seen(drawer, &drawn, *share)))?;
                match answers.first() {
                    Some(Ok(answer)) => found.push(AtLook::of(answer)),
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
        self.stopped(&answered, alpha, trials as usize, entered)
    }

    fn stopped(&self, answered: &[Vec<AtLook>], alpha: f64, trials: usize, entered: Vec<usize>) -> Result<InterimStudy> {
        let looks = self.patients.len();
        let n = answered.len() as f64;
        let mean = |of: &dyn Fn(&Vec<AtLook>) -> f64| answered.iter().map(of).sum::<f64>() / n;
        let at = |k: usize| mean(&|trial| trial[k].se.powi(-2));
        let information: Vec<f64> = (0..looks).map(|k| if k + 1 == looks { 1.0 } else { at(k) / at(looks - 1) }).collect();
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
                patients += entered[k] as f64;
                break;
            }
        }
        let drift = sign * mean(&|trial| trial[looks - 1].estimate) * at(looks - 1).sqrt();
        let exits = boundaries.exits(drift);
        let rows = (0..looks)
            .map(|k| LookRow {
                finished: self.patients[k],
                entered: entered[k],
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

    /// The time of a look, and how many have entered by then.
    fn entered(&self, drawer: &Drawer, share: f64) -> usize {
        let (n, duration) = (drawer.truth().patients() as f64, drawer.duration());
        let finished = (share * n).ceil();
        let under_way = self.accrual.map_or(0.0, |rate| (rate * duration).floor());
        (finished + under_way).min(n) as usize
    }

    /// The data as they are known at a look.
    fn seen(&self, drawer: &Drawer, drawn: &Drawn, share: f64) -> Drawn {
        let mut seen = drawn.clone();
        if share >= 1.0 {
            return seen;
        }
        let truth = drawer.truth();
        let (n, visits) = (truth.patients(), truth.visits.len());
        let finished = (share * n as f64).ceil();
        let Drawn { outcomes, events, .. } = &mut seen;
        for (i, own) in outcomes.chunks_exact_mut(visits).enumerate() {
            let rank = drawer.rank(i) as f64;
            for (t, value) in own.iter_mut().enumerate() {
                let is_seen = match self.accrual {
                    // Entered at rank/rate; the last of the finished has the last visit at the time of the look.
                    Some(rate) => rank / rate + drawer.time(t) <= (finished - 1.0) / rate + drawer.time(visits - 1),
                    None => rank < finished,
                };
                if !is_seen {
                    *value = f64::NAN;
                    // An event between two visits is not known before the second.
                    events.iter_mut().filter(|had| had[i] == Some(t)).for_each(|had| had[i] = None);
                }
            }
        }
        seen
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
            Column::count("entered", "Entered", self.rows.iter().map(|r| r.entered)),
            Column::real("information", "Information", Format::Percent, of(&|r| r.information)),
            Column::real("bound", "Bound, z", Format::Decimals(3), self.boundaries.looks.iter().map(|l| l.upper)),
            Column::real("efficacy", "Stops for efficacy", Format::Percent, of(&|r| r.efficacy.share)),
            Column::real("efficacy_error", "MC error", Format::Percent, of(&|r| r.efficacy.error)),
            Column::real("efficacy_by_theory", "By theory", Format::Percent, of(&|r| r.efficacy_by_theory)),
        ];
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
            "{} simulated trials; significant at any look: {:.1}% (Monte-Carlo error {:.1}), by theory {:.1}%. On average {:.1} patients have entered when \
             a trial stops.",
            self.answered,
            100.0 * self.significant.share,
            100.0 * self.significant.error,
            100.0 * self.by_theory,
            self.expected_patients
        ));
        notes.push("Information is the mean of 1/SE² of the planned analysis over that of its end; the statistic is the normal deviate with the p-value of the analysis.".into());
        if self.failed > 0 {
            notes.push(format!("{} trials without an estimate at every look are left out.", self.failed));
        }
        notes
    }
}

display_as_table!(InterimStudy);
