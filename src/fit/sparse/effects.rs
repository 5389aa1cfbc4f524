//! The best linear unbiased predictions of the random effects.

use super::SparseFit;
use super::components::set_explained;
use super::curvature::standardise;
use super::layout::Place;
use super::small::{LogProduct, forward, level_factors, multiply};
use crate::fit::kernels::axpy;
use crate::fit::marginal::Effects;
use nalgebra::DMatrix;

impl SparseFit {
    /// Those of a term, in the order of its levels.
    pub(super) fn effects_of(&self, term: usize) -> Effects {
        let (size, m) = (self.problem.parameters.sizes[term], self.problem.width());
        let mut effects = Effects { size, estimates: vec![], covariances: vec![], conditional: vec![] };
        let psi = {
            let mut values = vec![0.0; self.problem.parameters.len()];
            self.problem.parameters.set_psi(&self.point.lambda, &mut values);
            DMatrix::from_row_slice(size, size, &self.problem.parameters.symmetric(term, &values))
        };
        // From the rows of F̂ and the block of W of a level.
        let mut push = |f: &[f64], w: &dyn Fn(usize, usize) -> f64| {
            let squares = |a: usize, b: usize| (0..m - 1).map(|c| f[a * m + c] * f[b * m + c]).sum::<f64>();
            let known = DMatrix::from_fn(size, size, w);
            let t = DMatrix::from_fn(size, size, |a, b| w(a, b) - squares(a, b));
            let s = DMatrix::from_fn(size, 1, |a, _| f[a * m + m - 1] * self.point.squares.sqrt());
            effects.estimates.extend(self.turned.effects(term, (&psi * s).as_slice()));
            effects.covariances.push(self.turned.covariance(term, (&psi - &psi * t * &psi) * self.theta[0]));
            effects.conditional.push(self.turned.covariance(term, (&psi - &psi * known * &psi) * self.theta[0]));
        };
        match self.problem.layout.places[term] {
            Place::Head(at) => self.of_head(at, size, &mut push),
            Place::Tail(index) => {
                for &(component, place) in &self.problem.layout.at[index] {
                    let (room, place) = (&self.curvature().components[component as usize], place as usize);
                    let n = self.problem.data.components[component as usize].size;
                    push(&room.f[place * m..(place + size) * m], &|a, b| room.w[(place + a) * n + place + b]);
                }
            }
        }
        effects
    }

    fn of_head(&self, at: usize, size_of_term: usize, push: &mut impl FnMut(&[f64], &dyn Fn(usize, usize) -> f64)) {
        let (problem, point, curvature) = (&self.problem, &self.point, self.curvature());
        let (m, k) = (problem.width(), problem.data.size);
        let (mut free, mut rows, mut explained) = (0, vec![0.0; k * m], vec![0.0; k * k]);
        let (mut c, mut t, mut w) = (explained.clone(), explained.clone(), explained.clone());
        let linked = self.positions();
        for (level, component) in problem.layout.component_of.iter().enumerate() {
            match component {
                None => {
                    let shape = problem.data.shape_of[free] as usize;
                    let range = shape * k * k..(shape + 1) * k * k;
                    let mut solved = problem.data.free_c[free * k * m..(free + 1) * k * m].to_vec();
                    forward(&point.free.c[range.clone()], k, &mut solved);
                    multiply(&point.free.t[range.clone()], k, &solved, &mut rows);
                    standardise(&point.root, m, &mut rows);
                    let w = &point.free.w[range];
                    push(&rows[at * m..(at + size_of_term) * m], &|a, b| w[(at + a) * k + at + b]);
                    free += 1;
                }
                Some(component) => {
                    let (own, data) = (linked[level], &problem.data);
                    let (room, size) = (&curvature.components[*component as usize], data.components[*component as usize].size);
                    let to = data.levels.to_of(own);
                    level_factors(data.levels.r_of(own, k), &point.head, k, &mut c, &mut t, &mut w, &mut LogProduct::new());
                    // C⁻¹(c − G_jΩC) and G_j, each times T.
                    let mut solved = data.levels.c_of(own, k, m).to_vec();
                    for (by, &s) in data.levels.by_of(own, k).chunks_exact(k).zip(to) {
                        let v = &room.v[s as usize * m..][..m];
                        by.iter().zip(solved.chunks_exact_mut(m)).for_each(|(by, row)| axpy(row, -by, v));
                    }
                    forward(&c, k, &mut solved);
                    multiply(&t, k, &solved, &mut rows);
                    standardise(&point.root, m, &mut rows);
                    let mut g = data.levels.by_of(own, k).to_vec();
                    for link in g.chunks_exact_mut(k) {
                        forward(&c, k, link);
                        let solved = link.to_vec();
                        multiply(&t, k, &solved, link);
                    }
                    set_explained(&room.omega, size, to, &g, k, &mut explained);
                    push(&rows[at * m..(at + size_of_term) * m], &|a, b| w[(at + a) * k + at + b] - explained[(at + a) * k + at + b]);
                }
            }
        }
    }

    /// The position of each level of the head among the linked ones.
    fn positions(&self) -> Vec<usize> {
        let layout = &self.problem.layout;
        let mut next: Vec<usize> = self.problem.data.components.iter().map(|c| c.levels.start).collect();
        let mut place = |component: &Option<u32>| {
            let Some(component) = component else { return 0 };
            let next = &mut next[*component as usize];
            *next += 1;
            *next - 1
        };
        layout.component_of.iter().map(&mut place).collect()
    }
}
