//! Fitting the same design to other outcomes, from the optimum of the fit that is repeated.

use super::condensed::{Condensed, CondensedSearch, Observed};
use super::contrasts::{Multipliers, Turned};
use super::data::Data;
use super::outcomes::Outcomes;
use super::point::Problem;
use super::profiled::Profiled;
use super::start::Start;
use super::{SparseFit, has_variation, scales};
use crate::design::{Design, RandomTerm};
use crate::fit::Failure;
use crate::fit::optimum::Optimum;
use crate::fit::refit::{LEFT, Repeat};
use crate::fit::search::{self, Search, Steps};
use std::sync::{Arc, OnceLock};

/// A search that is repeated for other outcomes. Where no variance has vanished it allocates nothing.
#[derive(Debug, Clone)]
pub(super) struct Repeated {
    objective: Profiled,
    search: Search<Profiled>,
    /// Where the sums of the design are few, what searches over them, and whether it found the last optimum.
    condensed: Option<CondensedSearch>,
    pub by_condensed: bool,
    /// The outcomes that it was for.
    y: Vec<f64>,
    outcomes: Outcomes,
    turned: Turned,
    /// Λ of the fit that is repeated.
    lambda: Vec<f64>,
    start: Start,
    /// θ of the optimum found last: of the effects as they were fitted, and as the design has them.
    fitted: Vec<f64>,
    pub theta: Vec<f64>,
    steps: Steps,
    left: f64,
}

impl Repeated {
    /// Ready to repeat a fit of the columns `kept` of this design.
    pub fn new(fit: &SparseFit, design: &Design, kept: &[usize]) -> Result<Self, Failure> {
        let random = &design.rows.random;
        let SparseFit { problem, point, turned, .. } = fit;
        let Multipliers { z, .. } = Multipliers::of(random, &problem.parameters);
        let scale = scales(random, &z, &problem.parameters);
        let (mut data, rows) = Data::of(design, &problem.layout, &z, kept)?;
        let few = problem.parameters.sizes.iter().all(|&k| k == 1) && problem.layout.head.len() == 1;
        let observed = few.then(|| Observed::of(random, &z, &problem.layout, &rows, &data));
        let outcomes = Outcomes::new(random, &z, &problem.layout, rows, &mut data);
        let problem = Problem { data, ..problem.clone() };
        let factors = random.iter().map(|term| term.factor.clone()).collect();
        let (start, errors) = (Start::blank(&problem), vec![0.0; problem.parameters.len()]);
        let condensed =
            observed.and_then(|own| CondensedSearch::new(Condensed::of(&problem)?, own, &design.rows.y, (&point.lambda, &scale)));
        let objective = Profiled { problem, scale, errors, factors };
        Ok(Self {
            condensed,
            by_condensed: false,
            y: Vec::with_capacity(design.rows.y.len()),
            search: Search::new(&objective, point.clone()),
            objective,
            outcomes,
            turned: turned.clone(),
            lambda: point.lambda.clone(),
            start,
            fitted: fit.fitted.clone(),
            theta: fit.theta.clone(),
            steps: Steps { iterations: 0, evaluations: 0, decrement: f64::NAN },
            left: LEFT,
        })
    }

    /// Fits these outcomes, as the design has them: from the optimum of the fit that is repeated, or from a start of its
    /// own where that leads nowhere.
    pub fn fit_to(&mut self, y: &[f64]) -> Result<(), Failure> {
        self.by_condensed = false;
        if let Some(condensed) = &mut self.condensed
            && let Ok(steps) = condensed.fit_to(y, self.left)
        {
            let problem = &self.objective.problem;
            (self.steps, self.by_condensed) = (steps, true);
            condensed.place().set_theta(&problem.parameters, problem.residual_df(), &mut self.fitted);
            self.y.clear();
            self.y.extend_from_slice(y);
            // Who wants exact optima makes fits of them.
            if self.is_exact() {
                self.hand_over();
            }
        } else {
            let problem = &mut self.objective.problem;
            let total = self.outcomes.set(&problem.layout, y, &mut problem.data);
            has_variation(total, problem.data.squares)?;
            self.outcomes.complete(&mut problem.data);
            self.search.end_at(self.left);
            self.steps = self.search_levels()?;
            self.objective.problem.set_theta(&self.search.place, &mut self.fitted);
        }
        self.turned.set_theta(&self.fitted, &mut self.theta);
        Ok(())
    }

    /// Takes the outcomes and the optimum that was found over few sums to those level by level.
    fn hand_over(&mut self) {
        let Self { objective: Profiled { problem, .. }, outcomes, search, .. } = self;
        outcomes.set(&problem.layout, &self.y, &mut problem.data);
        outcomes.complete(&mut problem.data);
        if let Some(condensed) = &self.condensed {
            self.by_condensed = !problem.evaluate(&condensed.place().lambda, &mut search.place);
        }
    }

    /// Searches level by level.
    fn search_levels(&mut self) -> Result<Steps, Failure> {
        self.near().or_else(|_| {
            let mut start = Start::of(&self.objective.problem, &self.objective.scale)?;
            self.search.begin_from(&mut self.objective, &mut start);
            self.search.minimise(&self.objective)
        })
    }

    /// Searches from the optimum of the fit that is repeated. With one factor a step of scoring in the variances comes first: in
    /// balanced data it ends at the optimum. With several it costs what a step of Newton's does, and leads less far. Where a
    /// variance had vanished, −2ℓ is level in its root, and only such steps lead away.
    fn near(&mut self) -> Result<Steps, Failure> {
        let (problem, start) = (&self.objective.problem, &mut self.start);
        start.begin_at(problem, &self.lambda)?;
        if problem.parameters.diagonal().all(|k| self.lambda[k] != 0.0) {
            start.step(problem, if problem.data.components.is_empty() { 0.0 } else { f64::INFINITY });
        } else {
            start.score(problem, 0.0);
        }
        let evaluations = start.evaluations;
        self.search.begin_from(&mut self.objective, start);
        let steps = self.search.minimise(&self.objective)?;
        Ok(Steps { evaluations: steps.evaluations + evaluations - 1, ..steps })
    }

    /// The optimum found last, as a fit has it.
    pub fn fit(&self, random: &[RandomTerm]) -> SparseFit {
        if self.by_condensed {
            let mut own = self.clone();
            own.hand_over();
            return SparseFit::at(own.objective.problem, own.search.place, own.steps, own.turned, random);
        }
        SparseFit::at(self.objective.problem.clone(), self.search.place.clone(), self.steps, self.turned.clone(), random)
    }

    /// What found the last optimum, where it was the search over few sums.
    fn last_condensed(&self) -> Option<&CondensedSearch> {
        self.condensed.as_ref().filter(|_| self.by_condensed)
    }

    pub fn value(&self) -> f64 {
        self.last_condensed().map_or(self.search.place.value, |condensed| condensed.place().value)
    }

    pub fn set_beta(&self, beta: &mut [f64]) {
        let problem = &self.objective.problem;
        match self.last_condensed() {
            Some(condensed) => {
                condensed.set_beta(beta);
                beta.iter_mut().zip(&problem.data.origin).for_each(|(b, origin)| *b += origin);
            }
            None => problem.set_beta(&self.search.place, beta),
        }
    }

    /// From now on finds optima as exact as those of fits.
    pub fn be_exact(&mut self) {
        self.left = search::LEFT;
    }

    fn is_exact(&self) -> bool {
        self.left < LEFT
    }
}

/// Repeats a fit of the sparse engine.
#[derive(Debug, Clone)]
pub(super) struct SparseRefit {
    own: Repeated,
    design: Design,
    original: Arc<Optimum>,
    /// The same optimum by the dense engine, once it was asked for, and what repeats it.
    found: Arc<OnceLock<Result<Optimum, Failure>>>,
    dense: Option<Box<dyn Repeat>>,
    /// Whether what was found last is the dense engine's.
    was_dense: bool,
}

impl SparseRefit {
    /// Ready to repeat a fit of this design.
    pub fn new(fit: &SparseFit, optimum: &Optimum, design: &Design) -> Result<Self, Failure> {
        let own = Repeated::new(fit, &optimum.centring.applied(design), &optimum.kept)?;
        let (design, original) = (design.clone(), Arc::new(optimum.clone()));
        Ok(Self { own, design, original, found: fit.dense.clone(), dense: None, was_dense: false })
    }

    /// What repeats the fit by the dense engine.
    fn dense(&mut self) -> Result<&mut Box<dyn Repeat>, Failure> {
        let dense = match self.dense.take() {
            Some(dense) => dense,
            None => {
                let (classes, estimation) = (self.original.sigmas.classes(), self.own.objective.problem.estimation);
                let found = self.found.get_or_init(|| Optimum::new(&self.design, classes.clone(), estimation));
                let mut dense = found.as_ref().map_err(Failure::clone)?.repeat(&self.design)?;
                if self.own.is_exact() {
                    dense.be_exact();
                }
                dense
            }
        };
        Ok(self.dense.insert(dense))
    }

    /// What found the last optimum, where it was the dense engine.
    fn last_dense(&self) -> Option<&dyn Repeat> {
        self.dense.as_deref().filter(|_| self.was_dense)
    }
}

impl Repeat for SparseRefit {
    fn with_outcomes(&mut self, outcomes: &[f64]) -> Result<(), Failure> {
        self.was_dense = false;
        self.own.fit_to(outcomes)
    }

    /// By the dense engine: the sums of this one are made for patients who count once.
    fn with_multiplicities(&mut self, times: &[u32]) -> Result<(), Failure> {
        self.was_dense = true;
        self.dense()?.with_multiplicities(times)
    }

    fn be_exact(&mut self) {
        self.own.be_exact();
        if let Some(dense) = &mut self.dense {
            dense.be_exact();
        }
    }

    fn value(&self) -> f64 {
        self.last_dense().map_or_else(|| self.own.value(), Repeat::value)
    }

    fn theta(&self) -> &[f64] {
        self.last_dense().map_or(&self.own.theta, Repeat::theta)
    }

    fn set_beta(&self, beta: &mut [f64]) {
        match self.last_dense() {
            Some(dense) => dense.set_beta(beta),
            None => self.own.set_beta(beta),
        }
    }

    fn optimum(&self, original: &Optimum) -> Optimum {
        match self.last_dense() {
            Some(dense) => dense.optimum(original),
            None => original.of_effects(self.own.fit(&self.design.rows.random)),
        }
    }

    fn boxed(&self) -> Box<dyn Repeat> {
        Box::new(self.clone())
    }
}
