//! Trials from a truth.

use super::events::{Course, regressions};
use super::life::Life;
use super::truth::{ClusterTruth, CovariateTruth, TrialTruth};
use crate::error::Result;
use crate::simulate::random::{Stream, lower_factor, lower_times};
use crate::table::counted;
use crate::trial::{Outcome, Role, Schedule, Scope, Trial, Variable, Visit};
use std::borrow::Cow;

/// Streams of one arm begin here, those of the next one as far beyond: the first patients of an arm are the same whatever
/// the numbers of patients.
pub(super) const ARM: u64 = 1 << 32;
/// Streams of intercurrent events.
pub(super) const EVENTS: u64 = 1 << 59;
/// Streams of clusters, far from those of any arm.
const CLUSTERS: u64 = 1 << 60;
/// Streams of covariates.
const COVARIATES: u64 = 1 << 61;
/// The stream of what a whole trial draws.
const TRIAL: u64 = 1 << 62;

/// A truth made ready for drawing many trials.
#[derive(Debug, Clone)]
pub struct Drawer {
    pub(super) truth: TrialTruth,
    /// A trial without outcomes, shared by all.
    empty: Trial,
    pub(super) stated: Parameters,
    /// By arm: the chance of leaving before each visit after the baseline.
    pub(super) hazards: Vec<Vec<f64>>,
    /// By event of the truth: the chance of having it before each visit after the baseline.
    pub(super) event_hazards: Vec<Vec<f64>>,
    /// The names of the events.
    event_names: Vec<String>,
    /// By event of the truth: its name among them.
    pub(super) name_of_event: Vec<usize>,
    pub(super) arm_of: Vec<usize>,
    /// The position of each patient within the arm.
    pub(super) place: Vec<usize>,
    /// The place of each patient in the order of entry.
    ranks: Vec<usize>,
    /// By factor of clusters: the cluster of each patient.
    clusters: Vec<Vec<Option<usize>>>,
}

/// The parameters that a trial is drawn from.
#[derive(Debug, Clone)]
pub(super) struct Parameters {
    /// By arm.
    pub means: Vec<Vec<f64>>,
    pub sd: Vec<f64>,
    /// By arm: lower factor of Σ within clusters, row by row.
    factors: Vec<Vec<f64>>,
    /// By event of the truth, then by arm: what values after it are moved by.
    pub courses: Vec<Course>,
}

/// The data of a trial: all in which trials of one truth differ.
#[derive(Debug, Clone)]
pub(super) struct Drawn {
    /// The outcome, patient by patient at every visit, NaN where missing.
    pub outcomes: Vec<f64>,
    pub covariates: Vec<Variable>,
    /// By name of event: the first visit after it of each patient who is seen to have it.
    pub events: Vec<Vec<Option<usize>>>,
}

/// Which of the trials of one number is drawn: they share all their random numbers.
#[derive(Clone, Copy)]
pub(super) struct World<'w> {
    /// Whether patients leave and miss visits.
    pub missing: bool,
    /// Whether the event of this number in the truth happens.
    pub happens: &'w (dyn Fn(usize) -> bool + Sync),
    /// Whether values are as the instrument gives them.
    pub scored: bool,
}

impl World<'_> {
    /// The trial as it goes.
    pub const SEEN: World<'static> = World { missing: true, happens: &|_| true, scored: true };
    /// Nobody has an event, and nobody is missing.
    pub const UNTOUCHED: World<'static> = World { missing: false, happens: &|_| false, scored: true };
}

impl TrialTruth {
    /// Made ready for drawing many trials.
    ///
    /// # Errors
    /// As [`TrialTruth::check`].
    pub fn drawer(&self) -> Result<Drawer> {
        self.check()?;
        let n = self.visits.len();
        let arm_of: Vec<usize> = self.arms.iter().enumerate().flat_map(|(a, arm)| std::iter::repeat_n(a, arm.patients)).collect();
        let place: Vec<usize> = self.arms.iter().flat_map(|arm| 0..arm.patients).collect();
        let ranks = self.ranks_by_site().unwrap_or_else(|| self.order_of_entry(&arm_of, &place));
        let clusters: Vec<Vec<Option<usize>>> = self.clusters.iter().map(|c| self.members(c, &arm_of, &ranks)).collect();
        let visit =
            |(k, label): (usize, &String)| Visit { label: label.clone(), time: Some(self.times.get(k).copied().unwrap_or(k as f64)) };
        let schedule = Schedule::new(self.visits.iter().enumerate().map(visit).collect()).with_baseline(&self.visits[0])?;
        let values = vec![f64::NAN; arm_of.len() * n];
        let variables = self.factors(&clusters);
        let empty = Trial::builder(format!("simulated: {}", counted(arm_of.len(), "patient")))
            .patients((1..=arm_of.len()).map(|i| i.to_string()))
            .arms(self.arms.iter().map(|arm| arm.name.clone()), arm_of.clone())
            .schedule(schedule)
            .outcome(Outcome { name: self.outcome.clone(), label: self.outcome.clone(), range: self.bounds, values })
            .variables(variables)
            .build()?;
        let factors = (0..self.arms.len()).map(|a| lower_factor(&self.within(a), n).unwrap_or_default()).collect();
        let means = self.means_with(0.0);
        let courses = self.courses(&means, &self.covariance());
        let stated = Parameters { means, sd: self.sd.clone(), factors, courses };
        let event_hazards = self.events.iter().map(|event| event.hazards(n)).collect();
        let mut event_names: Vec<String> = vec![];
        for event in &self.events {
            if !event_names.contains(&event.name) {
                event_names.push(event.name.clone());
            }
        }
        let name_of_event = self.events.iter().filter_map(|e| event_names.iter().position(|name| *name == e.name)).collect();
        let hazards = (0..self.arms.len()).map(|a| self.missing_of(a).hazards(n)).collect();
        let truth = self.clone();
        Ok(Drawer { truth, empty, stated, hazards, event_hazards, event_names, name_of_event, arm_of, place, ranks, clusters })
    }

    /// Trial number `replicate` under `seed`: the same one every time.
    ///
    /// # Errors
    /// As [`TrialTruth::check`].
    pub fn trial(&self, seed: u64, replicate: u64) -> Result<Trial> {
        self.drawer()?.trial(seed, replicate)
    }

    /// The means of every arm where effects `d` are this much larger.
    fn means_with(&self, shift: f64) -> Vec<Vec<f64>> {
        (0..self.arms.len()).map(|a| (0..self.visits.len()).map(|t| self.mean_with(a, t, shift)).collect()).collect()
    }

    /// By event and arm: what values after the event are moved by.
    fn courses(&self, means: &[Vec<f64>], sigma: &[f64]) -> Vec<Course> {
        if self.events.is_empty() {
            return vec![];
        }
        let regressions = regressions(sigma, self.visits.len());
        let of_event = |event: &super::EventTruth| -> Vec<Course> {
            means.iter().map(|own| Course::of(event.then, own, &means[0], &regressions)).collect()
        };
        self.events.iter().flat_map(of_event).collect()
    }

    /// The place of each patient in the order of entry.
    fn order_of_entry(&self, arm_of: &[usize], place: &[usize]) -> Vec<usize> {
        let share = |i: usize| (place[i] as f64 + 0.5) / self.arms[arm_of[i]].patients as f64;
        let mut order: Vec<usize> = (0..arm_of.len()).collect();
        order.sort_by(|&a, &b| share(a).total_cmp(&share(b)).then(arm_of[a].cmp(&arm_of[b])));
        let mut ranks = vec![0; order.len()];
        order.into_iter().enumerate().for_each(|(rank, patient)| ranks[patient] = rank);
        ranks
    }

    /// The cluster of each patient.
    fn members(&self, cluster: &ClusterTruth, arm_of: &[usize], ranks: &[usize]) -> Vec<Option<usize>> {
        if let Some(sites) = self.sites_by_entry(cluster) {
            return ranks.iter().map(|&rank| Some(sites[rank])).collect();
        }
        let mut seated = 0;
        let sizes = cluster.sizes.clone().unwrap_or_else(|| vec![cluster.size.unwrap_or(1)]);
        // The cluster that is being filled, and the seats left in it.
        let (mut filling, mut left) = (0, sizes[0]);
        let mut seat = || {
            seated += 1;
            if let Some(number) = cluster.number {
                return (seated - 1) % number;
            }
            if left == 0 {
                filling += 1;
                left = sizes[filling % sizes.len()];
            }
            left -= 1;
            filling
        };
        arm_of.iter().map(|&arm| self.belongs(cluster, arm).then(&mut seat)).collect()
    }

    /// The cluster factors of the trial; entries of one name are levels of one factor.
    fn factors(&self, clusters: &[Vec<Option<usize>>]) -> Vec<Variable> {
        let mut names: Vec<&str> = vec![];
        for cluster in &self.clusters {
            if !names.contains(&cluster.factor.as_str()) {
                names.push(&cluster.factor);
            }
        }
        let factor = |name: &str| {
            let (mut levels, mut codes) = (vec![], vec![None; clusters.first().map_or(0, Vec::len)]);
            for (cluster, members) in self.clusters.iter().zip(clusters).filter(|(c, _)| c.factor == name) {
                let before = levels.len();
                let number = members.iter().flatten().max().map_or(0, |last| last + 1);
                let prefix = cluster.arm.as_ref().map(|arm| format!("{arm} ")).unwrap_or_default();
                levels.extend((1..=number).map(|g| format!("{prefix}{g}")));
                codes.iter_mut().zip(members).for_each(|(code, own)| *code = own.map(|g| before + g).or(*code));
            }
            Variable::cluster(name, levels, codes)
        };
        names.into_iter().map(factor).collect()
    }
}

impl Drawer {
    /// The truth.
    pub fn truth(&self) -> &TrialTruth {
        &self.truth
    }

    /// Trial number `replicate` under `seed`.
    ///
    /// # Errors
    /// None that a checked truth gives.
    pub fn trial(&self, seed: u64, replicate: u64) -> Result<Trial> {
        self.trial_of(&self.drawn(seed, replicate))
    }

    /// The trial that has these data.
    pub(super) fn trial_of(&self, drawn: &Drawn) -> Result<Trial> {
        let trial = self.empty.with_outcome(&self.truth.outcome, drawn.outcomes.clone())?;
        let trial = drawn.covariates.iter().fold(trial, |trial, covariate| trial.with_variable(covariate.clone()));
        Ok(self.event_names.iter().zip(&drawn.events).fold(trial, |trial, (name, had)| {
            trial.with_variable(Variable::of_codes(name, Role::Event, Scope::Patient, self.truth.visits.clone(), had.clone()))
        }))
    }

    /// The number of clusters that belong to one arm.
    pub(super) fn groups(&self) -> usize {
        let own = self.truth.clusters.iter().zip(&self.clusters).filter(|(cluster, _)| cluster.arm.is_some());
        own.map(|(_, members)| members.iter().flatten().max().map_or(0, |last| last + 1)).sum()
    }

    /// When a visit is.
    pub(super) fn time(&self, visit: usize) -> f64 {
        self.truth.times.get(visit).copied().unwrap_or(visit as f64)
    }

    /// From the first visit to the last.
    pub(super) fn duration(&self) -> f64 {
        self.time(self.truth.visits.len() - 1) - self.time(0)
    }

    /// The place of a patient in the order of entry, in which the arms take turns by their shares.
    pub(super) fn rank(&self, patient: usize) -> usize {
        self.ranks[patient]
    }

    /// The data of trial number `replicate` under `seed`.
    pub(super) fn drawn(&self, seed: u64, replicate: u64) -> Drawn {
        self.in_world(seed, replicate, World::SEEN)
    }

    /// The same with nobody missing and without events.
    pub(super) fn whole(&self, seed: u64, replicate: u64) -> Drawn {
        self.in_world(seed, replicate, World::UNTOUCHED)
    }

    /// The trial of this number in another world.
    pub(super) fn in_world(&self, seed: u64, replicate: u64, world: World) -> Drawn {
        let (truth, n) = (&self.truth, self.truth.visits.len());
        let parameters = &*self.parameters(seed, replicate);
        let Parameters { means, sd, factors, .. } = parameters;
        let effects = self.cluster_effects(seed, replicate);
        let (covariates, added) = self.covariates(seed, replicate);
        let mut values = vec![0.0; self.arm_of.len() * n];
        let mut events = vec![vec![None; self.arm_of.len()]; self.event_names.len()];
        for (i, y) in values.chunks_exact_mut(n).enumerate() {
            let arm = self.arm_of[i];
            let mut stream = Stream::new(seed, replicate, arm as u64 * ARM + self.place[i] as u64);
            let mut deviations = lower_times(&factors[arm], &stream.normals(n));
            for (cluster, (members, effects)) in truth.clusters.iter().zip(self.clusters.iter().zip(&effects)) {
                if let Some(own) = members[i] {
                    let root = cluster.icc.sqrt();
                    (1..n).for_each(|t| deviations[t] += root * sd[t] * effects[own]);
                }
            }
            for t in 0..n {
                y[t] = means[arm][t] + deviations[t] + added.get(i).copied().unwrap_or(0.0);
                deviations[t] /= sd[t];
            }
            let mut life = Life { patient: i, y, deviations: &mut deviations, stream: &mut stream };
            self.lived(&mut life, (seed, replicate), world, parameters, &mut events);
            if world.scored {
                y.iter_mut().for_each(|y| *y = self.score(*y));
            }
        }
        Drawn { outcomes: values, covariates, events }
    }

    /// The parameters of a trial: those stated, or drawn about them.
    pub(super) fn parameters(&self, seed: u64, replicate: u64) -> Cow<'_, Parameters> {
        let (truth, n) = (&self.truth, self.truth.visits.len());
        if truth.d_sd == 0.0 && truth.uncertainty.is_none() {
            return Cow::Borrowed(&self.stated);
        }
        let mut stream = Stream::new(seed, replicate, TRIAL);
        let shift = if truth.d_sd == 0.0 { 0.0 } else { truth.d_sd * stream.normal() };
        let mut own = Parameters { means: truth.means_with(shift), ..self.stated.clone() };
        if let Some(uncertainty) = &truth.uncertainty {
            let moved = uncertainty.of_means(&mut stream);
            own.means.iter_mut().flatten().zip(moved).for_each(|(mean, by)| *mean += by);
            let within =
                |sigma: &[f64]| (0..truth.arms.len()).map(|a| lower_factor(&truth.within_of(sigma, a), n)).collect::<Option<Vec<_>>>();
            let sigma = uncertainty.covariance_about(&truth.covariance(), n, &mut stream, |sigma| within(sigma).is_some());
            own.sd = (0..n).map(|t| sigma[t * n + t].sqrt()).collect();
            own.factors = within(&sigma).unwrap_or_else(|| self.stated.factors.clone());
            own.courses = truth.courses(&own.means, &sigma);
        } else {
            own.courses = truth.courses(&own.means, &truth.covariance());
        }
        Cow::Owned(own)
    }

    /// A value as the instrument gives it.
    pub(super) fn score(&self, value: f64) -> f64 {
        let value = if self.truth.whole { value.round() } else { value };
        self.truth.bounds.map_or(value, |(low, high)| value.clamp(low, high))
    }

    fn cluster_effects(&self, seed: u64, replicate: u64) -> Vec<Vec<f64>> {
        let of = |(k, members): (usize, &Vec<Option<usize>>)| {
            let number = members.iter().flatten().max().map_or(0, |last| last + 1);
            (0..number).map(|g| Stream::new(seed, replicate, CLUSTERS + k as u64 * ARM + g as u64).normal()).collect()
        };
        self.clusters.iter().enumerate().map(of).collect()
    }

    /// The covariates, and what they add to each patient's scores.
    fn covariates(&self, seed: u64, replicate: u64) -> (Vec<Variable>, Vec<f64>) {
        if self.truth.covariates.is_empty() {
            return (vec![], vec![]);
        }
        let mut added = vec![0.0; self.arm_of.len()];
        let mut variables = vec![];
        for (k, covariate) in self.truth.covariates.iter().enumerate() {
            let draw = |i: usize| {
                Stream::new(seed, replicate, COVARIATES + k as u64 * (ARM << 4) + self.arm_of[i] as u64 * ARM + self.place[i] as u64)
            };
            let effect = |level: usize| covariate.effect.get(level).copied().unwrap_or(0.0);
            if covariate.levels.is_empty() {
                let numbers: Vec<f64> = (0..added.len()).map(|i| draw(i).normal()).collect();
                added.iter_mut().zip(&numbers).for_each(|(sum, x)| *sum += effect(0) * x);
                variables.push(Variable::number(&covariate.name, numbers));
            } else {
                let codes: Vec<usize> = (0..added.len()).map(|i| level(covariate, draw(i).uniform())).collect();
                added.iter_mut().zip(&codes).for_each(|(sum, code)| *sum += effect(*code));
                variables.push(Variable::factor(&covariate.name, covariate.levels.keys().cloned(), codes.into_iter().map(Some).collect()));
            }
        }
        (variables, added)
    }
}

/// The level at a point of the cumulated shares.
fn level(covariate: &CovariateTruth, at: f64) -> usize {
    let mut sum = 0.0;
    let below = |share: &&f64| {
        sum += **share;
        sum <= at
    };
    covariate.levels.values().take_while(below).count().min(covariate.levels.len() - 1)
}
