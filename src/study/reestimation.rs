//! A study of trials whose number of patients is estimated again from blinded data.

use super::analytic::{Ask, PowerFormula};
use super::blinded::BlindedReview;
use super::characteristics::Share;
use super::draw::{Drawer, Drawn};
use super::frame::{Frame, OneTrial};
use super::procedure::{Answer, Procedure, Question};
use super::truth::TrialTruth;
use crate::error::{Error, Result};
use crate::model::Model;
use crate::options::choices;
use crate::table::{Column, Format, Tabular, agreeing, counted, display_as_table};
use rayon::prelude::*;

/// When the number of patients is estimated again, from standard deviations, correlations and dropout of everyone, arms unknown:
/// the table `[study.reestimation]`.
///
/// ```toml
/// [study.reestimation]
/// at = 0.5          # when half of the planned patients have their last visit behind them
/// difference = 4.5  # to be detected; that of the truth unless stated
/// most = 2          # at most twice the planned number
/// ```
///
/// Every trial is drawn with as many patients as there may be. At the review a [`BlindedReview`] of those who have finished gives the
/// number that detects the difference with the power of the study; the trial goes on to that number, within `least` and `most`
/// times the planned one and no fewer than have entered, and is analysed as planned. The same is done of trials without any
/// effect, for the type I error.
///
/// | key | default | meaning |
/// |---|---|---|
/// | `at` | none | share of the planned patients with their last visit behind them at the review |
/// | `difference` | that of the truth | the difference of the second arm from the first at the last visit that is to be detected |
/// | `least`, `most` | 1, 2 | the fewest and the most patients, as multiples of the planned number |
/// | `variance` | `one-sample` | [`BlindedVariance`] |
/// | `accrual` | none | patients who enter per unit of the visits' times, for who has entered at the review; sites may have `rates` instead |
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Reestimation {
    /// Share of the planned patients with their last visit behind them at the review.
    pub at: f64,
    /// The difference to be detected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<f64>,
    /// The fewest patients, as a multiple of the planned number.
    #[serde(default = "once")]
    pub least: f64,
    /// The most patients, as a multiple of the planned number.
    #[serde(default = "twice")]
    pub most: f64,
    /// Whether the variance of everyone is taken as it is.
    #[serde(default)]
    pub variance: BlindedVariance,
    /// Patients who enter per unit of the visits' times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accrual: Option<f64>,
}

fn once() -> f64 {
    1.0
}

fn twice() -> f64 {
    2.0
}

/// What is taken for the variance within arms, which blinded data do not have.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BlindedVariance {
    /// That of everyone: too large by what the arms differ by (Kieser and Friede 2003, Statistics in Medicine 22:3571–3581).
    #[default]
    OneSample,
    /// Less what the difference to be detected adds to it (Gould and Shih 1992): too small where there is no effect.
    Adjusted,
}

choices! {
    BlindedVariance, "variance of a blinded review":
    OneSample = "one-sample", ["lumped"], "that of everyone, which contains what the arms differ by";
    Adjusted = "adjusted", ["gould-shih"], "less what the difference to be detected adds to it";
}

/// What became of trials whose number of patients was estimated again.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Reestimated {
    /// Patients planned.
    pub planned: usize,
    /// The fewest and the most.
    pub limits: (usize, usize),
    /// Patients looked at.
    pub reviewed: usize,
    /// The difference to be detected.
    pub difference: f64,
    /// The power that the number is to give.
    pub power: f64,
    /// With the effect assumed, then without any.
    pub rows: Vec<ReestimatedRow>,
}

/// Trials of one truth.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ReestimatedRow {
    /// The effect, in words.
    pub effect: String,
    /// Mean of the final numbers of patients.
    pub mean: f64,
    /// Their standard deviation.
    pub sd: f64,
    /// Their quantiles: 5, 25, 50, 75 and 95 per cent of the trials have no more.
    pub quantiles: [usize; 5],
    /// Trials that reach the most patients.
    pub at_most: Share,
    /// Significant trials, the number estimated again: power, or type I error.
    pub successes: Share,
    /// The same of these trials with the patients planned.
    pub fixed: Share,
    /// Trials with an answer either way.
    pub answered: usize,
    /// Trials without one, or without a review.
    pub failed: usize,
}

/// One trial.
#[derive(Debug, Clone, Copy)]
struct Found {
    patients: usize,
    again: Answer,
    fixed: Answer,
}

impl Reestimation {
    /// A review when this share of the planned patients has the last visit behind it.
    pub fn at(share: f64) -> Self {
        Self { at: share, difference: None, least: once(), most: twice(), variance: BlindedVariance::default(), accrual: None }
    }

    /// The difference to be detected.
    pub fn difference(mut self, difference: f64) -> Self {
        self.difference = Some(difference);
        self
    }

    /// The fewest and the most patients, as multiples of the planned number.
    pub fn limits(mut self, least: f64, most: f64) -> Self {
        (self.least, self.most) = (least, most);
        self
    }

    /// What is taken for the variance within arms.
    pub fn variance(mut self, variance: BlindedVariance) -> Self {
        self.variance = variance;
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        let bad = |what: String, why: &str, remedy: &str| Err(Error::out_of_range(what, why, remedy));
        if !(self.at > 0.0 && self.at <= 1.0) {
            return bad(format!("a review at {} of the patients", self.at), "it is no share above 0", "give one such as 0.5");
        }
        let limits = self.least > 0.0 && self.least <= self.most && self.most.is_finite() && self.most >= self.at;
        if !limits {
            return bad(
                format!("`least` = {} and `most` = {} of a re-estimation", self.least, self.most),
                "they are no multiples of the planned number that rise, to at least the patients of the review",
                "give e.g. 1 and 2",
            );
        }
        if self.accrual.is_some_and(|rate| rate <= 0.0 || rate.is_nan()) {
            return bad("the `accrual` of the re-estimation".into(), "it is not above zero", "give patients per unit of the visits' times");
        }
        match self.difference.is_none_or(|difference| difference.is_finite() && difference != 0.0) {
            true => Ok(()),
            false => bad("the `difference` of the re-estimation".into(), "it is zero or no number", "give the one to be detected"),
        }
    }

    /// Simulates trials with a review, with the effect assumed and without any.
    ///
    /// # Errors
    /// [`Error::Invalid`] for settings that make no sense, a procedure that does not begin with a contrast, a truth without a
    /// difference where none is stated, and where hardly any trial has an answer.
    pub fn study(
        &self,
        truth: &TrialTruth,
        procedure: &Procedure,
        (power, alpha): (f64, f64),
        seed: u64,
        trials: u64,
    ) -> Result<Reestimated> {
        self.check()?;
        let what = "the re-estimation of the sample size";
        let Some(Question::Contrast(_)) = procedure.questions().next() else {
            return Err(Error::nothing_to_compare(what, "the procedure does not begin with a contrast", "ask for one first"));
        };
        if truth.arms.len() < 2 {
            return Err(Error::nothing_to_compare(what, "its trials have one arm", "state the arm that it is compared with"));
        }
        let last = truth.visits.len() - 1;
        let difference = self.difference.unwrap_or_else(|| truth.mean(1, last) - truth.mean(0, last));
        if difference == 0.0 {
            return Err(Error::not_defined(
                what,
                "the first two arms do not differ at the last visit",
                "state the `difference` to be detected",
            ));
        }
        let planned = truth.patients();
        let multiple = |of: f64| (of * planned as f64).ceil() as usize;
        let sought = Sought { difference, power, alpha, planned, limits: (multiple(self.least), multiple(self.most)) };
        let reviewed = multiple(self.at);
        let truths = [("as assumed", truth.clone()), ("none", truth.with_effect(0.0))];
        let rows = truths.into_iter().map(|(effect, truth)| {
            let drawer = truth.with_patients(sought.limits.1).drawer()?;
            let reviewing = Reviewing::of(&drawer, procedure)?;
            let found = (0..trials).into_par_iter().map(|number| self.one(&reviewing, sought, reviewed, seed, number));
            row(effect, sought, found.collect::<Result<_>>()?)
        });
        let rows = rows.collect::<Result<_>>()?;
        Ok(Reestimated { planned, limits: sought.limits, reviewed, difference, power, rows })
    }

    fn one(&self, reviewing: &Reviewing, sought: Sought, reviewed: usize, seed: u64, number: u64) -> Result<Option<Found>> {
        let drawer = reviewing.drawer;
        let drawn = drawer.drawn(seed, number);
        let Some(review) = reviewing.review(&drawn, reviewed)? else { return Ok(None) };
        let Some(needed) = self.patients(review, drawer.truth(), sought) else { return Ok(None) };
        let (least, most) = sought.limits;
        let entered = self.entered(drawer, reviewed, seed, number);
        let patients = needed.max(least).max(entered).min(most);
        let [again, fixed] = [patients, sought.planned].map(|n| reviewing.answer(&first(drawer, &drawn, n)));
        Ok(again?.zip(fixed?).map(|(again, fixed)| Found { patients, again, fixed }))
    }

    /// The patients of all arms that a review asks for; none where it says nothing.
    fn patients(&self, review: BlindedReview, truth: &TrialTruth, sought: Sought) -> Option<usize> {
        let review = match self.variance {
            BlindedVariance::OneSample => review,
            BlindedVariance::Adjusted => review.without_effect(sought.difference).ok()?,
        };
        let [reference, other] = [0, 1].map(|arm| truth.arms[arm].patients as f64);
        let design = review.design().and_then(|design| design.allocation(other / reference)).ok()?;
        let answer = design.solve(&Ask::patients_for(sought.difference, sought.power).alpha(sought.alpha)).ok()?;
        let all = answer.exact[0] * truth.patients() as f64 / reference;
        // Rounding in the last digits is no patient.
        all.is_finite().then(|| (all * (1.0 - 1e-9)).ceil() as usize)
    }

    /// How many have entered at the review.
    fn entered(&self, drawer: &Drawer, reviewed: usize, seed: u64, number: u64) -> usize {
        let even = |rate: f64| (0..drawer.truth().patients()).map(|rank| rank as f64 / rate).collect::<Vec<_>>();
        let Some(entries) = self.accrual.map(even).or_else(|| drawer.entries(seed, number)) else { return reviewed };
        let time = entries[reviewed - 1] + drawer.duration();
        entries.iter().filter(|entry| **entry <= time + 1e-9 * (1.0 + time)).count()
    }
}

/// What a number of patients is to give.
#[derive(Debug, Clone, Copy)]
struct Sought {
    difference: f64,
    power: f64,
    alpha: f64,
    planned: usize,
    limits: (usize, usize),
}

/// What trials with a review share.
struct Reviewing<'s> {
    drawer: &'s Drawer,
    /// The planned analysis.
    frame: Frame<'s>,
    /// The visits alone.
    blinded: Model,
    blinded_frame: Option<super::frame::Frozen>,
}

impl<'s> Reviewing<'s> {
    fn of(drawer: &'s Drawer, procedure: &'s Procedure) -> Result<Self> {
        let blinded = BlindedReview::model(&drawer.truth().outcome)?;
        let blinded_frame = super::frame::Frozen::of(&Procedure::new("review", blinded.clone()), drawer);
        Ok(Self { drawer, frame: Frame::new(procedure, drawer), blinded, blinded_frame })
    }

    /// What the first patients say, arms unknown; none where nobody has reached the last visit, or there is no fit.
    fn review(&self, drawn: &Drawn, patients: usize) -> Result<Option<BlindedReview>> {
        let truth = self.drawer.truth();
        let visits = truth.visits.len();
        let seen = first(self.drawer, drawn, patients);
        let mut kept = vec![0.0; visits];
        for own in seen.outcomes.chunks_exact(visits) {
            let last = (0..visits).rev().find(|&t| !own[t].is_nan());
            last.into_iter().for_each(|last| kept[..=last].iter_mut().for_each(|kept| *kept += 1.0));
        }
        let retention: Vec<f64> = kept.iter().map(|kept| kept / patients as f64).collect();
        if retention[visits - 1] == 0.0 {
            return Ok(None);
        }
        let near = self.blinded_frame.as_ref().and_then(|frozen| frozen.fit(&self.blinded, &seen));
        let sigma = match near {
            Some((_, fit)) => fit.covariances()[0].sigma.clone(),
            None => match self.blinded.fit(&self.drawer.trial_of(&seen)?) {
                Ok(fit) => fit.covariances()[0].sigma.clone(),
                Err(_) => return Ok(None),
            },
        };
        Ok(BlindedReview::of_parts(truth.visits.clone(), patients, &sigma, retention).ok())
    }

    fn answer(&self, drawn: &Drawn) -> Result<Option<Answer>> {
        let answers = self.frame.answers(&OneTrial::new(self.drawer, drawn.clone()))?;
        Ok(answers.into_iter().next().and_then(std::result::Result::ok))
    }
}

/// The data of those who entered first.
fn first(drawer: &Drawer, drawn: &Drawn, patients: usize) -> Drawn {
    let visits = drawer.truth().visits.len();
    let mut seen = drawn.clone();
    for (i, own) in seen.outcomes.chunks_exact_mut(visits).enumerate().filter(|(i, _)| drawer.rank(*i) >= patients) {
        own.fill(f64::NAN);
        seen.events.iter_mut().for_each(|had| had[i] = None);
    }
    seen
}

fn row(effect: &str, sought: Sought, found: Vec<Option<Found>>) -> Result<ReestimatedRow> {
    let trials = found.len();
    let found: Vec<Found> = found.into_iter().flatten().collect();
    if found.len() < 2 {
        return Err(Error::too_few_replicates(
            "the re-estimation of the sample size",
            "hardly any trial has a review and an estimate",
            "review later, or simulate more trials",
        ));
    }
    let n = found.len() as f64;
    let mean = found.iter().map(|f| f.patients as f64).sum::<f64>() / n;
    let squares = found.iter().map(|f| (f.patients as f64 - mean).powi(2)).sum::<f64>();
    let mut sorted: Vec<usize> = found.iter().map(|f| f.patients).collect();
    sorted.sort_unstable();
    let share = |is: &dyn Fn(&Found) -> bool| Share::of(found.iter().filter(|f| is(f)).count(), found.len());
    Ok(ReestimatedRow {
        effect: effect.into(),
        mean,
        sd: (squares / (n - 1.0)).sqrt(),
        quantiles: [0.05, 0.25, 0.5, 0.75, 0.95].map(|share| sorted[(share * n).ceil() as usize - 1]),
        at_most: share(&|f| f.patients == sought.limits.1),
        successes: share(&|f| f.again.success),
        fixed: share(&|f| f.fixed.success),
        answered: found.len(),
        failed: trials - found.len(),
    })
}

impl Tabular for Reestimated {
    fn title(&self) -> String {
        "Sample size estimated again from blinded data".into()
    }

    fn columns(&self) -> Vec<Column> {
        let rows = &self.rows;
        let of = |f: &dyn Fn(&ReestimatedRow) -> f64| rows.iter().map(f).collect::<Vec<_>>();
        let mut columns = vec![
            Column::text("effect", "Effect", rows.iter().map(|r| r.effect.as_str())),
            Column::real("mean", "Mean patients", Format::Decimals(1), of(&|r| r.mean)),
            Column::real("sd", "SD", Format::Decimals(1), of(&|r| r.sd)),
        ];
        for (k, (name, heading)) in
            [("p5", "5%"), ("p25", "25%"), ("median", "Median"), ("p75", "75%"), ("p95", "95%")].into_iter().enumerate()
        {
            columns.push(Column::count(name, heading, rows.iter().map(|r| r.quantiles[k])));
        }
        columns.extend([
            Column::real("at_most", "At the most", Format::Percent, of(&|r| r.at_most.share)),
            Column::real("success", "Significant", Format::Percent, of(&|r| r.successes.share)),
            Column::real("mc_error", "MC error", Format::Percent, of(&|r| r.successes.error)),
            Column::real("fixed", "With the planned number", Format::Percent, of(&|r| r.fixed.share)),
            Column::count("answered", "Trials", rows.iter().map(|r| r.answered)),
        ]);
        columns
    }

    fn notes(&self) -> Vec<String> {
        let (least, most) = self.limits;
        let mut notes = vec![format!(
            "Planned: {}. When {} of them have their last visit behind them, standard deviations, correlations and dropout of all, arms \
             unknown, say how many detect a difference of {:.4} with {} power; there are at least {least} and at most {most}.",
            counted(self.planned, "patient"),
            self.reviewed,
            self.difference,
            crate::level::percent(self.power)
        )];
        notes.push("Significant: power with the effect assumed, type I error without any.".into());
        let failed: usize = self.rows.iter().map(|row| row.failed).sum();
        if failed > 0 {
            notes.push(format!("{} without a review or an estimate {} left out.", counted(failed, "trial"), agreeing(failed, "is", "are")));
        }
        notes
    }
}

display_as_table!(Reestimated);
