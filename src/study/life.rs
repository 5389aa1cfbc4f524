//! What happens to one patient from visit to visit: events, missed visits, leaving.

use super::draw::{ARM, Drawer, EVENTS, Parameters, World};
use super::missing::{Attendance, chance};
use crate::imputation::Strategy;
use crate::simulate::random::Stream;

/// A patient before anything has happened.
pub(super) struct Life<'p> {
    /// The patient's number.
    pub patient: usize,
    /// The values without events, before the instrument's bounds; afterwards as they are with them, NaN where missing.
    pub y: &'p mut [f64],
    /// The same in standard deviations from the mean of the arm.
    pub deviations: &'p mut [f64],
    /// The patient's stream.
    pub stream: &'p mut Stream,
}

impl Life<'_> {
    /// Moves the values from a visit on.
    fn moved(&mut self, from: usize, sd: &[f64], by: impl Iterator<Item = f64>) {
        for (t, amount) in (from..self.y.len()).zip(by) {
            self.y[t] += amount;
            self.deviations[t] += amount / sd[t];
        }
    }
}

impl Drawer {
    /// Lets a patient's trial happen; `had` gets the first visits after events.
    pub(super) fn lived(
        &self,
        life: &mut Life,
        (seed, replicate): (u64, u64),
        world: World,
        parameters: &Parameters,
        had: &mut [Vec<Option<usize>>],
    ) {
        let (i, arms) = (life.patient, self.truth.arms.len());
        let arm = self.arm_of[i];
        let name = &self.truth.arms[arm].name;
        // Each event has a stream of its own per patient: other chances leave everything else as it is.
        let stream_of = |k: usize| Stream::new(seed, replicate, EVENTS + k as u64 * (ARM << 4) + arm as u64 * ARM + self.place[i] as u64);
        let happening = self.truth.events.iter().enumerate().filter(|(k, event)| event.is_of(name) && (world.happens)(*k));
        let mut possible: Vec<_> = happening.map(|(k, event)| (k, event, stream_of(k))).collect();
        let stays: Vec<bool> = possible.iter_mut().map(|(_, event, stream)| stream.uniform() < event.collected).collect();
        let missing = self.truth.missing_of(arm);
        let (mut seen, mut turned) = (0, false);
        for t in 1..life.y.len() {
            for ((k, event, stream), stays) in possible.iter_mut().zip(&stays) {
                let (k, at) = (*k, stream.uniform());
                let had = &mut had[self.name_of_event[k]][i];
                if had.is_some() || at >= chance(self.event_hazards[k][t - 1], event.log_odds_per_sd, life.deviations[seen]) {
                    continue;
                }
                *had = Some(t);
                if event.then != Strategy::Mar && !turned {
                    turned = true;
                    life.moved(t, &parameters.sd, parameters.courses[k * arms + arm].after(t).iter().copied());
                }
                if event.shift != 0.0 {
                    life.moved(t, &parameters.sd, std::iter::repeat(event.shift));
                }
                if world.missing && !stays {
                    life.y[t..].fill(f64::NAN);
                    return;
                }
            }
            if !world.missing {
                seen = t;
                continue;
            }
            match missing.at(t, seen, self.hazards[arm][t - 1], life.deviations, life.stream) {
                Attendance::Comes => seen = t,
                Attendance::Misses => life.y[t] = f64::NAN,
                Attendance::Leaves => {
                    life.y[t..].fill(f64::NAN);
                    return;
                }
            }
        }
    }
}
