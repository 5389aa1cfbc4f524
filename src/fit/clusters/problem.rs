//! The likelihood with effects of clusters: what depends on patterns, and columns with a penalty above it.

use super::solve::SolutionRoom;
use super::{Cells, Clusters};
use crate::design::Design;
use crate::fit::Failure;
use crate::fit::blocks::Blocks;
use crate::fit::build::ObservedRows;
use crate::fit::kernels::axpy;
use crate::fit::likelihood::Likelihood;
use crate::fit::problem::{Estimation, Point, Problem};
use crate::fit::working::Working;
use crate::fit::workspace::Workspace;
use nalgebra::{DMatrix, DVector};

/// A likelihood problem with n = p + q columns \[X Z\].
#[derive(Debug, Clone)]
pub(crate) struct WithEffects {
    /// The model without the effects: Σ within patients, and X.
    pub within: Problem,
    pub clusters: Clusters,
    /// What the data say of the effects.
    pub cells: Cells,
}

/// Everything known at one θ.
#[derive(Debug, Clone)]
pub(crate) struct EffectsPoint {
    /// β and Φ of the mean alone; R of the residuals that the effects leave.
    pub mean: Point,
    /// (β − β₀, u), n.
    pub coefficients: DVector<f64>,
    /// The inverse of the coefficient matrix of Henderson's equations, n × n.
    pub phi: DMatrix<f64>,
    /// K = \[X Z\]'W\[X Z\], n × n.
    pub k: DMatrix<f64>,
    /// Z'Py, q.
    pub t: Vec<f64>,
    /// diag(0, M̃) with M̃ = (Z'WZ + G̃⁻¹)⁻¹, n × n: what Φ is for a mean that is known. Set for maximum likelihood
    /// alone.
    pub known_mean: DMatrix<f64>,
}

/// Room for one evaluation and its derivatives.
#[derive(Debug, Clone)]
pub(crate) struct EffectsRoom {
    /// Of what depends on patterns.
    pub within: Workspace,
    /// n × n.
    pub(super) gram: Vec<f64>,
    /// n.
    cross: Vec<f64>,
    solution: SolutionRoom,
}

impl WithEffects {
    /// The effects of a design above a problem without them, whose z and y are `observed`.
    pub fn new(mut within: Problem, design: &Design, observed: &ObservedRows) -> Self {
        let clusters = Clusters::of(&design.rows.random, within.columns);
        within.labels.parameters.extend(Clusters::parameter_names(&design.rows.random));
        let class = |patient| within.sigmas.classes().of(patient);
        let pattern_of = |patient, seen: &[usize]| within.pattern_of(design.rows.group_of[patient], class(patient), seen);
        let cells = Cells::new(design, &clusters, &within.rows, observed, &within.patterns, pattern_of);
        Self { within, clusters, cells }
    }

    /// Henderson's equations with the weights of a point and the given parameters of G: writes the coefficients and
    /// their Φ, and returns what −2ℓ has of the determinants.
    fn solve(&self, effects: &[f64], point: &mut EffectsPoint, room: &mut EffectsRoom) -> Option<f64> {
        self.set_gram(&point.mean.w, room);
        self.set_cross(&point.mean.w, room);
        point.k.copy_from_slice(&room.gram);
        let value = self.clusters.solve(effects, self.within.estimation, &room.cross, point, &mut room.solution)?;
        let p = self.clusters.fixed;
        point.mean.beta.copy_from(&point.coefficients.rows(0, p));
        point.mean.phi.copy_from(&point.phi.view((0, 0), (p, p)));
        Some(value)
    }

    /// \[X Z\]'Ω\[X Z\], into the room.
    pub(super) fn set_gram(&self, omega: &Blocks, room: &mut EffectsRoom) {
        self.within.set_gram(omega, &mut room.within);
        self.complete_gram(omega, &room.within.gram, &mut room.gram);
    }

    /// The same, given X'ΩX.
    pub(super) fn complete_gram(&self, omega: &Blocks, leading: &[f64], gram: &mut [f64]) {
        let (p, n) = (self.clusters.fixed, self.coefficients());
        for (to, from) in gram.chunks_exact_mut(n).zip(leading.chunks_exact(p)) {
            to[..p].copy_from_slice(from);
        }
        self.cells.complete_gram(omega, gram);
    }

    /// \[X Z\]'Ω\[X Z\].
    pub fn gram(&self, omega: &Blocks) -> DMatrix<f64> {
        let mut room = self.workspace();
        self.set_gram(omega, &mut room);
        DMatrix::from_vec(self.coefficients(), self.coefficients(), room.gram)
    }

    /// \[X Z\]'Ω(y − Xβ₀), into the room.
    fn set_cross(&self, omega: &Blocks, room: &mut EffectsRoom) {
        let (p, problem) = (self.clusters.fixed, &self.within);
        problem.data.cross(&problem.patterns, &problem.rows, omega, &mut room.cross[..p], &mut room.within.data);
        self.cells.cross(omega, &mut room.cross[p..]);
    }

    /// R of every pattern, at the coefficients of the point.
    fn set_residual_squares(&self, point: &mut EffectsPoint, room: &mut EffectsRoom) {
        self.within.set_residual_squares(&mut point.mean, &mut room.within);
        let (beta, u) = point.coefficients.as_slice().split_at(self.clusters.fixed);
        self.cells.move_squares(beta, u, &mut point.mean.r);
    }

    /// Σ_i \[X Z\]_iS\[X Z\]_i' of every pattern.
    pub(super) fn set_leverages(&self, s: &DMatrix<f64>, leverages: &mut Blocks, room: &mut Workspace) {
        let p = self.clusters.fixed;
        // p × p, which the gram is as well.
        let mut leading = std::mem::take(&mut room.gram);
        for (to, from) in leading.chunks_exact_mut(p).zip(s.as_slice().chunks_exact(self.coefficients())) {
            to.copy_from_slice(&from[..p]);
        }
        self.within.data.leverages(&self.within.patterns, &self.within.rows, &leading, leverages, &mut room.data);
        self.cells.move_leverages(s.as_slice(), leverages);
        room.gram = leading;
    }

    /// Takes X'Ω(y − Xβ) and Z'Ωy to the same of the residuals from Xβ + Zu, given \[X Z\]'Ω\[X Z\].
    pub(super) fn take_effects(&self, gram: &[f64], coefficients: &[f64], a: &mut [f64]) {
        let (p, n) = (self.clusters.fixed, a.len());
        let (beta, u) = coefficients.split_at(p);
        gram[..p * n].chunks_exact(n).zip(beta).for_each(|(column, &b)| axpy(&mut a[p..], -b, &column[p..]));
        gram[p * n..].chunks_exact(n).zip(u).for_each(|(column, &u)| axpy(a, -u, column));
    }
}

impl Likelihood for WithEffects {
    type Point = EffectsPoint;
    type Workspace = EffectsRoom;

    fn patterns(&self) -> &Problem {
        &self.within
    }

    fn mean(point: &EffectsPoint) -> &Point {
        &point.mean
    }

    fn of_patterns(room: &mut EffectsRoom) -> &mut Workspace {
        &mut room.within
    }

    fn parameters(&self) -> usize {
        self.within.sigmas.parameters() + self.clusters.parameters
    }

    fn coefficients(&self) -> usize {
        self.clusters.fixed + self.clusters.effects()
    }

    fn working(&self) -> Working {
        Working::of(&self.within.sigmas).with_effects(&self.clusters)
    }

    fn blank_point(&self) -> EffectsPoint {
        let n = self.coefficients();
        let known = if self.within.estimation == Estimation::Ml { n } else { 0 };
        EffectsPoint {
            mean: self.within.blank_point_of(self.parameters()),
            coefficients: DVector::zeros(n),
            phi: DMatrix::zeros(n, n),
            k: DMatrix::zeros(n, n),
            t: vec![0.0; self.clusters.effects()],
            known_mean: DMatrix::zeros(known, known),
        }
    }

    fn workspace(&self) -> EffectsRoom {
        let n = self.coefficients();
        EffectsRoom {
            within: Workspace::new(&self.within),
            gram: vec![0.0; n * n],
            cross: vec![0.0; n],
            solution: SolutionRoom::new(&self.clusters),
        }
    }

    fn effects_that_add(&self, variance: f64) -> Vec<f64> {
        self.clusters.start(variance)
    }

    fn set_least_squares(&self, effects: &[f64], point: &mut EffectsPoint, room: &mut EffectsRoom) -> Option<()> {
        point.mean.w.set_identity(&self.within.patterns);
        self.solve(effects, point, room)?;
        self.set_residual_squares(point, room);
        Some(())
    }

    fn try_evaluate(&self, theta: &[f64], point: &mut EffectsPoint, room: &mut EffectsRoom) -> Option<f64> {
        let mut value = self.within.set_weights(theta, &mut point.mean.w, &mut room.within)?;
        value += self.solve(&theta[self.within.sigmas.parameters()..], point, room)?;
        self.set_residual_squares(point, room);
        value += point.mean.w.trace_product(&point.mean.r);
        value += self.clusters.penalty(point);
        point.mean.theta.copy_from_slice(theta);
        point.mean.value = value;
        Some(value)
    }

    fn check_effects(&self, point: &EffectsPoint) -> Result<(), Failure> {
        self.clusters.identified(point, &self.within.labels)
    }
}
