//! Linear mixed models whose residuals are independent: y = Xβ + Zu + ε with u ~ N(0, G) level by level, ε ~ N(0,
//! σ²I) or σ² over the weights.
//!
//! Any number of random terms, nested or crossed, with thousands of levels. All cross products of \[Z X y\] are
//! summed once ([`data`]). One factor, the one with most effects, is eliminated level by level; what remains of the
//! others falls into components, each a dense matrix ([`layout`], [`point`]): nested factors cost what their levels
//! are, two crossed ones a factor of the smaller one's size. First and second derivatives are exact ([`curvature`],
//! [`components`]), so that the search takes few steps from where scoring ends ([`start`], [`profiled`]).

mod components;
mod contrasts;
mod curvature;
mod data;
pub(super) mod dense;
mod effects;
mod eta;
mod identified;
mod layout;
mod model;
mod natural;
mod parameters;
mod point;
mod profiled;
#[cfg(test)]
mod references;
mod small;
mod start;
#[cfg(test)]
mod tests;

use super::clusters::Clusters;
use super::optimum::Optimum;
use super::search::{Search, Steps};
use super::{Convergence, Engine, Estimation, Failure};
use crate::design::{Design, RandomTerm};
use contrasts::{Multipliers, Turned};
use curvature::Curvature;
use data::Data;
use layout::Layout;
use nalgebra::{DMatrix, DVector};
use parameters::Parameters;
use point::{Point, Problem};
use profiled::Profiled;
use start::Start;
use std::borrow::Cow;
use std::sync::OnceLock;

/// The optimum of a linear mixed model's likelihood.
#[derive(Debug)]
pub(crate) struct SparseFit {
    /// σ², then per term the lower triangle of G row by row; its diagonal alone where the effects are independent.
    pub theta: Vec<f64>,
    /// −2ℓ.
    pub value: f64,
    /// β of the columns kept.
    pub beta: DVector<f64>,
    /// (X'V⁻¹X)⁻¹.
    pub phi: DMatrix<f64>,
    /// How the search ended, with the variances, or the combinations of effects, that vanished.
    pub convergence: Convergence,
    problem: Problem,
    point: Point,
    /// θ of the effects as they were fitted, and how they are those of the design.
    fitted: Vec<f64>,
    turned: Turned,
    /// Where the effects stand in θ of the design.
    clusters: Clusters,
    /// The derivatives at the optimum, when first asked for.
    curvature: OnceLock<Curvature>,
    /// The same optimum by the dense engine, when first asked for.
    dense: OnceLock<Result<Box<Optimum>, Failure>>,
}

impl SparseFit {
    /// Fits the columns `kept` of a design.
    ///
    /// # Errors
    /// Where nothing can be estimated: see [`Failure`].
    pub fn new(design: &Design, kept: &[usize], estimation: Estimation) -> Result<Self, Failure> {
        let random = &design.rows.random;
        let parameters = Parameters::of(random);
        identified::levels(random, parameters.names(), |term| parameters.position(term, 0, 0))?;
        check_sizes(design, kept)?;
        let layout = Layout::of(design);
        check_components(random, &layout)?;
        let Multipliers { z, turned } = Multipliers::of(random, &parameters);
        let data = Data::of(design, &layout, &z, kept)?;
        has_variation(design, &data)?;
        let problem = Problem { data, layout, parameters, estimation };
        let scale = scales(random, &z, &problem.parameters);
        let factors = random.iter().map(|term| term.factor.clone()).collect();
        let (point, steps) = searched(&problem, &scale, factors)?;
        let sigma = point.squares / problem.residual_df();
        let mut theta = vec![0.0; problem.parameters.len()];
        problem.parameters.set_psi(&point.lambda, &mut theta);
        theta.iter_mut().for_each(|psi| *psi *= sigma);
        theta.insert(0, sigma);
        let fitted = theta;
        let theta = turned.theta(&fitted);
        let (beta, phi) = problem.mean(&point);
        let convergence = Convergence {
            engine: Engine::SparseEffects,
            iterations: steps.iterations,
            evaluations: steps.evaluations,
            decrement: steps.decrement,
            boundary: problem.parameters.vanished(random, &point.lambda),
        };
        Ok(Self {
            theta,
            value: point.value,
            beta,
            phi: phi * sigma,
            convergence,
            problem,
            point,
            fitted,
            turned,
            clusters: Clusters::of(random, kept.len()),
            curvature: OnceLock::new(),
            dense: OnceLock::new(),
        })
    }

    /// The derivatives at the optimum.
    fn curvature(&self) -> &Curvature {
        self.curvature.get_or_init(|| {
            let mut curvature = self.problem.blank_curvature();
            self.problem.differentiate(&self.point, &mut curvature, &self.problem.head_elements());
            curvature
        })
    }
}

/// The optimum, and how it was reached.
fn searched(problem: &Problem, scale: &[f64], factors: Vec<String>) -> Result<(Point, Steps), Failure> {
    let Start { point, curvature, errors, evaluations, .. } = Start::of(problem, scale)?;
    let objective = Profiled { problem, scale, errors, factors };
    let room = objective.room_of(curvature, true);
    let mut search = Search::within(&objective, point, room);
    let steps = search.minimise(&objective)?;
    // Both count the evaluation at which the search begins.
    Ok((search.place, Steps { evaluations: steps.evaluations + evaluations - 1, ..steps }))
}

fn check_sizes(design: &Design, kept: &[usize]) -> Result<(), Failure> {
    let (columns, observations) = (kept.len(), design.rows.y.iter().filter(|y| !y.is_nan()).count());
    if columns == 0 {
        return Err(Failure::NoColumns);
    }
    if observations <= columns {
        return Err(Failure::TooFewObservations { observations, columns });
    }
    Ok(())
}

/// The most effects of a component: a dozen matrices of so many rows and columns are kept.
const MOST_JOINED: usize = 6000;

/// Refuses crossed factors whose effects would not fit in memory.
fn check_components(random: &[RandomTerm], layout: &Layout) -> Result<(), Failure> {
    let effects = layout.components.iter().filter_map(|members| members.starts.last().copied()).max().unwrap_or(0);
    if effects <= MOST_JOINED {
        return Ok(());
    }
    let factors = layout.tail.iter().map(|&term| random[term].factor.clone()).collect();
    Err(Failure::TooManyEffects { factors, effects, most: MOST_JOINED })
}

/// Refuses an outcome of which nothing is left by the mean, or by the mean and the random effects that were
/// eliminated first.
fn has_variation(design: &Design, data: &Data) -> Result<(), Failure> {
    /// The share of a sum of squares that is but rounding.
    const ROUNDING: f64 = 1e-24;
    let weight = |row: usize| design.rows.weights.as_ref().map_or(1.0, |w| w[row]);
    let total: f64 = design.rows.y.iter().enumerate().filter(|(_, y)| !y.is_nan()).map(|(row, y)| weight(row) * y * y).sum();
    if data.squares <= ROUNDING * total {
        return Err(Failure::NoResidualVariation);
    }
    Ok(())
}

/// The mean square of what multiplies each effect, over the observations of its factor; by parameter.
fn scales(random: &[RandomTerm], z: &[Cow<[f64]>], parameters: &Parameters) -> Vec<f64> {
    let mean_square = |p: &parameters::Parameter| {
        let term = &random[p.term];
        let k = term.size();
        let own = term.level_of.iter().zip(z[p.term].chunks_exact(k)).filter(|(level, _)| level.is_some());
        let (count, sum) = own.fold((0.0, 0.0), |(count, sum), (_, z)| (count + 1.0, sum + z[p.a] * z[p.b]));
        if sum > 0.0 { sum / count } else { 1.0 }
    };
    parameters.list.iter().map(mean_square).collect()
}
