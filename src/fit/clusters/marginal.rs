//! What inference on the mean needs of a model with effects of clusters, once at the optimum.
//!
//! For a mean that is known the inverse of Henderson's matrix, S̃, has Ψ for the outer columns (zero but for the joined
//! effects) and M̃ for those of components. The effects' columns of V⁻¹Z and V⁻¹X are W\[X Z\]E_V and W\[X Z\]F, E_V = I_z −
//! S̃K_z and F = I_x − S̃K_x; in the basis \[outer − ZN, Z\], F is (f, 0) with f = (I − ΨC)_x. Hence
//!
//! ```text
//! X'V⁻¹∂_kΣV⁻¹X = −F'P_kF             X'V⁻¹Z = K_z-part of F,   Z'V⁻¹Z = K_z'E_V
//! Q_kl = F'{Q_kl(W) − P_k S̃ P_l}F     Q_kg = −F'P_kE_V ∂_gG̃ Z'V⁻¹X     Q_gh = X'V⁻¹Z ∂_gG̃ Z'V⁻¹Z ∂_hG̃ Z'V⁻¹X
//! ```

use super::projection::Projection;
use super::slopes::EffectSlopes;
use super::{EffectsPoint, WithEffects};
use crate::fit::Engine;
use crate::fit::blocks::Blocks;
use crate::fit::found::{Derived, SecondOrder};
use crate::fit::likelihood::Likelihood;
use crate::fit::marginal::Effects;
use crate::fit::problem::Estimation;
use nalgebra::{DMatrix, DMatrixView, DVector};

/// Second-order facts of the marginal model y ~ N(Xβ, V).
#[derive(Debug, Clone)]
pub(crate) struct Marginal {
    /// Ψ, outer × outer.
    psi: DMatrix<f64>,
    /// f, outer × p.
    f: DMatrix<f64>,
    /// For a known mean.
    projection: Projection,
    /// Z'V⁻¹X, q × p.
    zx: DMatrix<f64>,
}

impl WithEffects {
    /// At a point.
    fn marginal(&self, point: &EffectsPoint) -> Marginal {
        let (shape, p, width) = (&self.shape, self.shape.fixed, self.shape.outer);
        let psi = self.known_mean(point);
        let left = DMatrixView::from_slice(&point.left, width, width);
        let mut f = &psi * left.columns(0, p);
        f.neg_mut();
        (0..p).for_each(|c| f[(c, c)] += 1.0);
        let mut projection = Projection::blank(shape);
        projection.set(shape, point, psi.as_slice());
        let mut zx = DMatrix::zeros(shape.effects(), p);
        zx.rows_mut(0, shape.joined()).copy_from(&left.columns(p, shape.joined()).tr_mul(&f));
        zx.rows_mut(shape.joined(), shape.inner()).copy_from(&self.across(&projection.u).tr_mul(&f));
        Marginal { psi, f, projection, zx }
    }

    /// Ψ, from Φ of the outer columns: Φ_jj − Φ_jx Φ_xx⁻¹ Φ_xj for the joined effects.
    fn known_mean(&self, point: &EffectsPoint) -> DMatrix<f64> {
        let (p, q, width) = (self.shape.fixed, self.shape.joined(), self.shape.outer);
        let phi = DMatrixView::from_slice(&point.phi, width, width);
        let mut psi = DMatrix::zeros(width, width);
        let (zx, zz) = (phi.view((p, 0), (q, p)).clone_owned(), phi.view((p, p), (q, q)).clone_owned());
        let known = match phi.view((0, 0), (p, p)).clone_owned().cholesky() {
            Some(factor) => zz - &zx * factor.solve(&zx.transpose()),
            None => zz,
        };
        psi.view_mut((p, p), (q, q)).copy_from(&(0.5 * (&known + known.transpose())));
        psi
    }

    /// As a matrix of the outer columns × the effects of components.
    fn across<'m>(&self, elements: &'m [f64]) -> DMatrixView<'m, f64> {
        DMatrixView::from_slice(elements, self.shape.outer, self.shape.inner())
    }

    /// What a form has for the outer columns.
    fn outer<'m>(&self, form: &'m [f64]) -> DMatrixView<'m, f64> {
        DMatrixView::from_slice(self.shape.parts(form).0, self.shape.outer, self.shape.outer)
    }

    /// F'MF: what a form in the basis \[outer − ZN, Z\] is for the mean.
    fn of_mean(&self, own: &Marginal, form: &[f64]) -> DMatrix<f64> {
        own.f.tr_mul(&(self.outer(form) * &own.f))
    }

    /// The form \[X Z\]'Ω\[X Z\], in that basis.
    fn form(&self, point: &EffectsPoint, omega: &Blocks) -> Vec<f64> {
        let mut room = self.workspace();
        self.set_form(omega, &mut room);
        self.change_form(point, &mut room.form);
        room.form
    }

    /// A matrix of columns by effect times squares of components, from the right.
    fn times_squares(&self, matrix: DMatrixView<f64>, squares: &[f64]) -> DMatrix<f64> {
        let mut product = DMatrix::zeros(matrix.nrows(), matrix.ncols());
        for component in &self.shape.components {
            let (first, size) = (component.effects.start, component.size());
            let square = DMatrixView::from_slice(&squares[component.square.clone()], size, size);
            product.columns_mut(first, size).copy_from(&(matrix.columns(first, size) * square));
        }
        product
    }

    /// Squares of components times a matrix of effects by column, from the left.
    fn squares_times(&self, squares: &[f64], matrix: &DMatrix<f64>) -> DMatrix<f64> {
        let mut product = DMatrix::zeros(matrix.nrows(), matrix.ncols());
        for component in &self.shape.components {
            let (first, size) = (component.effects.start, component.size());
            let square = DMatrixView::from_slice(&squares[component.square.clone()], size, size);
            product.rows_mut(first, size).copy_from(&(square * matrix.rows(first, size)));
        }
        product
    }

    /// The position of the term and the element of G of every parameter.
    fn elements(&self) -> impl Iterator<Item = (usize, (usize, usize))> {
        self.clusters.terms.iter().enumerate().flat_map(|(term, own)| own.pairs().iter().map(move |&pair| (term, pair)))
    }

    /// ∂_gG̃M of every parameter of G, for M by effect.
    fn all_moved(&self, matrix: &DMatrix<f64>) -> Vec<DMatrix<f64>> {
        let of = |(term, pair): (usize, (usize, usize))| {
            let columns: Vec<DVector<f64>> = matrix.column_iter().map(|x| self.moved(term, pair, &x.clone_owned())).collect();
            DMatrix::from_columns(&columns)
        };
        self.elements().map(of).collect()
    }

    /// Σ_kl ω_kl {F'Q_kl(W)F − F'P_kS̃P_lF} over the parameters of Σ, given the first.
    fn weighted_within(
        &self,
        own: &Marginal,
        point: &EffectsPoint,
        slopes: &EffectSlopes,
        omega: &DMatrix<f64>,
        first: &[f64],
    ) -> DMatrix<f64> {
        let outer = self.shape.outer * self.shape.columns();
        let mut sum = self.outer(first).clone_owned();
        let mut others = vec![0.0; outer];
        for k in 0..slopes.len() {
            others.fill(0.0);
            for l in 0..slopes.len() {
                others.iter_mut().zip(slopes.form(l)).for_each(|(x, form)| *x += omega[(k, l)] * form);
            }
            let (p_k, own_k) = (self.outer(slopes.form(k)), self.across(self.shape.parts(slopes.form(k)).1));
            sum -= p_k * &own.psi * self.outer_of(&others);
            sum -= self.times_squares(own_k, &point.m) * self.across(&others[self.shape.outer * self.shape.outer..]).transpose();
        }
        own.f.tr_mul(&(sum * &own.f))
    }

    fn outer_of<'m>(&self, elements: &'m [f64]) -> DMatrixView<'m, f64> {
        DMatrixView::from_slice(&elements[..self.shape.outer * self.shape.outer], self.shape.outer, self.shape.outer)
    }

    /// −F'P_kE_V X for X by effect.
    fn crossed(&self, own: &Marginal, form: &[f64], x: &DMatrix<f64>) -> DMatrix<f64> {
        let (shape, p, width) = (&self.shape, self.shape.fixed, self.shape.outer);
        let (x_joined, x) = (x.rows(0, shape.joined()), x.rows(shape.joined(), shape.inner()));
        let q = DMatrixView::from_slice(&own.projection.q, width, shape.joined());
        let through_outer: DMatrix<f64> = self.across(&own.projection.a) * x + q * x_joined;
        let across = self.times_squares(self.across(shape.parts(form).1), &own.projection.b);
        debug_assert_eq!(own.f.ncols(), p);
        -own.f.tr_mul(&(self.outer(form) * through_outer + across * x))
    }
}

impl SecondOrder for WithEffects {
    const ENGINE: Engine = Engine::DenseEffects;

    type Shared = Marginal;

    fn shared(&self, point: &EffectsPoint, _slopes: &EffectSlopes) -> Marginal {
        self.marginal(point)
    }

    fn expected_hessian(&self, point: &EffectsPoint, own: &Derived<Self>) -> DMatrix<f64> {
        let (parameters, first) = (self.parameters(), own.slopes.len());
        let s = match self.within.estimation {
            Estimation::Reml => DMatrix::from_column_slice(self.shape.outer, self.shape.outer, &point.phi),
            Estimation::Ml => self.known_mean(point),
        };
        let mut room = self.workspace();
        let mut leverages = Blocks::zeros(&self.within.patterns);
        self.set_leverages(s.as_slice(), point, &mut leverages, &mut room);
        let between = self.within.between_weights(&point.mean, leverages);
        let mut expected = DMatrix::zeros(parameters, parameters);
        let fisher = self.within.fisher(&point.mean, &own.derivatives);
        let within = 2.0 * self.within.traces(&point.mean.w, &between, &own.derivatives);
        expected.view_mut((0, 0), (first, first)).copy_from(&(fisher - within));
        let mut slopes = own.slopes.clone();
        slopes.add_traces(1.0, s.as_slice(), &self.shape, point, &mut expected);
        room.projections[0].set(&self.shape, point, s.as_slice());
        for k in 0..first {
            for (g, value) in self.crossed_traces(slopes.form(k), &mut room).iter().enumerate() {
                expected[(k, first + g)] = -value;
                expected[(first + g, k)] = -value;
            }
        }
        self.add_traces(1.0, &mut expected, &mut room);
        0.5 * (&expected + expected.transpose())
    }

    fn slopes(&self, own: &Derived<Self>) -> Vec<DMatrix<f64>> {
        let shared = &own.shared;
        let of_sigma = (0..own.slopes.len()).map(|k| self.of_mean(shared, own.slopes.form(k)));
        let of_clusters = self.all_moved(&shared.zx).into_iter().map(|moved| -shared.zx.tr_mul(&moved));
        of_sigma.chain(of_clusters).collect()
    }

    /// Σ_kl ω_kl Q_kl.
    fn weighted_q(&self, point: &EffectsPoint, own: &Derived<Self>, omega: &DMatrix<f64>) -> DMatrix<f64> {
        let (shared, first) = (&own.shared, own.slopes.len());
        let weighted = self.form(point, &self.within.weights_of_q(&point.mean, &own.derivatives, omega));
        let mut q = self.weighted_within(shared, point, &own.slopes, omega, &weighted);
        // ∂_gG̃ Z'V⁻¹X.
        let moved = self.all_moved(&shared.zx);
        let weighted = |row: usize| {
            let mut sum = DMatrix::zeros(shared.zx.nrows(), shared.zx.ncols());
            moved.iter().enumerate().for_each(|(g, m)| sum += m * omega[(row, first + g)]);
            sum
        };
        for k in 0..first {
            let crossed = self.crossed(shared, own.slopes.form(k), &weighted(k));
            q += &crossed + crossed.transpose();
        }
        let mut room = [vec![0.0; self.shape.outer], vec![0.0; self.shape.outer]];
        for (g, m) in moved.iter().enumerate() {
            let mut others = weighted(first + g);
            for mut column in others.column_iter_mut() {
                let x: Vec<f64> = column.iter().copied().collect();
                let mut product = vec![0.0; x.len()];
                shared.projection.times(&self.shape, shared.psi.as_slice(), &x, &mut product, &mut room);
                column.copy_from_slice(&product);
            }
            q += m.tr_mul(&others);
        }
        q
    }

    /// The same sums as [`weighted_q`](Self::weighted_q)'s, with Fx in the place of F: vectors for matrices.
    fn weighted_q_along(&self, point: &EffectsPoint, own: &Derived<Self>, omega: &DMatrix<f64>, x: &DVector<f64>) -> f64 {
        let (shape, shared, first) = (&self.shape, &own.shared, own.slopes.len());
        let (joined, inner, width) = (shape.joined(), shape.inner(), shape.outer);
        let fx = &shared.f * x;
        let weighted = self.form(point, &self.within.weights_of_q(&point.mean, &own.derivatives, omega));
        let mut sum = fx.dot(&(self.outer(&weighted) * &fx));
        // P_kFx of every parameter of Σ: for the outer columns, and for the effects of components.
        let (mut of_outer, mut of_inner) = (DMatrix::zeros(width, first), DMatrix::zeros(inner, first));
        for k in 0..first {
            let form = own.slopes.form(k);
            of_outer.column_mut(k).copy_from(&(self.outer(form) * &fx));
            of_inner.column_mut(k).copy_from(&self.across(shape.parts(form).1).tr_mul(&fx));
        }
        let within = omega.view((0, 0), (first, first));
        let (weighted_outer, weighted_inner) = (&of_outer * within, &of_inner * within);
        sum -= of_outer.dot(&(&shared.psi * weighted_outer));
        sum -= of_inner.dot(&self.squares_times(&point.m, &weighted_inner));
        // ∂_gG̃ Z'V⁻¹Xx of every parameter of G.
        let zx = &shared.zx * x;
        let moved: Vec<DVector<f64>> = self.elements().map(|(term, pair)| self.moved(term, pair, &zx)).collect();
        if moved.is_empty() {
            return sum;
        }
        let moved = DMatrix::from_columns(&moved);
        let effects = omega.view((first, 0), (moved.ncols(), first));
        let through = &moved * effects;
        let q = DMatrixView::from_slice(&shared.projection.q, width, joined);
        let outer = self.across(&shared.projection.a) * through.rows(joined, inner) + q * through.rows(0, joined);
        let own_components = self.squares_times(&shared.projection.b, &through.rows(joined, inner).clone_owned());
        sum -= 2.0 * (of_outer.dot(&outer) + of_inner.dot(&own_components));
        let mut others = &moved * omega.view((first, first), (moved.ncols(), moved.ncols()));
        let mut room = [vec![0.0; width], vec![0.0; width]];
        for mut column in others.column_iter_mut() {
            let from: Vec<f64> = column.iter().copied().collect();
            let mut product = vec![0.0; from.len()];
            shared.projection.times(shape, shared.psi.as_slice(), &from, &mut product, &mut room);
            column.copy_from_slice(&product);
        }
        sum + moved.dot(&others)
    }

    fn weighted_r(&self, point: &EffectsPoint, own: &Derived<Self>, omega: &DMatrix<f64>) -> Option<DMatrix<f64>> {
        self.within.weights_of_r(&point.mean, omega).map(|weights| self.of_mean(&own.shared, &self.form(point, &weights)))
    }

    fn intrinsic_r(&self, _point: &EffectsPoint, _own: &Derived<Self>, _omega: &DMatrix<f64>) -> Option<DMatrix<f64>> {
        None
    }

    /// The covariance of û − u given β̂ is Φ_zz − Φ_zx Φ_xx⁻¹ Φ_xz.
    fn effects(&self, point: &EffectsPoint, term: usize) -> Effects {
        let (shape, p, width) = (&self.shape, self.shape.fixed, self.shape.outer);
        let (k, joined) = (self.clusters.terms[term].size(), shape.joined());
        let mean = point.mean.phi.clone().cholesky();
        let phi = DMatrixView::from_slice(&point.phi, width, width);
        let mut effects = Effects { size: k, estimates: vec![], covariances: vec![], conditional: vec![] };
        for level in 0..self.clusters.terms[term].levels {
            let first = shape.first(term, level);
            let (covariance, with_mean) = match shape.component_of(first) {
                None => (phi.view((p + first, p + first), (k, k)).clone_owned(), phi.view((0, p + first), (p, k)).clone_owned()),
                Some(component) => {
                    let (own, at) = (&shape.components[component], first - joined);
                    let m = DMatrixView::from_slice(&point.m[own.square.clone()], own.size(), own.size());
                    let n = self.across(&point.n).columns(at, k).clone_owned();
                    let moved = phi * &n;
                    let within = at - own.effects.start;
                    (m.view((within, within), (k, k)) + n.tr_mul(&moved), -moved.rows(0, p).clone_owned())
                }
            };
            let of_mean = mean.as_ref().map_or(DMatrix::from_element(k, k, f64::NAN), |factor| with_mean.tr_mul(&factor.solve(&with_mean)));
            effects.estimates.extend(point.coefficients.rows(p + first, k).iter());
            effects.conditional.push(&covariance - of_mean);
            effects.covariances.push(covariance);
        }
        effects
    }
}
