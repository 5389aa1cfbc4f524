//! Random coefficients, Σ = ZGZ' + σ²I, repeated as what they are: random effects of patients, eliminated patient by
//! patient. Where visits are many and effects few, an evaluation by patterns costs the cube of the visits, and this one
//! next to nothing.

use super::SparseFit;
use super::refit::Repeated;
use crate::design::{Design, EffectCovariance, RandomTerm};
use crate::fit::Failure;
use crate::fit::optimum::Optimum;
use crate::fit::problem::Problem;
use crate::fit::refit::Repeat;
use nalgebra::DMatrix;
use std::sync::Arc;

/// What finds the optima of a model with random coefficients by effects of patients; `None` where the model is another.
pub(in crate::fit) fn by_effects(patterns: &Problem, optimum: &Optimum, design: &Design) -> Option<Effects> {
    let (sigmas, rows) = (&patterns.sigmas, &design.rows);
    // Weights divide the variance of the effects as well where Σ is that of the patterns.
    if sigmas.groups > 1 || !sigmas.classes().is_single() || rows.weights.is_some() || !rows.random.is_empty() {
        return None;
    }
    let z = sigmas.structure().multipliers()?;
    let mut design = optimum.centring.applied(design).into_owned();
    Arc::make_mut(&mut design.rows).random = vec![of_patients(&design, z)];
    let fit = SparseFit::new(&design, &optimum.kept, patterns.estimation).ok()?;
    let repeated = Repeated::new(&fit, &design, &optimum.kept).ok()?;
    Some(Effects { repeated, theta: optimum.theta.clone() })
}

/// The effects of every patient.
fn of_patients(design: &Design, z: &DMatrix<f64>) -> RandomTerm {
    let (visits, k, y) = (z.nrows(), z.ncols(), &design.rows.y);
    let seen = |row: usize| !y[row].is_nan();
    RandomTerm {
        factor: String::new(),
        of_patients: true,
        levels: design.rows.patients.iter().map(usize::to_string).collect(),
        effects: (0..k).map(|effect| effect.to_string()).collect(),
        structure: EffectCovariance::Correlated,
        level_of: (0..y.len()).map(|row| seen(row).then_some((row / visits) as u32)).collect(),
        z: (0..y.len() * k).map(|at| if seen(at / k) { z[(at / k % visits, at % k)] } else { 0.0 }).collect(),
    }
}

/// The same model as one of effects.
#[derive(Debug, Clone)]
pub(in crate::fit) struct Effects {
    repeated: Repeated,
    /// θ of the structure: G, then σ².
    theta: Vec<f64>,
}

impl Effects {
    /// With what repeats the fit by patterns.
    pub fn beside(self, patterns: Box<dyn Repeat>) -> CoefficientRefit {
        CoefficientRefit { effects: self, patterns, outcomes: vec![], last: Last::Patterns }
    }

    fn fit_to(&mut self, outcomes: &[f64]) -> Result<(), Failure> {
        self.repeated.fit_to(outcomes)?;
        let (sigma, g) = self.repeated.theta.split_at(1);
        self.theta[..g.len()].copy_from_slice(g);
        self.theta[g.len()..].copy_from_slice(sigma);
        Ok(())
    }
}

/// What found the last optimum.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Last {
    Effects,
    Patterns,
}

/// Repeats a fit with random coefficients: other outcomes by effects, other multiplicities by patterns.
#[derive(Debug, Clone)]
pub(in crate::fit) struct CoefficientRefit {
    effects: Effects,
    patterns: Box<dyn Repeat>,
    /// Those fitted last by effects.
    outcomes: Vec<f64>,
    last: Last,
}

impl Repeat for CoefficientRefit {
    /// By patterns where effects find no optimum: their failures are in the words of the model.
    fn with_outcomes(&mut self, outcomes: &[f64]) -> Result<(), Failure> {
        self.last = Last::Patterns;
        if self.effects.fit_to(outcomes).is_err() {
            return self.patterns.with_outcomes(outcomes);
        }
        self.outcomes.clear();
        self.outcomes.extend_from_slice(outcomes);
        self.last = Last::Effects;
        Ok(())
    }

    fn with_multiplicities(&mut self, times: &[u32]) -> Result<(), Failure> {
        self.last = Last::Patterns;
        self.patterns.with_multiplicities(times)
    }

    fn be_exact(&mut self) {
        self.effects.repeated.be_exact();
        self.patterns.be_exact();
    }

    fn value(&self) -> f64 {
        match self.last {
            Last::Effects => self.effects.repeated.value(),
            Last::Patterns => self.patterns.value(),
        }
    }

    fn theta(&self) -> &[f64] {
        match self.last {
            Last::Effects => &self.effects.theta,
            Last::Patterns => self.patterns.theta(),
        }
    }

    fn set_beta(&self, beta: &mut [f64]) {
        match self.last {
            Last::Effects => self.effects.repeated.set_beta(beta),
            Last::Patterns => self.patterns.set_beta(beta),
        }
    }

    /// As a fit of the structure has it.
    fn optimum(&self, original: &Optimum) -> Optimum {
        let mut patterns = self.patterns.boxed();
        if self.last == Last::Effects && patterns.with_outcomes(&self.outcomes).is_err() {
            return self.patterns.optimum(original);
        }
        patterns.optimum(original)
    }

    fn boxed(&self) -> Box<dyn Repeat> {
        Box::new(self.clone())
    }
}
