//! Groups of patients in one arm of a plain trial, and what their members share.

use super::random::Stream;
use crate::error::{Error, Result};
use crate::table::counted;
use crate::trial::Variable;

/// The groups of one arm.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Groups {
    pub factor: String,
    pub arm: String,
    pub size: usize,
    /// Standard deviation of the groups at each visit.
    pub sd: Vec<f64>,
}

impl Groups {
    /// Whether there are members, in an arm there is, with a standard deviation per visit.
    pub fn check(&self, arms: &[&str], visits: usize) -> Result<()> {
        let what = format!("the groups `{}` of the simulation", self.factor);
        if !arms.contains(&self.arm.as_str()) {
            return Err(Error::unknown("arm", &self.arm, arms));
        }
        if self.size == 0 {
            return Err(Error::out_of_range(what, "they have no members", "give a size of at least one patient"));
        }
        if self.sd.len() != visits || !self.sd.iter().all(|sd| *sd >= 0.0 && sd.is_finite()) {
            let why = format!("their standard deviations are {:?} where the trial has {}", self.sd, counted(visits, "visit"));
            return Err(Error::wrong_number(what, why, "give one standard deviation per visit, zero or above"));
        }
        Ok(())
    }
}

/// Everyone's groups: filled in the order of the patients, each group with a standard normal deviate of its own.
pub(super) struct Memberships<'a> {
    groups: &'a [Groups],
    /// By entry of `groups`: the group of each patient, counted within the entry.
    of: Vec<Vec<Option<usize>>>,
    /// By entry of `groups`: the deviate of each group.
    effects: Vec<Vec<f64>>,
}

impl<'a> Memberships<'a> {
    /// Streams of patients count from 0 upwards, those of groups from the last downwards.
    pub fn draw(groups: &'a [Groups], arm_of: &[&str], seed: u64, replicate: u64) -> Self {
        let mut drawn = 0;
        let (mut of, mut effects) = (vec![], vec![]);
        for entry in groups {
            let mut seated = 0;
            let seats: Vec<Option<usize>> = arm_of
                .iter()
                .map(|arm| {
                    (*arm == entry.arm).then(|| {
                        seated += 1;
                        (seated - 1) / entry.size
                    })
                })
                .collect();
            let n = seated.div_ceil(entry.size);
            effects.push((drawn..drawn + n as u64).map(|g| Stream::new(seed, replicate, u64::MAX - g).normal()).collect());
            drawn += n as u64;
            of.push(seats);
        }
        Self { groups, of, effects }
    }

    /// Adds what a patient's groups add at each visit.
    pub fn add(&self, patient: usize, deviations: &mut [f64]) {
        for ((entry, of), effects) in self.groups.iter().zip(&self.of).zip(&self.effects) {
            if let Some(group) = of[patient] {
                deviations.iter_mut().zip(&entry.sd).for_each(|(y, sd)| *y += sd * effects[group]);
            }
        }
    }

    /// The cluster factors, one per name; entries of the same name are levels of one factor.
    pub fn clusters(&self) -> impl Iterator<Item = Variable> {
        let mut factors: Vec<&str> = vec![];
        for entry in self.groups {
            if !factors.contains(&entry.factor.as_str()) {
                factors.push(&entry.factor);
            }
        }
        factors.into_iter().map(|factor| self.cluster(factor))
    }

    fn cluster(&self, factor: &str) -> Variable {
        let (mut levels, mut codes) = (vec![], vec![None; self.of.first().map_or(0, Vec::len)]);
        let entries = self.groups.iter().zip(&self.of).zip(&self.effects);
        for ((entry, of), effects) in entries.filter(|((entry, _), _)| entry.factor == factor) {
            let before = levels.len();
            levels.extend((1..=effects.len()).map(|g| format!("{} {g}", entry.arm)));
            codes.iter_mut().zip(of).for_each(|(code, g)| *code = g.map(|g| before + g).or(*code));
        }
        Variable::cluster(factor, levels, codes)
    }
}
