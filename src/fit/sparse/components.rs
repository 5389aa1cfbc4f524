//! The part of the derivatives that the components of the tail have.
//!
//! With Ω = ΛM⁻¹Λ', M = I + Λ'AΛ, of the tail, and G_j = Z_j'V₁⁻¹Z of a level j of the head, the blocks of W =
//! Z'V₀⁻¹Z are
//!
//! ```text
//! tail–tail: AY = Ψ⁻¹ − Ψ⁻¹ΩΨ⁻¹,   Y = I − ΩA = ΩΨ⁻¹        j–tail: G_jY        j–l: δ_jl W_j − G_jΩG_l'
//! ```
//!
//! so that no block between two levels of the head need be formed: Σ_jl tr(D_kG_jΩG_l'D_…) = tr(C_kΩC_lΩ) with C_k =
//! Σ_j G_j'D_kG_j.

use super::curvature::{Curvature, Elements, add_elements, add_form, products, set_selected, standardise};
use super::data::Component;
use super::dense;
use super::point::{Point, Problem, Tail};
use super::small::{multiply, trace, trace_pair};

/// The smallest ψA of an effect at which Ψ⁻¹ may be used: digits are lost to I − M⁻¹ below it.
const SMALLEST_SHARE: f64 = 1e-4;

/// What is known of one component, with room for it.
#[derive(Debug, Clone)]
pub(super) struct ComponentRoom {
    pub omega: Vec<f64>,
    pub y: Vec<f64>,
    pub w: Vec<f64>,
    /// ΩC, n × m: Ψ times F of the tail.
    pub v: Vec<f64>,
    /// F̂ of the tail, n × m.
    pub f: Vec<f64>,
    /// C_kΩ of each parameter of the head, n × n.
    x: Vec<Vec<f64>>,
    square: Vec<f64>,
    first: Vec<f64>,
    second: Vec<f64>,
    selected: Vec<f64>,
    level: Vec<f64>,
    other: Vec<f64>,
    wide: Vec<f64>,
}

impl ComponentRoom {
    pub fn blank(problem: &Problem, component: &Component) -> Self {
        let (n, m, k) = (component.size, problem.width(), problem.data.size);
        let (square, tall) = (vec![0.0; n * n], vec![0.0; n * m]);
        Self {
            omega: square.clone(),
            y: square.clone(),
            w: square.clone(),
            v: tall.clone(),
            f: tall.clone(),
            x: vec![square.clone(); problem.head_elements().len()],
            square,
            first: tall.clone(),
            second: tall.clone(),
            selected: tall,
            level: vec![0.0; k * m],
            other: vec![0.0; k * m],
            wide: vec![0.0; k * n],
        }
    }
}

/// Λ⁻¹ and Ψ⁻¹ of a term.
struct Inverse {
    root: Vec<f64>,
    psi: Vec<f64>,
}

/// The blocks of the tail: effects of a level side by side.
struct Blocks<'p> {
    component: &'p Component,
    sizes: &'p [usize],
}

impl Blocks<'_> {
    /// The first effect of each level of a term.
    fn of(&self, index: usize) -> impl Iterator<Item = usize> + use<'_> {
        (self.component.starts[index]..self.component.starts[index + 1]).step_by(self.sizes[index])
    }

    fn all(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        (0..self.sizes.len()).flat_map(move |index| self.of(index).map(move |at| (index, at)))
    }
}

impl Problem {
    /// Adds what the components have to the sums.
    pub fn add_components(&self, point: &Point, curvature: &mut Curvature, head: &Elements) {
        let sizes: Vec<usize> = self.layout.tail.iter().map(|&term| self.parameters.sizes[term]).collect();
        if sizes.is_empty() {
            return;
        }
        let tails: Vec<Elements> = (0..sizes.len()).map(|index| self.tail_elements(index)).collect();
        let inverses: Vec<Option<Inverse>> = point.tail.iter().zip(&sizes).map(|(lambda, &k)| Inverse::of(lambda, k)).collect();
        let k = self.data.size;
        // G of every link: T times what the link has.
        for level in 0..self.data.linked.starts.len() - 1 {
            let t = &point.linked.t[level * k * k..(level + 1) * k * k];
            for link in self.data.linked.starts[level]..self.data.linked.starts[level + 1] {
                let range = link * k..(link + 1) * k;
                multiply(t, k, &point.links[range.clone()], &mut curvature.g[range]);
            }
        }
        let mut rooms = std::mem::take(&mut curvature.components);
        for ((component, tail), room) in self.data.components.iter().zip(&point.tails).zip(&mut rooms) {
            let blocks = Blocks { component, sizes: &sizes };
            let usable = inverses.iter().enumerate().all(|(index, inverse)| is_usable(index, inverse.as_ref(), &blocks, tail));
            let inverses: Option<Vec<&Inverse>> = if usable { inverses.iter().map(Option::as_ref).collect() } else { None };
            room.set(self, point, tail, &blocks, inverses.as_deref());
            self.set_heads(point, component, room, curvature);
            self.add_levels(point, &blocks, room, curvature, head, &tails);
            self.add_head_pairs(&blocks, room, curvature, head, &tails, inverses.as_deref());
            add_tail_pairs(self, &blocks, room, curvature, &tails);
            self.add_forms(point, &blocks, room, curvature, head, &tails);
        }
        curvature.components = rooms;
    }

    /// F̂ of the levels of the head.
    fn set_heads(&self, point: &Point, component: &Component, room: &mut ComponentRoom, curvature: &mut Curvature) {
        let (m, k, linked) = (self.width(), self.data.size, &self.data.linked);
        for level in component.heads.clone() {
            let range = level * k * m..(level + 1) * k * m;
            room.level.copy_from_slice(&point.solved[range.clone()]);
            for link in linked.starts[level]..linked.starts[level + 1] {
                let v = &room.v[linked.to[link] as usize * m..][..m];
                for (by, row) in point.links[link * k..(link + 1) * k].iter().zip(room.level.chunks_exact_mut(m)) {
                    row.iter_mut().zip(v).for_each(|(x, v)| *x -= by * v);
                }
            }
            let own = &mut curvature.heads[range];
            multiply(&point.linked.t[level * k * k..(level + 1) * k * k], k, &room.level, own);
            standardise(&point.root, m, own);
        }
    }

    /// What every level has by itself: traces of its block, and squares of its F̂.
    fn add_levels(
        &self,
        point: &Point,
        blocks: &Blocks,
        room: &mut ComponentRoom,
        curvature: &mut Curvature,
        head: &Elements,
        tails: &[Elements],
    ) {
        let (m, k, parameters, linked) = (self.width(), self.data.size, self.parameters.len(), &self.data.linked);
        let n = blocks.component.size;
        let mut explained = vec![0.0; k * k];
        for level in blocks.component.heads.clone() {
            let links = linked.starts[level]..linked.starts[level + 1];
            set_explained(&room.omega, n, &linked.to[links.clone()], &curvature.g[links.start * k..links.end * k], k, &mut explained);
            let w = &point.linked.w[level * k * k..(level + 1) * k * k];
            let sums = &mut curvature.sums;
            for &(x, a) in head {
                sums.w[x] += trace(w, k, a) - trace(&explained, k, a);
                for &(y, b) in head.iter().filter(|(y, _)| *y <= x) {
                    sums.ww[x * parameters + y] += trace_pair(w, w, k, a, b) - 2.0 * trace_pair(w, &explained, k, a, b);
                }
            }
            add_elements(&curvature.heads[level * k * m..(level + 1) * k * m], m, head, &mut sums.squares);
        }
        for (index, at) in blocks.all() {
            let size = blocks.sizes[index];
            for &(x, (a, b)) in &tails[index] {
                curvature.sums.w[x] += room.w[(at + a) * n + at + b] * if a == b { 1.0 } else { 2.0 };
            }
            add_elements(&room.f[at * m..(at + size) * m], m, &tails[index], &mut curvature.sums.squares);
        }
    }

    /// tr(D_kWD_lW) between levels of the head, and between head and tail.
    fn add_head_pairs(
        &self,
        blocks: &Blocks,
        room: &mut ComponentRoom,
        curvature: &mut Curvature,
        head: &Elements,
        tails: &[Elements],
        inverses: Option<&[&Inverse]>,
    ) {
        let component = blocks.component;
        let (n, parameters, linked) = (component.size, self.parameters.len(), &self.data.linked);
        let links = linked.starts[component.heads.end] - linked.starts[component.heads.start];
        let by_links = 2 * links <= n * n;
        for (index, &(_, element)) in head.iter().enumerate() {
            if !by_links || inverses.is_none() {
                self.set_own_square(component, room, curvature, element);
            }
            if by_links {
                self.set_x_by_links(component, room, curvature, element, index);
            } else {
                dense::multiply(&room.square, n, &room.omega, n, &mut room.x[index]);
            }
            // C_kY takes the place of C_k.
            match inverses {
                Some(inverses) => {
                    room.square.copy_from_slice(&room.x[index]);
                    room.square.chunks_exact_mut(n).for_each(|row| scale_by(row, blocks, inverses));
                }
                None => {
                    let own = std::mem::take(&mut room.square);
                    let mut product = vec![0.0; n * n];
                    dense::multiply(&own, n, &room.y, n, &mut product);
                    room.square = product;
                }
            }
            for (index_of_term, elements) in tails.iter().enumerate() {
                for &(y, (a, b)) in elements {
                    let x = head[index].0;
                    let (size, range) = (blocks.sizes[index_of_term], component.starts[index_of_term]..component.starts[index_of_term + 1]);
                    let mut sum = 0.0;
                    for (own, other) in room.y.chunks_exact(n).zip(room.square.chunks_exact(n)) {
                        let levels = own[range.clone()].chunks_exact(size).zip(other[range.clone()].chunks_exact(size));
                        sum += levels.map(|(y, c)| if a == b { y[a] * c[a] } else { y[a] * c[b] + y[b] * c[a] }).sum::<f64>();
                    }
                    curvature.sums.ww[x.max(y) * parameters + x.min(y)] += sum;
                }
            }
        }
        for (i, &(x, _)) in head.iter().enumerate() {
            for (j, &(y, _)) in head.iter().enumerate().filter(|(_, (y, _))| *y <= x) {
                curvature.sums.ww[x * parameters + y] += trace_of_product(&room.x[i], &room.x[j], n);
            }
        }
    }

    /// C_k = Σ_j G_j'D_kG_j.
    fn set_own_square(&self, component: &Component, room: &mut ComponentRoom, curvature: &Curvature, (a, b): (usize, usize)) {
        let (n, k, linked) = (component.size, self.data.size, &self.data.linked);
        room.square.fill(0.0);
        for level in component.heads.clone() {
            let links = linked.starts[level]..linked.starts[level + 1];
            for one in links.clone() {
                let (s, g) = (linked.to[one] as usize, &curvature.g[one * k..(one + 1) * k]);
                for other in links.clone() {
                    let (t, h) = (linked.to[other] as usize, &curvature.g[other * k..(other + 1) * k]);
                    room.square[s * n + t] += if a == b { g[a] * h[a] } else { g[a] * h[b] + g[b] * h[a] };
                }
            }
        }
    }

    /// C_kΩ, level by level of the head: Σ_j G_j'D_k(G_jΩ).
    fn set_x_by_links(&self, component: &Component, room: &mut ComponentRoom, curvature: &Curvature, (a, b): (usize, usize), index: usize) {
        let (n, k, linked) = (component.size, self.data.size, &self.data.linked);
        let (x, wide) = (&mut room.x[index], &mut room.wide);
        x.fill(0.0);
        for level in component.heads.clone() {
            let links = linked.starts[level]..linked.starts[level + 1];
            for c in [a, b] {
                let own = &mut wide[c * n..(c + 1) * n];
                own.fill(0.0);
                for link in links.clone() {
                    crate::fit::kernels::axpy(own, curvature.g[link * k + c], &room.omega[linked.to[link] as usize * n..][..n]);
                }
            }
            for link in links {
                let (g, row) = (&curvature.g[link * k..(link + 1) * k], &mut x[linked.to[link] as usize * n..][..n]);
                crate::fit::kernels::axpy(row, g[a], &wide[b * n..(b + 1) * n]);
                if a != b {
                    crate::fit::kernels::axpy(row, g[b], &wide[a * n..(a + 1) * n]);
                }
            }
        }
    }

    /// f'D_kWD_lf for the columns f of F̂.
    fn add_forms(
        &self,
        point: &Point,
        blocks: &Blocks,
        room: &mut ComponentRoom,
        curvature: &mut Curvature,
        head: &Elements,
        tails: &[Elements],
    ) {
        let (m, parameters) = (self.width(), self.parameters.len());
        let n = blocks.component.size;
        for (index, elements) in tails.iter().enumerate() {
            for &(y, element) in elements {
                room.selected.fill(0.0);
                for at in blocks.of(index) {
                    let range = at * m..(at + blocks.sizes[index]) * m;
                    set_selected(&room.f[range.clone()], m, element, &mut room.selected[range]);
                }
                dense::multiply(&room.w, n, &room.selected, m, &mut room.first);
                dense::multiply(&room.y, n, &room.selected, m, &mut room.second);
                for (other, others) in tails.iter().enumerate() {
                    for &(x, element) in others.iter().filter(|(x, _)| *x >= y) {
                        for at in blocks.of(other) {
                            let range = at * m..(at + blocks.sizes[other]) * m;
                            let (mean, last) = products(&room.f[range.clone()], &room.first[range], m, element);
                            curvature.sums.mean[x * parameters + y] += mean;
                            curvature.sums.last[x * parameters + y] += last;
                            let range = at * m..(at + blocks.sizes[other]) * m;
                            add_form(&room.f[range.clone()], &room.first[range], m, parameters, (x, y), element, &mut curvature.forms);
                        }
                    }
                }
                self.add_head_forms(point, blocks.component, room, curvature, head, y, None);
            }
        }
        let k = self.data.size;
        for &(y, element) in head {
            // Σ_j G_j'x_j, then Ω times it.
            room.first.fill(0.0);
            let linked = &self.data.linked;
            for level in blocks.component.heads.clone() {
                set_selected(&curvature.heads[level * k * m..(level + 1) * k * m], m, element, &mut room.level);
                for link in linked.starts[level]..linked.starts[level + 1] {
                    let own = &mut room.first[linked.to[link] as usize * m..][..m];
                    for (g, row) in curvature.g[link * k..(link + 1) * k].iter().zip(room.level.chunks_exact(m)) {
                        own.iter_mut().zip(row).for_each(|(x, f)| *x += g * f);
                    }
                }
            }
            dense::multiply(&room.omega, n, &room.first, m, &mut room.second);
            let later: Elements = head.iter().filter(|(x, _)| *x >= y).copied().collect();
            self.add_head_forms(point, blocks.component, room, curvature, &later, y, Some(element));
        }
    }

    /// The same for D_k of the head: with z the second room, x'D_kG_jz where l is of the tail, x'D_k(W_jD_lx − G_jz)
    /// where it is an element of the head.
    #[expect(clippy::too_many_arguments, reason = "all that a component is made of")]
    fn add_head_forms(
        &self,
        point: &Point,
        component: &Component,
        room: &mut ComponentRoom,
        curvature: &mut Curvature,
        elements: &Elements,
        y: usize,
        own: Option<(usize, usize)>,
    ) {
        let (m, k, parameters, linked) = (self.width(), self.data.size, self.parameters.len(), &self.data.linked);
        let sign = if own.is_some() { -1.0 } else { 1.0 };
        for level in component.heads.clone() {
            let f = &curvature.heads[level * k * m..(level + 1) * k * m];
            match own {
                Some(element) => {
                    set_selected(f, m, element, &mut room.level);
                    multiply(&point.linked.w[level * k * k..(level + 1) * k * k], k, &room.level, &mut room.other);
                }
                None => room.other.fill(0.0),
            }
            for link in linked.starts[level]..linked.starts[level + 1] {
                let z = &room.second[linked.to[link] as usize * m..][..m];
                for (g, row) in curvature.g[link * k..(link + 1) * k].iter().zip(room.other.chunks_exact_mut(m)) {
                    let by = sign * g;
                    row.iter_mut().zip(z).for_each(|(x, z)| *x += by * z);
                }
            }
            for &(x, element) in elements {
                let (mean, last) = products(f, &room.other, m, element);
                let cell = x.max(y) * parameters + x.min(y);
                curvature.sums.mean[cell] += mean;
                curvature.sums.last[cell] += last;
                add_form(f, &room.other, m, parameters, (x, y), element, &mut curvature.forms);
            }
        }
    }
}

/// Whether the digits of Ψ⁻¹ − Ψ⁻¹ΩΨ⁻¹ suffice.
fn is_usable(index: usize, inverse: Option<&Inverse>, blocks: &Blocks, tail: &Tail) -> bool {
    let (k, n) = (blocks.sizes[index], blocks.component.size);
    let Some(Inverse { psi, .. }) = inverse else { return false };
    blocks.of(index).all(|at| (0..k).all(|a| tail.a[(at + a) * n + at + a] > SMALLEST_SHARE * psi[a * k + a]))
}

/// tr(D_kWD_lW) within the tail.
fn add_tail_pairs(problem: &Problem, blocks: &Blocks, room: &ComponentRoom, curvature: &mut Curvature, tails: &[Elements]) {
    let (n, parameters) = (blocks.component.size, problem.parameters.len());
    for (first, elements) in tails.iter().enumerate() {
        for (second, others) in tails.iter().enumerate() {
            for &(x, (a, b)) in elements {
                for &(y, (c, d)) in others.iter().filter(|(y, _)| *y <= x) {
                    let range = blocks.component.starts[second]..blocks.component.starts[second + 1];
                    let mut sum = 0.0;
                    for at in blocks.of(first) {
                        let row = |e: usize| room.w[(at + e) * n..][range.clone()].chunks_exact(blocks.sizes[second]);
                        let one: f64 = row(a)
                            .zip(row(b))
                            .map(|(p, q)| {
                                let once = q[c] * p[d];
                                if c == d { once } else { once + q[d] * p[c] }
                            })
                            .sum();
                        sum += if a == b { one } else { 2.0 * one };
                    }
                    curvature.sums.ww[x * parameters + y] += sum;
                }
            }
        }
    }
}

/// G_jΩG_j' of one level of the head.
pub(super) fn set_explained(omega: &[f64], n: usize, to: &[u32], g: &[f64], k: usize, explained: &mut [f64]) {
    explained.fill(0.0);
    for (one, &s) in g.chunks_exact(k).zip(to) {
        let row = &omega[s as usize * n..(s as usize + 1) * n];
        for (other, &t) in g.chunks_exact(k).zip(to) {
            let by = row[t as usize];
            for a in 0..k {
                (0..k).for_each(|b| explained[a * k + b] += one[a] * by * other[b]);
            }
        }
    }
}

impl Inverse {
    /// `None` where Λ has a zero on its diagonal.
    fn of(lambda: &[f64], k: usize) -> Option<Self> {
        if (0..k).any(|a| lambda[a * k + a] == 0.0) {
            return None;
        }
        let mut root = vec![0.0; k * k];
        for i in 0..k {
            for j in 0..=i {
                let inner: f64 = (j..i).map(|l| lambda[i * k + l] * root[l * k + j]).sum();
                root[i * k + j] = (f64::from(i == j) - inner) / lambda[i * k + i];
            }
        }
        let square = |a: usize, b: usize| (a.max(b)..k).map(|l| root[l * k + a] * root[l * k + b]).sum::<f64>();
        let psi: Vec<f64> = (0..k * k).map(|cell| square(cell / k, cell % k)).collect();
        psi.iter().all(|x| x.is_finite()).then_some(Self { root, psi })
    }
}

/// Replaces a row x by xΨ⁻¹.
fn scale_by(row: &mut [f64], blocks: &Blocks, inverses: &[&Inverse]) {
    for (index, Inverse { root, psi }) in inverses.iter().enumerate() {
        let k = blocks.sizes[index];
        let own = &mut row[blocks.component.starts[index]..blocks.component.starts[index + 1]];
        if k == 1 {
            own.iter_mut().for_each(|x| *x *= psi[0]);
            continue;
        }
        for x in own.chunks_exact_mut(k) {
            dense::scale_entries_back(root, k, x);
            dense::scale_entries(root, k, x);
        }
    }
}

/// tr(AB).
fn trace_of_product(a: &[f64], b: &[f64], n: usize) -> f64 {
    (0..n).map(|i| a[i * n..(i + 1) * n].iter().zip(b[i..].iter().step_by(n)).map(|(x, y)| x * y).sum::<f64>()).sum()
}

impl ComponentRoom {
    /// Ω, Y, W of the tail, ΩC and F̂.
    fn set(&mut self, problem: &Problem, point: &Point, tail: &Tail, blocks: &Blocks, inverses: Option<&[&Inverse]>) {
        let (n, m) = (blocks.component.size, problem.width());
        dense::inverse(&tail.factor, n, &mut self.y, &mut self.omega);
        for (index, at) in blocks.all() {
            dense::scale_rows_back(&point.tail[index], blocks.sizes[index], at, &mut self.omega, n);
        }
        for row in self.omega.chunks_exact_mut(n) {
            blocks.all().for_each(|(index, at)| {
                let k = blocks.sizes[index];
                dense::scale_entries_back(&point.tail[index], k, &mut row[at..at + k]);
            });
        }
        dense::multiply(&self.omega, n, &tail.cross, m, &mut self.v);
        match inverses {
            Some(inverses) => {
                self.y.copy_from_slice(&self.omega);
                self.y.chunks_exact_mut(n).for_each(|row| scale_by(row, blocks, inverses));
                // Ψ⁻¹ − Ψ⁻¹Y and Ψ⁻¹v.
                self.w.copy_from_slice(&self.y);
                self.f.copy_from_slice(&self.v);
                for (index, at) in blocks.all() {
                    let k = blocks.sizes[index];
                    for (matrix, width) in [(&mut self.w, n), (&mut self.f, m)] {
                        dense::scale_rows_back(&inverses[index].root, k, at, matrix, width);
                        dense::scale_rows(&inverses[index].root, k, at, matrix, width);
                    }
                }
                self.w.iter_mut().for_each(|x| *x = -*x);
                for (index, at) in blocks.all() {
                    let k = blocks.sizes[index];
                    for a in 0..k {
                        (0..k).for_each(|b| self.w[(at + a) * n + at + b] += inverses[index].psi[a * k + b]);
                    }
                }
            }
            None => {
                dense::multiply(&self.omega, n, &tail.a, n, &mut self.y);
                self.y.iter_mut().for_each(|x| *x = -*x);
                (0..n).for_each(|i| self.y[i * n + i] += 1.0);
                dense::multiply(&tail.a, n, &self.y, n, &mut self.w);
                dense::multiply(&tail.a, n, &self.v, m, &mut self.f);
                self.f.iter_mut().zip(&tail.cross).for_each(|(f, c)| *f = c - *f);
            }
        }
        standardise(&point.root, m, &mut self.f);
    }
}
