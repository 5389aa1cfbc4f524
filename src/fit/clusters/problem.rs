//! The likelihood with effects of clusters: what depends on patterns, and columns with a penalty above it.

use super::cells::{CellRoom, Spread};
use super::projection::Projection;
use super::shape::{Joining, Shape};
use super::solve::SolutionRoom;
use super::{Cells, Clusters};
use crate::design::Design;
use crate::fit::Failure;
use crate::fit::blocks::Blocks;
use crate::fit::build::ObservedRows;
use crate::fit::kernels::{axpy, dot};
use crate::fit::likelihood::Likelihood;
use crate::fit::problem::{Estimation, Point, Problem};
use crate::fit::working::Working;
use crate::fit::workspace::Workspace;
use nalgebra::DVector;

/// A likelihood problem with n = p + q columns \[X Z\].
#[derive(Debug, Clone)]
pub(crate) struct WithEffects {
    /// The model without the effects: Σ within patients, and X.
    pub within: Problem,
    pub clusters: Clusters,
    /// How the columns are arranged.
    pub shape: Shape,
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
    /// K = \[X Z\]'W\[X Z\], a form.
    pub k: Vec<f64>,
    /// What is left of K for the outer columns when the effects of components are eliminated, outer × outer.
    pub left: Vec<f64>,
    /// Its inverse under the penalty of the joined effects: the outer columns' part of the inverse of Henderson's
    /// matrix.
    pub phi: Vec<f64>,
    /// M̃ = (Z'WZ + G̃⁻¹)⁻¹ of each component.
    pub m: Vec<f64>,
    /// N' = (M̃Z'W\[outer\])', outer × effects of components.
    pub n: Vec<f64>,
    /// Z'Py, q.
    pub t: Vec<f64>,
    /// What `phi` is for a mean that is known: zero but for the joined effects. Set for maximum likelihood alone.
    pub known_mean: Vec<f64>,
}

/// Room for one evaluation and its derivatives.
#[derive(Debug, Clone)]
pub(crate) struct EffectsRoom {
    /// Of what depends on patterns.
    pub within: Workspace,
    /// A form.
    pub(super) form: Vec<f64>,
    /// n.
    pub(super) cross: Vec<f64>,
    /// Outer × effects of components.
    pub(super) across: Vec<f64>,
    pub(super) cell: CellRoom,
    pub(super) solution: SolutionRoom,
    /// For the criterion's traces, and for y'Py.
    pub(super) projections: [Projection; 2],
    pub(super) derivatives: super::derivatives::DerivativeRoom,
}

impl WithEffects {
    /// The effects of a design above a problem without them, whose z and y are `observed`.
    pub fn new(within: Problem, design: &Design, observed: &ObservedRows) -> Self {
        Self::arranged(within, design, observed, Joining::Cheapest)
    }

    /// The same, arranged as is said.
    pub(super) fn arranged(mut within: Problem, design: &Design, observed: &ObservedRows, joining: Joining) -> Self {
        let clusters = Clusters::of(&design.rows.random, within.columns);
        within.labels.parameters.extend(Clusters::parameter_names(&design.rows.random));
        let class = |patient| within.sigmas.classes().of(patient);
        let pattern_of = |patient, seen: &[usize]| within.pattern_of(design.rows.group_of[patient], class(patient), seen);
        let mut cells = Cells::new(design, &clusters, &within.rows, observed, &within.patterns, pattern_of);
        let shape = Shape::of(design, &clusters, joining);
        cells.arrange(&shape);
        Self { within, clusters, shape, cells }
    }

    /// Henderson's equations with the weights of a point and the given parameters of G: writes the coefficients and
    /// their Φ, and returns what −2ℓ has of the determinants.
    fn solve(&self, effects: &[f64], point: &mut EffectsPoint, room: &mut EffectsRoom) -> Option<f64> {
        self.set_form(&point.mean.w, room);
        self.set_cross(&point.mean.w, room);
        point.k.copy_from_slice(&room.form);
        let value = self.solve_equations(effects, &room.cross, point, &mut room.solution)?;
        let (p, width) = (self.shape.fixed, self.shape.outer);
        point.mean.beta.copy_from_slice(&point.coefficients.as_slice()[..p]);
        let columns = point.phi.chunks_exact(width).zip(point.mean.phi.as_mut_slice().chunks_exact_mut(p));
        columns.for_each(|(from, to)| to.copy_from_slice(&from[..p]));
        Some(value)
    }

    /// \[X Z\]'Ω\[X Z\], into the room.
    pub(super) fn set_form(&self, omega: &Blocks, room: &mut EffectsRoom) {
        self.within.set_gram(omega, &mut room.within);
        self.complete_form(omega, &room.within.gram, &mut room.form, &mut room.cell);
    }

    /// The same, given X'ΩX.
    pub(super) fn complete_form(&self, omega: &Blocks, leading: &[f64], form: &mut [f64], room: &mut CellRoom) {
        let (p, width) = (self.shape.fixed, self.shape.outer);
        for (to, from) in form.chunks_exact_mut(width).zip(leading.chunks_exact(p)) {
            to[..p].copy_from_slice(from);
        }
        self.cells.complete_form(&self.shape, omega, form, room);
    }

    /// \[X Z\]'Ω(y − Xβ₀), into the room.
    fn set_cross(&self, omega: &Blocks, room: &mut EffectsRoom) {
        let (p, problem) = (self.shape.fixed, &self.within);
        problem.data.cross(&problem.patterns, &problem.rows, omega, &mut room.cross[..p], &mut room.within.data);
        self.cells.cross(omega, &mut room.cross[p..], &mut room.cell);
    }

    /// R of every pattern, at the coefficients of the point.
    fn set_residual_squares(&self, point: &mut EffectsPoint, room: &mut EffectsRoom) {
        self.within.set_residual_squares(&mut point.mean, &mut room.within);
        let (beta, u) = point.coefficients.as_slice().split_at(self.shape.fixed);
        self.cells.move_squares(beta, u, &mut point.mean.r, &mut room.cell);
    }

    /// Σ_i \[X Z\]_iS̃\[X Z\]_i' of every pattern, S̃ being what the inverse of Henderson's matrix is with S for the outer
    /// columns.
    pub(super) fn set_leverages(&self, s: &[f64], point: &EffectsPoint, leverages: &mut Blocks, room: &mut EffectsRoom) {
        let (p, width) = (self.shape.fixed, self.shape.outer);
        for (y, n) in room.across.chunks_exact_mut(width).zip(point.n.chunks_exact(width)) {
            y.fill(0.0);
            s.chunks_exact(width).zip(n).for_each(|(column, &n)| axpy(y, -n, column));
        }
        // p × p, which the gram is as well.
        let mut leading = std::mem::take(&mut room.within.gram);
        for (to, from) in leading.chunks_exact_mut(p).zip(s.chunks_exact(width)) {
            to.copy_from_slice(&from[..p]);
        }
        self.within.data.leverages(&self.within.patterns, &self.within.rows, &leading, leverages, &mut room.within.data);
        let spread = Spread { s, m: &point.m, n: &point.n, y: &room.across };
        self.cells.move_leverages(&self.shape, spread, leverages, &mut room.cell);
        room.within.gram = leading;
    }

    /// Takes X'Ω(y − Xβ) and Z'Ωy to the same of the residuals from Xβ + Zu, given the form \[X Z\]'Ω\[X Z\].
    pub(super) fn take_effects(&self, form: &[f64], coefficients: &[f64], a: &mut [f64]) {
        let (p, width) = (self.shape.fixed, self.shape.outer);
        let (outer, across, inner) = self.shape.parts(form);
        let (of_outer, of_components) = a.split_at_mut(width);
        let (b, u) = coefficients.split_at(width);
        outer[..p * width].chunks_exact(width).zip(b).for_each(|(column, &b)| axpy(&mut of_outer[p..], -b, &column[p..]));
        outer[p * width..].chunks_exact(width).zip(&b[p..]).for_each(|(column, &u)| axpy(of_outer, -u, column));
        for ((own, &u), column) in of_components.iter_mut().zip(u).zip(across.chunks_exact(width)) {
            *own -= dot(column, b);
            axpy(of_outer, -u, column);
        }
        for component in &self.shape.components {
            let (own, u) = (&mut of_components[component.effects.clone()], &u[component.effects.clone()]);
            let square = inner[component.square.clone()].chunks_exact(component.size());
            square.zip(u).for_each(|(column, &u)| axpy(own, -u, column));
        }
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

    fn working(&self) -> Working {
        Working::of(&self.within.sigmas).with_effects(&self.clusters)
    }

    fn blank_point(&self) -> EffectsPoint {
        let (shape, width) = (&self.shape, self.shape.outer);
        let known = if self.within.estimation == Estimation::Ml { width } else { 0 };
        EffectsPoint {
            mean: self.within.blank_point_of(self.parameters()),
            coefficients: DVector::zeros(shape.columns()),
            k: vec![0.0; shape.len()],
            left: vec![0.0; width * width],
            phi: vec![0.0; width * width],
            m: vec![0.0; shape.squares()],
            n: vec![0.0; width * shape.inner()],
            t: vec![0.0; shape.effects()],
            known_mean: vec![0.0; known * known],
        }
    }

    fn workspace(&self) -> EffectsRoom {
        let shape = &self.shape;
        EffectsRoom {
            within: Workspace::new(&self.within),
            form: vec![0.0; shape.len()],
            cross: vec![0.0; shape.columns()],
            across: vec![0.0; shape.outer * shape.inner()],
            cell: CellRoom::new(self.within.sigmas.visits()),
            solution: SolutionRoom::new(&self.clusters, shape),
            projections: [(); 2].map(|_| Projection::blank(shape)),
            derivatives: super::derivatives::DerivativeRoom::new(&self.clusters, shape),
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
        value += self.penalty(point);
        point.mean.theta.copy_from_slice(theta);
        point.mean.value = value;
        Some(value)
    }

    fn check_effects(&self, point: &EffectsPoint) -> Result<(), Failure> {
        self.identified(point)
    }
}
