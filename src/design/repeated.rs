//! A design whose patients count more than once, or not at all.

use super::{Design, Rows, ScaledGram};
use std::sync::Arc;

impl Design {
    /// The design in which analysed patient i counts `times[i]` times. Columns stay, and are aliased as before.
    pub(crate) fn repeated(&self, times: &[u32]) -> Design {
        self.with_rows(self.rows.repeated(times, self.columns.visits.len()))
    }

    /// The design with the columns aliased that its own patients do not determine.
    pub(crate) fn with_own_aliasing(mut self) -> Design {
        let gram = ScaledGram::of_rows(&self.columns, &self.rows);
        Arc::make_mut(&mut self.account).set_aliased(gram);
        self
    }
}

impl Rows {
    fn repeated(&self, times: &[u32], visits: usize) -> Rows {
        let chosen: Vec<usize> =
            (0..self.patients.len()).flat_map(|i| std::iter::repeat_n(i, times.get(i).copied().unwrap_or(0) as usize)).collect();
        let rows = |table: &[f64], width: usize| -> Vec<f64> {
            chosen.iter().flat_map(|&i| table[i * width..(i + 1) * width].iter().copied()).collect()
        };
        Rows {
            patients: chosen.iter().map(|&i| self.patients[i]).collect(),
            width: self.width,
            z: rows(&self.z, self.width),
            y: rows(&self.y, visits),
            weights: self.weights.as_ref().map(|w| rows(w, visits)),
            arm_of: chosen.iter().map(|&i| self.arm_of[i]).collect(),
            group_of: chosen.iter().map(|&i| self.group_of[i]).collect(),
            random: self.random.iter().map(|term| term.repeated(&chosen, visits)).collect(),
            clusters: self.clusters.as_ref().map(|c| c.chosen(&chosen)),
            known: self.known.clone(),
        }
    }
}
