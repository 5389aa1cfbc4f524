//! A plain trial: one normally distributed outcome, any number of patients, arms and visits.

use super::groups::{Groups, Memberships};
use super::random::{Stream, logit, lower_factor, lower_times, probability};
use crate::error::{Error, Result};
use crate::table::{agreeing, counted};
use crate::trial::{Outcome, Schedule, Trial};
use rayon::prelude::*;

/// A trial with a normally distributed outcome, for tests, benches and simulation studies.
///
/// | parameter | default | meaning |
/// |---|---|---|
/// | visits | none: given to [`Gaussian::new`] | labels in order; the first is the baseline |
/// | arms | none: at least one [`Gaussian::arm`] | name, patients, mean at each visit; the first is the reference |
/// | covariance | identity | Σ of the outcome over the visits, the same in every arm but those of [`Gaussian::arm_covariance`] |
/// | groups | none | who shares a therapist or a therapy group, and what its members share |
/// | dropout | [`Dropout::None`] | who leaves before which visit |
/// | outcome | `y` | name of the outcome |
///
/// See the [module](super) for an example.
#[derive(Debug, Clone, PartialEq)]
pub struct Gaussian {
    outcome: String,
    visits: Vec<String>,
    arms: Vec<(String, usize, Vec<f64>)>,
    covariance: Vec<f64>,
    arm_covariances: Vec<(String, Vec<f64>)>,
    groups: Vec<Groups>,
    dropout: Dropout,
}

/// Who leaves before which visit. The first visit is always observed and who has left does not come back.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dropout {
    /// Nobody leaves.
    None,
    /// Missing completely at random: everybody leaves before each later visit with the same chance.
    CompletelyAtRandom {
        /// The chance, from 0 to 1, at each visit after the first.
        each_visit: f64,
    },
    /// Missing at random: the chance before each visit depends on the value at the visit before, which was observed.
    AtRandom {
        /// The chance, between 0 and 1, of a patient whose value at the visit before was the arm's mean.
        at_mean: f64,
        /// Rise of the log odds per standard deviation above that mean.
        log_odds_per_sd: f64,
    },
}

impl Gaussian {
    /// A trial with these visits, no arms yet, independent outcomes of variance 1 and no dropout.
    pub fn new<S: Into<String>>(visits: impl IntoIterator<Item = S>) -> Self {
        let visits: Vec<String> = visits.into_iter().map(Into::into).collect();
        let n = visits.len();
        let covariance = (0..n * n).map(|k| if k / n == k % n { 1.0 } else { 0.0 }).collect();
        Self { outcome: "y".into(), visits, arms: vec![], covariance, arm_covariances: vec![], groups: vec![], dropout: Dropout::None }
    }

    /// Names the outcome.
    pub fn outcome(mut self, name: impl Into<String>) -> Self {
        self.outcome = name.into();
        self
    }

    /// Adds an arm of `patients` patients with this mean at each visit.
    pub fn arm(mut self, name: impl Into<String>, patients: usize, means: impl Into<Vec<f64>>) -> Self {
        self.arms.push((name.into(), patients, means.into()));
        self
    }

    /// Sets Σ, row by row (visits × visits).
    pub fn covariance(mut self, sigma: impl Into<Vec<f64>>) -> Self {
        self.covariance = sigma.into();
        self
    }

    /// Sets Σ of one arm, row by row, in place of the one for all.
    pub fn arm_covariance(mut self, arm: impl Into<String>, sigma: impl Into<Vec<f64>>) -> Self {
        self.arm_covariances.push((arm.into(), sigma.into()));
        self
    }

    /// Puts the patients of one arm in groups of `size`, in their order, the last one smaller where the patients do
    /// not suffice. Every group has a standard normal deviate u_g, the same at all visits, and its members have
    /// `sd`_t u_g added at visit t: to Σ, which is what varies within a group, comes `sd`_s `sd`_t between two visits
    /// of its members. Patients of other arms are in no group, unless groups of the same `factor` are made there too.
    ///
    /// ```
    /// use trialstats::simulate::Gaussian;
    ///
    /// // A partially nested trial: the intraclass correlation after the baseline is 5 / (5 + 95).
    /// let trial = Gaussian::new(["before", "after"])
    ///     .arm("individual", 64, [30.0, 25.0])
    ///     .arm("groups", 64, [30.0, 25.0])
    ///     .covariance([100.0, 50.0, 50.0, 100.0])
    ///     .arm_covariance("groups", [100.0, 50.0, 50.0, 95.0])
    ///     .groups("group", "groups", 8, [0.0, 5.0_f64.sqrt()])
    ///     .trial(1, 0)?;
    /// let groups = trial.cluster("group")?;
    /// assert_eq!(groups.levels().len(), 8);
    /// let codes = groups.codes().expect("a factor");
    /// assert_eq!(codes.iter().filter(|c| c.is_none()).count(), 64);
    /// # Ok::<(), trialstats::Error>(())
    /// ```
    pub fn groups(mut self, factor: impl Into<String>, arm: impl Into<String>, size: usize, sd: impl Into<Vec<f64>>) -> Self {
        self.groups.push(Groups { factor: factor.into(), arm: arm.into(), size, sd: sd.into() });
        self
    }

    /// Sets Σ to one standard deviation and one correlation between any two visits.
    pub fn compound_symmetry(self, sd: f64, correlation: f64) -> Self {
        self.structured(sd, |_| correlation)
    }

    /// Sets Σ to one standard deviation and a correlation of `correlation` to the power of the visits between.
    pub fn autoregressive(self, sd: f64, correlation: f64) -> Self {
        // A product, not powi: its bits do not depend on the compiler.
        self.structured(sd, |lag| (0..lag).map(|_| correlation).product())
    }

    fn structured(mut self, sd: f64, correlation: impl Fn(usize) -> f64) -> Self {
        let n = self.visits.len();
        self.covariance = (0..n * n).map(|k| sd * sd * if k / n == k % n { 1.0 } else { correlation((k / n).abs_diff(k % n)) }).collect();
        self
    }

    /// Sets who leaves.
    pub fn dropout(mut self, dropout: Dropout) -> Self {
        self.dropout = dropout;
        self
    }

    /// The mean of an arm at a visit; none for an arm or a visit that there is not.
    pub(crate) fn mean(&self, arm: &str, visit: &str) -> Option<f64> {
        let means = &self.arms.iter().find(|own| own.0 == arm)?.2;
        means.get(self.visits.iter().position(|label| label == visit)?).copied()
    }

    /// Replicate number `replicate` under `seed`: the same trial every time, on any number of threads.
    ///
    /// # Errors
    /// [`Error::Invalid`] if means, Σ or the standard deviations of groups do not have the length of the schedule, Σ
    /// is not positive definite, groups have no members or a chance is not one; [`Error::Unknown`] for the covariance
    /// or the groups of an arm there is not; [`Error::Data`] if there are no visits, no arms or no patients.
    pub fn trial(&self, seed: u64, replicate: u64) -> Result<Trial> {
        let laws = self.laws()?;
        self.check()?;
        let n = self.visits.len();
        let arm_of: Vec<usize> = self.arms.iter().enumerate().flat_map(|(a, arm)| vec![a; arm.1]).collect();
        let arm_names: Vec<&str> = arm_of.iter().map(|&a| self.arms[a].0.as_str()).collect();
        let memberships = Memberships::draw(&self.groups, &arm_names, seed, replicate);
        let mut values = vec![f64::NAN; arm_of.len() * n];
        if n > 0 {
            values.par_chunks_mut(n).zip(&arm_of).enumerate().for_each(|(i, (y, &arm))| {
                let mut stream = Stream::new(seed, replicate, i as u64);
                let mut deviations = lower_times(&laws[arm].factor, &stream.normals(n));
                memberships.add(i, &mut deviations);
                self.follow(&laws[arm], &self.arms[arm].2, &deviations, &mut stream, y);
            });
        }
        let schedule = Schedule::of_labels(self.visits.clone());
        let schedule = match self.visits.first() {
            Some(first) => schedule.with_baseline(first)?,
            None => schedule,
        };
        let trial = Trial::builder(format!("simulated: {}, seed {seed}, replicate {replicate}", counted(arm_of.len(), "patient")))
            .patients((1..=arm_of.len()).map(|i| i.to_string()))
            .arms(self.arms.iter().map(|a| a.0.clone()), arm_of)
            .schedule(schedule)
            .outcome(Outcome { name: self.outcome.clone(), label: self.outcome.clone(), range: None, values });
        trial.variables(memberships.clusters()).build()
    }

    /// Writes down a patient's outcome until he or she leaves.
    fn follow(&self, law: &Law, means: &[f64], deviations: &[f64], stream: &mut Stream, y: &mut [f64]) {
        for t in 0..y.len() {
            let chance = match self.dropout {
                _ if t == 0 => 0.0,
                Dropout::None => 0.0,
                Dropout::CompletelyAtRandom { each_visit } => each_visit,
                Dropout::AtRandom { at_mean, log_odds_per_sd } => {
                    probability(logit(at_mean) + log_odds_per_sd * deviations[t - 1] / law.sd[t - 1])
                }
            };
            if stream.happens(chance) {
                return;
            }
            y[t] = means[t] + deviations[t];
        }
    }

    /// How each arm's patients vary.
    fn laws(&self) -> Result<Vec<Law>> {
        let (n, arms) = (self.visits.len(), self.arms.iter().map(|a| a.0.as_str()).collect::<Vec<_>>());
        if let Some((arm, _)) = self.arm_covariances.iter().find(|(arm, _)| !arms.contains(&arm.as_str())) {
            return Err(Error::unknown("arm", arm, &arms));
        }
        self.groups.iter().try_for_each(|g| g.check(&arms, n))?;
        arms.iter()
            .map(|arm| {
                let own = self.arm_covariances.iter().rev().find(|(of, _)| of == arm);
                let sigma = own.map_or(&self.covariance, |(_, sigma)| sigma);
                let factor = factor(sigma, n)?;
                let shared = |t: usize| self.groups.iter().filter(|g| g.arm == *arm).map(|g| g.sd[t] * g.sd[t]).sum::<f64>();
                Ok(Law { factor, sd: (0..n).map(|t| (sigma[t * n + t] + shared(t)).sqrt()).collect() })
            })
            .collect()
    }

    fn check(&self) -> Result<()> {
        let n = self.visits.len();
        if let Some((name, _, means)) = self.arms.iter().find(|a| a.2.len() != n) {
            let why = format!("it has {} where the trial has {}", means.len(), counted(n, "visit"));
            return Err(Error::wrong_number(format!("the means of arm `{name}`"), why, "give one mean per visit"));
        }
        let (chance, what) = match self.dropout {
            Dropout::None => return Ok(()),
            Dropout::CompletelyAtRandom { each_visit } => (each_visit, "each_visit"),
            Dropout::AtRandom { at_mean, .. } => (at_mean, "at_mean"),
        };
        let ok = (0.0..=1.0).contains(&chance);
        if ok {
            Ok(())
        } else {
            Err(Error::out_of_range(format!("dropout `{what}` = {chance}"), "it is not a probability", "choose one from 0 to 1"))
        }
    }
}

/// How the patients of one arm vary.
struct Law {
    /// Lower factor of Σ, of what varies within a group.
    factor: Vec<f64>,
    /// Standard deviation at each visit, that between groups included.
    sd: Vec<f64>,
}

fn factor(sigma: &[f64], n: usize) -> Result<Vec<f64>> {
    let invalid = |why: String| Error::out_of_range("the covariance of the simulation", why, "give Σ row by row, visits × visits");
    if sigma.len() != n * n {
        return Err(invalid(format!("it has {} where {} {} needed", counted(sigma.len(), "value"), n * n, agreeing(n * n, "is", "are"))));
    }
    lower_factor(sigma, n).ok_or_else(|| invalid("it is not positive definite".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three_visits() -> Gaussian {
        Gaussian::new(["0", "1", "2"]).arm("a", 20_000, [1.0, 2.0, 3.0]).arm("b", 10_000, [0.0, 0.0, 5.0])
    }

    fn values(trial: &Trial, arm: usize, visit: usize) -> Vec<f64> {
        let y = &trial.outcomes()[0];
        (0..trial.patients().len()).filter(|&i| trial.arm_of()[i] == arm).filter_map(|i| trial.value(y, i, visit)).collect()
    }

    fn mean(x: &[f64]) -> f64 {
        x.iter().sum::<f64>() / x.len() as f64
    }

    #[test]
    fn means_and_covariance_are_those_stated() {
        let sigma = [4.0, 1.0, 0.5, 1.0, 9.0, 3.0, 0.5, 3.0, 16.0];
        let trial = three_visits().covariance(sigma).trial(1, 0).unwrap();
        let (n, expected) = (20_000.0_f64, [1.0, 2.0, 3.0]);
        let y: Vec<Vec<f64>> = (0..3).map(|t| values(&trial, 0, t)).collect();
        for s in 0..3 {
            // Four Monte-Carlo standard errors: √(σ²/n) of a mean, √((σ_ss σ_tt + σ_st²)/n) of a covariance.
            assert!((mean(&y[s]) - expected[s]).abs() < 4.0 * (sigma[4 * s] / n).sqrt());
            for t in 0..3 {
                let products: Vec<f64> = y[s].iter().zip(&y[t]).map(|(a, b)| (a - expected[s]) * (b - expected[t])).collect();
                let (st, se) = (sigma[3 * s + t], ((sigma[4 * s] * sigma[4 * t] + sigma[3 * s + t].powi(2)) / n).sqrt());
                assert!((mean(&products) - st).abs() < 4.0 * se, "covariance of visits {s} and {t}");
            }
        }
    }

    #[test]
    fn dropout_is_monotone_and_as_frequent_as_stated() {
        let trial = three_visits().dropout(Dropout::CompletelyAtRandom { each_visit: 0.2 }).trial(2, 0).unwrap();
        let y = &trial.outcomes()[0];
        let observed = |t: usize| (0..30_000).filter(|&i| trial.value(y, i, t).is_some()).count() as f64 / 30_000.0;
        for (t, share) in [(0, 1.0), (1, 0.8), (2, 0.64_f64)] {
            assert!((observed(t) - share).abs() <= 4.0 * (share * (1.0 - share) / 30_000.0).sqrt());
        }
        assert!((0..30_000).all(|i| trial.value(y, i, 1).is_some() || trial.value(y, i, 2).is_none()));
    }

    #[test]
    fn dropout_at_random_takes_those_who_scored_high() {
        let stated = three_visits().autoregressive(2.0, 0.5).dropout(Dropout::AtRandom { at_mean: 0.2, log_odds_per_sd: 1.0 });
        let trial = stated.trial(3, 0).unwrap();
        let y = &trial.outcomes()[0];
        let of = |left: bool| -> Vec<f64> {
            (0..20_000).filter(|&i| trial.value(y, i, 1).is_none() == left).filter_map(|i| trial.value(y, i, 0)).collect()
        };
        // E[z p(z)] / E[p(z)] for z standard normal, by Simpson's rule in Python: 23.9% leave and average +0.6512 SD,
        // the others −0.2042 SD. Tolerance: four standard errors of a mean of 4,500 values of SD 2.
        let tolerance = 4.0 * 2.0 / 4500_f64.sqrt();
        assert!((mean(&of(true)) - (1.0 + 2.0 * 0.6512)).abs() < tolerance);
        assert!((mean(&of(false)) - (1.0 - 2.0 * 0.2042)).abs() < tolerance);
    }

    #[test]
    fn a_replicate_repeats_whatever_the_number_of_threads() {
        let stated = Gaussian::new(["0", "1"]).arm("a", 500, [0.0, 1.0]).dropout(Dropout::CompletelyAtRandom { each_visit: 0.3 });
        let on = |threads: usize, replicate: u64| -> Vec<u64> {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let trial = pool.install(|| stated.trial(7, replicate)).unwrap();
            trial.outcomes()[0].values.iter().map(|v| v.to_bits()).collect()
        };
        assert_eq!(on(1, 0), on(3, 0));
        assert_ne!(on(1, 0), on(1, 1));
    }

    #[test]
    fn members_of_a_group_share_what_is_stated() {
        // 10,000 groups of 4 with variance 2 between and 3 within at the second visit; nothing shared at the first.
        let trial = Gaussian::new(["0", "1"])
            .arm("a", 100, [0.0, 0.0])
            .arm("b", 40_000, [0.0, 0.0])
            .arm_covariance("b", [1.0, 0.5, 0.5, 3.0])
            .groups("group", "b", 4, [0.0, 2.0_f64.sqrt()])
            .trial(4, 0)
            .unwrap();
        let cluster = trial.cluster("group").unwrap();
        assert_eq!((cluster.levels().len(), cluster.levels()[0].as_str()), (10_000, "b 1"));
        let codes = cluster.codes().unwrap();
        assert!(codes[..100].iter().all(Option::is_none));
        assert_eq!((codes[100], codes[103], codes[104]), (Some(0), Some(0), Some(1)));
        for (visit, between, within) in [(0, 0.0, 1.0), (1, 2.0, 3.0)] {
            let y = values(&trial, 1, visit);
            let means: Vec<f64> = y.chunks(4).map(mean).collect();
            let mean_square = means.iter().map(|m| m * m).sum::<f64>() / 10_000.0;
            let inside = y.chunks(4).map(|g| g.iter().map(|x| (x - mean(g)).powi(2)).sum::<f64>()).sum::<f64>() / 30_000.0;
            // Four Monte-Carlo standard errors of a mean square: σ² √(2/df).
            let of_means = between + within / 4.0;
            assert!((mean_square - of_means).abs() < 4.0 * of_means * (2.0_f64 / 10_000.0).sqrt(), "between, visit {visit}");
            assert!((inside - within).abs() < 4.0 * within * (2.0_f64 / 30_000.0).sqrt(), "within, visit {visit}");
        }
    }

    #[test]
    fn groups_of_one_factor_in_two_arms_are_levels_of_one_cluster() {
        let stated = Gaussian::new(["0"]).arm("a", 3, [0.0]).arm("b", 5, [0.0]);
        let trial = stated.groups("therapist", "a", 2, [1.0]).groups("therapist", "b", 4, [1.0]).trial(1, 0).unwrap();
        let [groups] = trial.variables() else { panic!("one factor") };
        assert_eq!(groups.levels(), ["a 1", "a 2", "b 1", "b 2"]);
        assert_eq!(groups.codes().unwrap(), [0, 0, 1, 2, 2, 2, 2, 3].map(Some));
    }

    #[test]
    fn groups_leave_the_patients_of_other_arms_as_they_were() {
        let plain = three_visits().trial(5, 6).unwrap();
        let grouped = three_visits().groups("group", "b", 10, [1.0, 1.0, 1.0]).trial(5, 6).unwrap();
        assert_eq!(values(&plain, 0, 2), values(&grouped, 0, 2));
        assert_ne!(values(&plain, 1, 2), values(&grouped, 1, 2));
    }

    #[test]
    fn impossible_requests_say_why() {
        let message = |g: Gaussian| g.trial(1, 0).unwrap_err().to_string();
        assert!(message(three_visits().arm("c", 3, [0.0])).contains("means of arm `c`"));
        assert!(message(three_visits().covariance([1.0, 2.0])).contains("9 are needed"));
        assert!(message(three_visits().compound_symmetry(1.0, 1.0)).contains("positive definite"));
        assert!(message(three_visits().dropout(Dropout::CompletelyAtRandom { each_visit: 1.5 })).contains("probability"));
        assert!(message(Gaussian::new(["0"])).contains("no patients"));
        assert!(message(three_visits().groups("group", "c", 8, [0.0; 3])).contains("`c`"));
        assert!(message(three_visits().groups("group", "b", 0, [0.0; 3])).contains("no members"));
        assert!(message(three_visits().groups("group", "b", 8, [0.0; 2])).contains("3 visits"));
        assert!(message(three_visits().arm_covariance("c", [1.0])).contains("`c`"));
        assert!(message(three_visits().arm_covariance("b", [1.0])).contains("9 are needed"));
    }
}
