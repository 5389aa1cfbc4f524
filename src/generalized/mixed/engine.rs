//! The two ways to −log L behind one objective.

use super::cells::Cells;
use super::effects::{Effects, Grids};
use super::hermite::Rule;
use super::intercept::{Intercepts, dot};
use super::kernel::LogLikelihood;
use super::objective::Evaluation;
use super::search::Objective;
use std::borrow::Cow;

/// −log L of some cells at so many nodes per dimension.
pub(super) struct Engine<'a> {
    cells: &'a Cells,
    kind: Kind,
}

enum Kind {
    /// All variances have vanished.
    WithoutEffects,
    Intercept(Cow<'static, Rule>, Box<Intercepts>),
    General(Grids, Box<Effects>),
}

impl<'a> Engine<'a> {
    pub fn new(cells: &'a Cells, nodes: usize) -> Self {
        let rule = Rule::of(nodes);
        let kind = match cells.is_intercept() {
            _ if cells.thetas == 0 => Kind::WithoutEffects,
            true => Kind::Intercept(rule, Box::new(Intercepts::new(cells, nodes))),
            false => Kind::General(Grids::new(cells, &rule), Box::new(Effects::new(cells))),
        };
        Self { cells, kind }
    }

    /// The engine for any effects, whatever the cells: what the other one is held to.
    #[cfg(test)]
    pub fn general(cells: &'a Cells, nodes: usize) -> Self {
        Self { cells, kind: Kind::General(Grids::new(cells, &Rule::of(nodes)), Box::new(Effects::new(cells))) }
    }
}

impl Objective for Engine<'_> {
    fn evaluate(&mut self, psi: &[f64], to: &mut Evaluation) {
        match &mut self.kind {
            Kind::WithoutEffects => without_effects(self.cells, psi, to),
            Kind::Intercept(rule, intercepts) => intercepts.evaluate(self.cells, rule, psi, to),
            Kind::General(grids, effects) => effects.evaluate(self.cells, grids, psi, to),
        }
    }

    fn has_hessian(&self) -> bool {
        matches!(self.kind, Kind::WithoutEffects | Kind::Intercept(..))
    }
}

/// −log L of independent observations, with gradient and Hessian.
fn without_effects(cells: &Cells, beta: &[f64], to: &mut Evaluation) {
    to.clear();
    to.begin_units();
    let p = cells.p;
    let mut sum = LogLikelihood::new();
    for (unit, own) in cells.units.iter().enumerate() {
        for j in own.observations.clone() {
            let x = &cells.x[j * p..(j + 1) * p];
            let (r, w) = cells.kernel.add(cells.y[j], cells.offset[j] + dot(x, beta), &mut sum);
            to.gradient.iter_mut().zip(x).for_each(|(g, x)| *g -= r * x);
            to.add_outer(w, x);
        }
        to.end_unit(unit);
    }
    to.value = -sum.sum();
    to.complete();
}
