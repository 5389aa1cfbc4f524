//! Carrying out a study: the points, their trials, and what is sought.

use super::analytic::Sides;
use super::characteristics::OperatingCharacteristics;
use super::familywise::Familywise;
use super::file::{Find, StudyFile};
use super::formula::ByTheory;
use super::left_out::as_simulated;
use super::looks::InterimStudy;
use super::procedure::{Compared, Procedure, Question};
use super::reestimation::Reestimated;
use super::replicates::{Repeated, Replicates, replicate};
use super::search::{Point as Tried, crossing, next};
use super::truth::TrialTruth;
use crate::analysis::Progress;
use crate::error::{Error, Result};
use crate::table::counted;

/// Trials simulated before precision is looked at again.
const BATCH: u64 = 250;
/// Values tried in a search.
const TRIED: usize = 6;

/// What a study found.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct StudyResult {
    /// What was found at each point: the truth as stated first, then without effect where asked for, then the assumptions
    /// that were varied.
    pub points: Vec<PointResult>,
    /// What was sought.
    pub found: Vec<Found>,
    /// Interim looks.
    pub looks: Option<InterimStudy>,
    /// The number of patients estimated again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reestimated: Option<Reestimated>,
    /// What of the plan was not simulated, or otherwise than planned, a sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// The seed.
    pub seed: u64,
    /// The power sought.
    pub power: f64,
    /// The level of the tests.
    pub alpha: f64,
    /// Software and version.
    pub software: String,
}

/// One point.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct PointResult {
    /// What was varied: empty for the truth as stated, `null` for no effect.
    pub varied: String,
    /// Its value.
    pub value: f64,
    /// Patients of each arm.
    pub patients: Vec<usize>,
    /// What became of the trials.
    pub characteristics: OperatingCharacteristics,
    /// The power of each contrast with the first arm by theory.
    pub theory: Vec<ByTheory>,
    /// What the plan's procedure for several hypotheses rejects, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub familywise: Option<Familywise>,
    /// What the trial costs, where the study says what patients and groups do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<f64>,
}

/// The value that gives the power sought.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct Found {
    /// What was sought.
    pub what: Find,
    /// The value: patients of all arms together, or d.
    pub value: f64,
    /// Its 95% Monte-Carlo interval.
    pub interval: (f64, f64),
    /// The values tried, with the power of each.
    pub tried: Vec<(f64, f64)>,
    /// The value by theory.
    pub by_theory: f64,
}

/// A point before it is simulated.
#[derive(Debug, Clone)]
pub(super) struct Planned {
    pub varied: &'static str,
    pub value: f64,
    pub truth: TrialTruth,
}

impl StudyResult {
    /// The truth as stated.
    pub fn base(&self) -> &PointResult {
        &self.points[0]
    }

    /// The points at which an assumption was varied.
    pub fn curve(&self, varied: &str) -> Vec<&PointResult> {
        self.points.iter().filter(|point| point.varied == varied).collect()
    }

    /// The assumptions that were varied, in order.
    pub fn varied(&self) -> Vec<&str> {
        let mut names: Vec<&str> = vec![];
        for point in self.points.iter().filter(|p| !p.varied.is_empty() && p.varied != "null") {
            if !names.contains(&point.varied.as_str()) {
                names.push(&point.varied);
            }
        }
        names
    }
}

impl StudyFile {
    /// Simulates the trials of every point, looks for what is sought, and puts theory beside it. The same file gives the same
    /// result to the last bit, for any number of threads.
    ///
    /// # Errors
    /// As [`Procedure::of_plan`], and [`Error::Invalid`] where the power sought cannot be reached.
    pub fn run(&self, progress: &dyn Progress) -> Result<StudyResult> {
        let points = self.points()?;
        let mut results = vec![];
        progress.begin(&format!("Simulating {}", counted(points.len(), "point")), points.len() as u64 * self.settings.trials);
        for (k, point) in points.iter().enumerate() {
            let before = k as u64 * self.settings.trials;
            results.push(self.simulated(point, before, progress)?);
        }
        progress.end();
        self.completed(&points, &results, progress)
    }

    /// The result, from the trials of every point.
    pub(super) fn completed(&self, points: &[Planned], replicates: &[Replicates], progress: &dyn Progress) -> Result<StudyResult> {
        let results = points.iter().zip(replicates).map(|(point, found)| self.result(point, found)).collect::<Result<_>>()?;
        let found = self.settings.find.iter().map(|what| self.find(*what, progress)).collect::<Result<_>>()?;
        let looks = match &self.settings.looks {
            None => None,
            Some(looks) => {
                progress.begin("Interim looks", 0);
                let procedures = self.procedures()?;
                let found = looks.study(&self.truth.drawer()?, &procedures[0], self.alpha(), self.seed(), self.settings.trials)?;
                progress.end();
                Some(found)
            }
        };
        let reestimated = match &self.settings.reestimation {
            None => None,
            Some(review) => {
                progress.begin("Estimating the number of patients again", 0);
                let (procedures, wanted) = (self.procedures()?, (self.settings.power, self.alpha()));
                let found = review.study(&self.truth, &procedures[0], wanted, self.seed(), self.settings.trials)?;
                progress.end();
                Some(found)
            }
        };
        let software = format!("trialstats {}", env!("CARGO_PKG_VERSION"));
        let (seed, power, alpha) = (self.seed(), self.settings.power, self.alpha());
        let left_out = Procedure::left_out(&self.plan);
        Ok(StudyResult { points: results, found, looks, reestimated, left_out, seed, power, alpha, software })
    }

    /// What will be simulated, in a line.
    ///
    /// # Errors
    /// [`Error::Invalid`] for assumptions that cannot be varied.
    pub fn announcement(&self) -> Result<String> {
        let (points, trials) = (self.points()?.len(), self.settings.trials);
        let most = if self.settings.precision.is_some() { "at most " } else { "" };
        let searched = self.settings.find.iter().map(|what| format!("; then a search for the {what}")).collect::<String>();
        let (points, trials) = (counted(points, "point"), counted(trials, "trial"));
        Ok(format!("Simulating {points} of {most}{trials}, seed {}{searched}.", self.seed()))
    }

    /// The level of the tests.
    pub fn alpha(&self) -> f64 {
        // 1 − 0.95 in binary is not quite 0.05.
        ((1.0 - self.plan.level) * 1e9).round() / 1e9
    }

    /// What is done with every trial.
    ///
    /// # Errors
    /// As [`Procedure::of_plan`].
    pub fn procedures(&self) -> Result<Vec<Procedure>> {
        let trial = self.truth.trial(self.seed(), 0)?;
        let mut procedures = Procedure::of_plan(&self.plan, &trial)?;
        if let Some(margin) = self.settings.margin {
            let contrasts: Vec<Compared> = procedures[0]
                .questions()
                .filter_map(|q| match q {
                    Question::Contrast(compared) => Some(compared.clone()),
                    _ => None,
                })
                .collect();
            let primary = procedures.remove(0);
            let asked = contrasts
                .into_iter()
                .fold(primary, |p, compared| p.ask(format!("margin, {}", compared.arm), Question::Margin(compared, margin)));
            procedures.insert(0, asked);
        }
        Ok(procedures)
    }

    /// The points of the study.
    pub(super) fn points(&self) -> Result<Vec<Planned>> {
        let (truth, vary) = (&self.truth, &self.settings.vary);
        let mut points = vec![Planned { varied: "", value: f64::NAN, truth: truth.clone() }];
        let mut add = |varied, value, truth| points.push(Planned { varied, value, truth });
        if self.settings.null {
            add("null", 0.0, truth.with_effect(0.0));
        }
        vary.patients.iter().for_each(|n| add("patients", *n as f64, truth.with_patients(*n)));
        vary.effect.iter().for_each(|d| add("effect", *d, truth.with_effect(*d)));
        vary.dropout.iter().for_each(|left| add("dropout", *left, truth.with_dropout(*left)));
        if !vary.events.is_empty() && truth.events.is_empty() {
            return Err(Error::nothing_to_compare("`vary.events`", "the truth has no events", "state `[[truth.events]]`"));
        }
        vary.events.iter().for_each(|share| add("events", *share, truth.with_events(*share)));
        for (name, values) in [("icc", vary.icc.len()), ("group-size", vary.group_size.len())] {
            if values > 0 && truth.clusters.is_empty() {
                return Err(Error::nothing_to_compare(format!("`vary.{name}`"), "the truth has no clusters", "state `[[truth.clusters]]`"));
            }
        }
        for icc in &vary.icc {
            let mut changed = truth.clone();
            changed.clusters[0].icc = *icc;
            add("icc", *icc, changed);
        }
        for size in &vary.group_size {
            let mut changed = truth.clone();
            let cluster = &mut changed.clusters[0];
            (cluster.size, cluster.sizes, cluster.number, cluster.rates) = (Some(*size), None, None, None);
            add("group-size", *size as f64, changed);
        }
        vary.allocation.iter().for_each(|ratio| add("allocation", *ratio, truth.with_allocation(*ratio)));
        points.iter().try_for_each(|point| point.truth.check())?;
        Ok(points)
    }

    /// The trials of a point, in batches until the power is known well enough.
    fn simulated(&self, point: &Planned, before: u64, progress: &dyn Progress) -> Result<Replicates> {
        let (drawer, procedures, trials) = (point.truth.drawer()?, self.procedures()?, self.settings.trials);
        let repeated = Repeated::new(&drawer, &procedures, self.seed());
        let mut all: Option<Replicates> = None;
        let mut done = 0;
        while done < trials {
            let until = (done + BATCH).min(trials);
            let batch = repeated.replicates(done..until)?;
            match &mut all {
                None => all = Some(batch),
                Some(all) => all.trials.extend(batch.trials),
            }
            done = until;
            progress.advance(before + done);
            let error = all.as_ref().map_or(f64::NAN, |all| all.characteristics().rows[0].successes.error);
            // A share of 0 or 1 has no error yet.
            if self.settings.precision.is_some_and(|wanted| error > 0.0 && error <= wanted) {
                break;
            }
        }
        all.ok_or_else(|| Error::too_few_replicates("the study", "no trial was asked for", "ask for some"))
    }

    fn result(&self, point: &Planned, replicates: &Replicates) -> Result<PointResult> {
        let truth = &point.truth;
        let theory = (1..truth.arms.len()).map(|arm| truth.by_theory(arm, self.alpha(), Sides::Two)).collect::<Result<_>>()?;
        Ok(PointResult {
            varied: point.varied.into(),
            value: point.value,
            patients: truth.arms.iter().map(|arm| arm.patients).collect(),
            characteristics: replicates.characteristics(),
            theory,
            familywise: Familywise::of(&as_simulated(&self.plan, &truth.trial(self.seed(), 0)?)?, replicates)?,
            cost: self.settings.costs.map(|costs| truth.drawer().map(|drawer| costs.of(&drawer))).transpose()?,
        })
    }

    /// Looks for the value with the power sought, on the first question.
    fn find(&self, what: Find, progress: &dyn Progress) -> Result<Found> {
        let (truth, wanted) = (&self.truth, self.settings.power);
        let changed = |value: f64| match what {
            Find::Patients => truth.with_patients(value.round() as usize),
            Find::Effect => truth.with_effect(value),
        };
        // The probit of the power is straight in √n and in d.
        let scaled = |value: f64| if what == Find::Patients { value.sqrt() } else { value };
        let unscaled = |x: f64| if what == Find::Patients { x * x } else { x };
        let sign =
            if what == Find::Effect && truth.mean(1, truth.visits.len() - 1) < truth.mean(0, truth.visits.len() - 1) { -1.0 } else { 1.0 };
        let by_theory = self.by_theory(&changed, sign, what)?;
        let (mut tried, mut values): (Vec<Tried>, Vec<f64>) = (vec![], vec![]);
        let mut x = scaled(by_theory);
        let tail = 0.5 * self.alpha();
        for step in 0..TRIED {
            let value = if what == Find::Patients { unscaled(x).round() } else { unscaled(x) };
            let point = Planned { varied: "", value, truth: changed(sign * value) };
            let task = format!("Looking for {what}, value {} of {TRIED}", step + 1);
            let found = self.simulated_whole(&point, &task, progress)?;
            tried.push(Tried { x: scaled(value), successes: found.successes(0).collect() });
            values.push(value);
            x = match tried.len() {
                // A second value beside the first, then where the line crosses, from one side and the other.
                1 => {
                    let ahead = next(tried[0].x, tried[0].power(), wanted, tail);
                    if (ahead / tried[0].x - 1.0).abs() < 0.03 { tried[0].x * 1.08 } else { ahead }
                }
                k => match crossing(&tried, wanted) {
                    Ok(at) => at.x * [1.0, 0.94, 1.06, 1.0][k % 4],
                    Err(_) => tried[k - 1].x * 1.1,
                },
            };
        }
        let at = crossing(&tried, wanted)?;
        let limits = [at.x - 1.96 * at.error, at.x + 1.96 * at.error].map(|x| sign * unscaled(x.max(0.0)));
        let interval = (limits[0].min(limits[1]), limits[0].max(limits[1]));
        let tried = values.iter().zip(&tried).map(|(value, point)| (sign * value, point.power())).collect();
        Ok(Found { what, value: sign * unscaled(at.x), interval, tried, by_theory: sign * by_theory })
    }

    /// All trials of a point, whatever precision was asked for: searches need the same trials everywhere.
    fn simulated_whole(&self, point: &Planned, task: &str, progress: &dyn Progress) -> Result<Replicates> {
        progress.begin(task, 0);
        // The first question alone: nothing else is looked at.
        let mut procedures = self.procedures()?;
        procedures.truncate(1);
        let found = replicate(&point.truth.drawer()?, &procedures, self.seed(), 0..self.settings.trials);
        progress.end();
        found
    }

    /// Where the power by theory is the one sought.
    fn by_theory(&self, changed: &dyn Fn(f64) -> TrialTruth, sign: f64, what: Find) -> Result<f64> {
        let excess = |value: f64| changed(sign * value).by_theory(1, self.alpha(), Sides::Two).map(|t| t.power - self.settings.power);
        let (mut low, mut high) = if what == Find::Patients { (4.0 * self.truth.arms.len() as f64, 1e6) } else { (0.0, 20.0) };
        if excess(high)? < 0.0 {
            return Err(Error::not_defined(
                format!("the {what} for a power of {}", self.settings.power),
                "no number reaches it: the means of the first two arms do not differ at the last visit, or hardly",
                "state an effect",
            ));
        }
        for _ in 0..60 {
            let middle = if what == Find::Patients { (low * high).sqrt() } else { 0.5 * (low + high) };
            if excess(middle)? < 0.0 { low = middle } else { high = middle }
        }
        Ok(high)
    }

    /// The trials of every point whose numbers belong to part `part` of `of`.
    pub(super) fn part(&self, (part, of): (u64, u64), progress: &dyn Progress) -> Result<Vec<Replicates>> {
        let numbers: Vec<u64> = (0..self.settings.trials).filter(|number| number % of == part - 1).collect();
        let points = self.points()?;
        progress.begin("Simulating", points.len() as u64);
        let mut all = vec![];
        for (k, point) in points.iter().enumerate() {
            all.push(replicate(&point.truth.drawer()?, &self.procedures()?, self.seed(), numbers.clone())?);
            progress.advance(k as u64 + 1);
        }
        progress.end();
        Ok(all)
    }
}
