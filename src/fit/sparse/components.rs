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

use super::blocks::Blocks;
use super::curvature::{Curvature, Elements, add_elements, add_form, products, set_selected, standardise};
use super::data::Component;
use super::dense;
use super::point::{Point, Problem, Tail};
use super::small::{multiply, trace, trace_pair};
use crate::fit::kernels::dot;

/// The smallest ψA of an effect at which Ψ⁻¹ may be used: digits are lost to I − M⁻¹ below it.
const SMALLEST_SHARE: f64 = 1e-4;
/// Columns that are worked on together where links lead to any row.
const PANEL: usize = 16;

/// What is known of one component.
#[derive(Debug, Clone)]
pub(super) struct ComponentRoom {
    pub omega: Vec<f64>,
    pub w: Vec<f64>,
    /// ΩC, n × m: Ψ times F of the tail.
    pub v: Vec<f64>,
    /// F̂ of the tail, n × m.
    pub f: Vec<f64>,
    /// Whether C_kΩ costs less link by link than as a product.
    by_links: bool,
    /// Whether there is no effect, Ω = 0.
    is_zero: bool,
    /// While it is worked on.
    own: Scratch,
}

/// Room that the components use one after the other.
#[derive(Debug, Clone, Default)]
pub(super) struct Scratch {
    y: Vec<f64>,
    /// C_kΩ of each parameter of the head, n × n.
    x: Vec<Vec<f64>>,
    square: Vec<f64>,
    row: Vec<f64>,
    first: Vec<f64>,
    second: Vec<f64>,
    selected: Vec<f64>,
    level: Vec<f64>,
    other: Vec<f64>,
    wide: Vec<f64>,
}

impl ComponentRoom {
    pub fn blank(problem: &Problem, component: &Component) -> Self {
        let (n, m, starts) = (component.size, problem.width(), &problem.data.linked.starts);
        Self {
            omega: vec![0.0; n * n],
            w: vec![0.0; n * n],
            v: vec![0.0; n * m],
            f: vec![0.0; n * m],
            by_links: 2 * (starts[component.heads.end] - starts[component.heads.start]) <= n * n,
            is_zero: false,
            own: Scratch::default(),
        }
    }
}

impl Scratch {
    /// Room for the largest of all components.
    pub fn blank(problem: &Problem) -> Self {
        let n = problem.data.components.iter().map(|c| c.size).max().unwrap_or(0);
        let x = problem.head_elements().iter().map(|_| vec![0.0; n * n]).collect();
        // The square and the columns side by side are made where they are needed.
        let mut own = Self { x, y: vec![0.0; n * n], ..Self::default() };
        own.fit(n, problem.width(), problem.data.size);
        own
    }

    /// Takes the size of a component.
    fn fit(&mut self, n: usize, m: usize, k: usize) {
        let Self { y, x, square, row, first, second, selected, level, other, wide } = self;
        x.iter_mut().for_each(|x| x.resize(n * n, 0.0));
        y.resize(n * n, 0.0);
        row.resize(n, 0.0);
        [first, second, selected].into_iter().for_each(|tall| tall.resize(n * m, 0.0));
        [level, other].into_iter().for_each(|own| own.resize(k * m, 0.0));
        square.truncate(n * n);
        wide.truncate(2 * n * PANEL);
    }
}

/// Λ⁻¹ and Ψ⁻¹ of a term.
struct Inverse {
    root: Vec<f64>,
    psi: Vec<f64>,
}

impl Problem {
    /// Adds what the components have to the sums.
    pub fn add_components(&self, point: &Point, curvature: &mut Curvature, head: &Elements) {
        let sizes = &self.layout.tail_sizes[..];
        if sizes.is_empty() {
            return;
        }
        let tails: Vec<Elements> = (0..sizes.len()).map(|index| self.tail_elements(index)).collect();
        let inverses: Vec<Option<Inverse>> = point.tail.iter().zip(sizes).map(|(lambda, &k)| Inverse::of(lambda, k)).collect();
        let k = self.data.size;
        // G of every link: T times what the link has.
        for level in 0..self.data.linked.len() {
            let t = &point.linked.t[level * k * k..(level + 1) * k * k];
            for link in self.data.linked.starts[level]..self.data.linked.starts[level + 1] {
                let range = link * k..(link + 1) * k;
                multiply(t, k, &point.links[range.clone()], &mut curvature.g[range]);
            }
        }
        let (mut rooms, mut scratch) = (std::mem::take(&mut curvature.components), std::mem::take(&mut curvature.scratch));
        for ((component, tail), room) in self.data.components.iter().zip(&point.tails).zip(&mut rooms) {
            let blocks = Blocks { component, sizes };
            let usable = inverses.iter().enumerate().all(|(index, inverse)| is_usable(index, inverse.as_ref(), blocks, tail));
            let inverses: Option<Vec<&Inverse>> = if usable { inverses.iter().map(Option::as_ref).collect() } else { None };
            room.own = scratch;
            room.own.fit(component.size, self.width(), k);
            room.set(self, point, tail, blocks, inverses.as_deref());
            self.set_heads(point, component, room, curvature);
            self.add_levels(point, blocks, room, curvature, head, &tails);
            self.add_head_pairs(blocks, room, curvature, head, &tails, inverses.as_deref());
            add_tail_pairs(self, blocks, room, curvature, &tails);
            self.add_forms(point, blocks, room, curvature, head, &tails);
            scratch = std::mem::take(&mut room.own);
        }
        (curvature.components, curvature.scratch) = (rooms, scratch);
    }

    /// F̂ of the levels of the head.
    fn set_heads(&self, point: &Point, component: &Component, room: &mut ComponentRoom, curvature: &mut Curvature) {
        let (m, k, linked) = (self.width(), self.data.size, &self.data.linked);
        for level in component.heads.clone() {
            let range = level * k * m..(level + 1) * k * m;
            room.own.level.copy_from_slice(&point.solved[range.clone()]);
            for link in linked.starts[level]..linked.starts[level + 1] {
                let v = &room.v[linked.to[link] as usize * m..][..m];
                for (by, row) in point.links[link * k..(link + 1) * k].iter().zip(room.own.level.chunks_exact_mut(m)) {
                    row.iter_mut().zip(v).for_each(|(x, v)| *x -= by * v);
                }
            }
            let own = &mut curvature.heads[range];
            multiply(&point.linked.t[level * k * k..(level + 1) * k * k], k, &room.own.level, own);
            standardise(&point.root, m, own);
        }
    }

    /// What every level has by itself: traces of its block, and squares of its F̂.
    fn add_levels(
        &self,
        point: &Point,
        blocks: Blocks,
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
            let (count, sums) = (linked.counts[level], &mut curvature.sums);
            for &(x, a) in head {
                sums.w[x] += count * trace(w, k, a) - trace(&explained, k, a);
                for &(y, b) in head.iter().filter(|(y, _)| *y <= x) {
                    sums.ww[x * parameters + y] += count * trace_pair(w, w, k, a, b) - 2.0 * trace_pair(w, &explained, k, a, b);
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
        blocks: Blocks,
        room: &mut ComponentRoom,
        curvature: &mut Curvature,
        head: &Elements,
        tails: &[Elements],
        inverses: Option<&[&Inverse]>,
    ) {
        let (component, n, parameters) = (blocks.component, blocks.component.size, self.parameters.len());
        for (index, &(x, element)) in head.iter().enumerate() {
            if inverses.is_none() || !room.by_links {
                room.own.square.resize(n * n, 0.0);
                self.set_own_square(component, &mut room.own.square, &curvature.g, element);
            }
            let own = &mut room.own.x[index];
            if room.is_zero {
                own.fill(0.0);
            } else if room.by_links {
                room.own.wide.resize(2 * n * PANEL, 0.0);
                self.set_x_by_links(component, &room.omega, &curvature.g, element, &mut room.own.wide, own);
            } else {
                dense::multiply(&room.own.square, n, &room.omega, n, own);
            }
            let mut add =
                |y: &[f64], c: &[f64]| add_row(blocks, tails, y, c, |y, sum| curvature.sums.ww[x.max(y) * parameters + x.min(y)] += sum);
            // Y and C_kY row by row, the latter C_kΩΨ⁻¹ where Ψ has an inverse.
            let scaled = &mut room.own.row;
            if let Some(inverses) = inverses {
                for (y, x) in room.own.y.chunks_exact(n).zip(own.chunks_exact(n)) {
                    scaled.copy_from_slice(x);
                    scale_by(scaled, blocks, inverses);
                    add(y, scaled);
                }
            } else if room.is_zero {
                room.own.y.chunks_exact(n).zip(room.own.square.chunks_exact(n)).for_each(|(y, c)| add(y, c));
            } else {
                let mut product = vec![0.0; n * n];
                dense::multiply(&room.own.square, n, &room.own.y, n, &mut product);
                room.own.y.chunks_exact(n).zip(product.chunks_exact(n)).for_each(|(y, c)| add(y, c));
            }
        }
        for (i, &(x, _)) in head.iter().enumerate().filter(|_| !room.is_zero) {
            for (j, &(y, _)) in head.iter().enumerate().filter(|(_, (y, _))| *y <= x) {
                curvature.sums.ww[x * parameters + y] += dense::trace_of_product(&room.own.x[i], &room.own.x[j], n);
            }
        }
    }

    /// C_k = Σ_j G_j'D_kG_j.
    fn set_own_square(&self, component: &Component, square: &mut [f64], g: &[f64], (a, b): (usize, usize)) {
        let (n, k, linked) = (component.size, self.data.size, &self.data.linked);
        square.fill(0.0);
        for level in component.heads.clone() {
            let links = linked.starts[level]..linked.starts[level + 1];
            for one in links.clone() {
                let (s, g_of) = (linked.to[one] as usize, &g[one * k..(one + 1) * k]);
                for other in links.clone() {
                    let (t, h) = (linked.to[other] as usize, &g[other * k..(other + 1) * k]);
                    square[s * n + t] += if a == b { g_of[a] * h[a] } else { g_of[a] * h[b] + g_of[b] * h[a] };
                }
            }
        }
    }

    /// C_kΩ, level by level of the head: Σ_j G_j'D_k(G_jΩ). A few columns at a time, which stay in the cache.
    fn set_x_by_links(&self, component: &Component, omega: &[f64], g: &[f64], (a, b): (usize, usize), wide: &mut [f64], x: &mut [f64]) {
        let (n, k, linked) = (component.size, self.data.size, &self.data.linked);
        let (own_omega, own_x) = wide.as_chunks_mut::<PANEL>().0.split_at_mut(n);
        for first in (0..n).step_by(PANEL) {
            let width = PANEL.min(n - first);
            own_omega.iter_mut().zip(omega.chunks_exact(n)).for_each(|(own, row)| own[..width].copy_from_slice(&row[first..first + width]));
            own_x.fill([0.0; PANEL]);
            for level in component.heads.clone() {
                let links = linked.starts[level]..linked.starts[level + 1];
                let (to, g) = (&linked.to[links.clone()], &g[links.start * k..links.end * k]);
                let of_b = explained_columns(own_omega, to, g, k, b);
                add_columns(own_x, to, g, k, a, &of_b);
                if a != b {
                    let of_a = explained_columns(own_omega, to, g, k, a);
                    add_columns(own_x, to, g, k, b, &of_a);
                }
            }
            x.chunks_exact_mut(n).zip(&*own_x).for_each(|(row, own)| row[first..first + width].copy_from_slice(&own[..width]));
        }
    }

    /// f'D_kWD_lf for the columns f of F̂.
    fn add_forms(
        &self,
        point: &Point,
        blocks: Blocks,
        room: &mut ComponentRoom,
        curvature: &mut Curvature,
        head: &Elements,
        tails: &[Elements],
    ) {
        let (m, parameters) = (self.width(), self.parameters.len());
        let n = blocks.component.size;
        for (index, elements) in tails.iter().enumerate() {
            for &(y, element) in elements {
                room.own.selected.fill(0.0);
                for at in blocks.of(index) {
                    let range = at * m..(at + blocks.sizes[index]) * m;
                    set_selected(&room.f[range.clone()], m, element, &mut room.own.selected[range]);
                }
                dense::multiply(&room.w, n, &room.own.selected, m, &mut room.own.first);
                dense::multiply(&room.own.y, n, &room.own.selected, m, &mut room.own.second);
                for (other, others) in tails.iter().enumerate() {
                    for &(x, element) in others.iter().filter(|(x, _)| *x >= y) {
                        for at in blocks.of(other) {
                            let range = at * m..(at + blocks.sizes[other]) * m;
                            let (mean, last) = products(&room.f[range.clone()], &room.own.first[range], m, element);
                            curvature.sums.mean[x * parameters + y] += mean;
                            curvature.sums.last[x * parameters + y] += last;
                            let range = at * m..(at + blocks.sizes[other]) * m;
                            add_form(&room.f[range.clone()], &room.own.first[range], m, parameters, (x, y), element, &mut curvature.forms);
                        }
                    }
                }
                self.add_head_forms(point, blocks.component, room, curvature, head, y, None);
            }
        }
        let k = self.data.size;
        for &(y, element) in head {
            // Σ_j G_j'x_j, then Ω times it.
            room.own.first.fill(0.0);
            let linked = &self.data.linked;
            for level in blocks.component.heads.clone() {
                set_selected(&curvature.heads[level * k * m..(level + 1) * k * m], m, element, &mut room.own.level);
                for link in linked.starts[level]..linked.starts[level + 1] {
                    let own = &mut room.own.first[linked.to[link] as usize * m..][..m];
                    for (g, row) in curvature.g[link * k..(link + 1) * k].iter().zip(room.own.level.chunks_exact(m)) {
                        own.iter_mut().zip(row).for_each(|(x, f)| *x += g * f);
                    }
                }
            }
            dense::multiply(&room.omega, n, &room.own.first, m, &mut room.own.second);
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
                    set_selected(f, m, element, &mut room.own.level);
                    multiply(&point.linked.w[level * k * k..(level + 1) * k * k], k, &room.own.level, &mut room.own.other);
                }
                None => room.own.other.fill(0.0),
            }
            for link in linked.starts[level]..linked.starts[level + 1] {
                let z = &room.own.second[linked.to[link] as usize * m..][..m];
                for (g, row) in curvature.g[link * k..(link + 1) * k].iter().zip(room.own.other.chunks_exact_mut(m)) {
                    let by = sign * g;
                    row.iter_mut().zip(z).for_each(|(x, z)| *x += by * z);
                }
            }
            for &(x, element) in elements {
                let (mean, last) = products(f, &room.own.other, m, element);
                let cell = x.max(y) * parameters + x.min(y);
                curvature.sums.mean[cell] += mean;
                curvature.sums.last[cell] += last;
                add_form(f, &room.own.other, m, parameters, (x, y), element, &mut curvature.forms);
            }
        }
    }
}

/// Some columns of row e of G_jΩ.
#[inline]
fn explained_columns(omega: &[[f64; PANEL]], to: &[u32], g: &[f64], k: usize, e: usize) -> [f64; PANEL] {
    let mut own = [0.0; PANEL];
    for (&s, g) in to.iter().zip(g.chunks_exact(k)) {
        let (by, row) = (g[e], &omega[s as usize]);
        (0..PANEL).for_each(|c| own[c] += by * row[c]);
    }
    own
}

/// Adds the multiples of a row by row e of G_j to the rows that its links lead to.
#[inline]
fn add_columns(x: &mut [[f64; PANEL]], to: &[u32], g: &[f64], k: usize, e: usize, own: &[f64; PANEL]) {
    for (&s, g) in to.iter().zip(g.chunks_exact(k)) {
        let (by, row) = (g[e], &mut x[s as usize]);
        (0..PANEL).for_each(|c| row[c] += by * own[c]);
    }
}

/// What a row of Y and one of C_kY add to the traces of every element of the tail.
fn add_row(blocks: Blocks, tails: &[Elements], y: &[f64], c: &[f64], mut add: impl FnMut(usize, f64)) {
    for (index, elements) in tails.iter().enumerate() {
        let (size, range) = (blocks.sizes[index], blocks.component.starts[index]..blocks.component.starts[index + 1]);
        let (y, c) = (&y[range.clone()], &c[range]);
        for &(element, (a, b)) in elements {
            if size == 1 {
                add(element, dot(y, c));
                continue;
            }
            let levels = y.chunks_exact(size).zip(c.chunks_exact(size));
            add(element, levels.map(|(y, c)| if a == b { y[a] * c[a] } else { y[a] * c[b] + y[b] * c[a] }).sum());
        }
    }
}

/// Whether the digits of Ψ⁻¹ − Ψ⁻¹ΩΨ⁻¹ suffice.
fn is_usable(index: usize, inverse: Option<&Inverse>, blocks: Blocks, tail: &Tail) -> bool {
    let (k, n) = (blocks.sizes[index], blocks.component.size);
    let Some(Inverse { psi, .. }) = inverse else { return false };
    blocks.of(index).all(|at| (0..k).all(|a| tail.a[(at + a) * n + at + a] > SMALLEST_SHARE * psi[a * k + a]))
}

/// tr(D_kWD_lW) within the tail.
fn add_tail_pairs(problem: &Problem, blocks: Blocks, room: &ComponentRoom, curvature: &mut Curvature, tails: &[Elements]) {
    let (n, parameters) = (blocks.component.size, problem.parameters.len());
    for (first, elements) in tails.iter().enumerate() {
        for (second, others) in tails.iter().enumerate() {
            for &(x, (a, b)) in elements {
                for &(y, (c, d)) in others.iter().filter(|(y, _)| *y <= x) {
                    let range = blocks.component.starts[second]..blocks.component.starts[second + 1];
                    let mut sum = 0.0;
                    for at in blocks.of(first) {
                        if blocks.sizes[first] == 1 && blocks.sizes[second] == 1 {
                            let row = &room.w[at * n..][range.clone()];
                            sum += dot(row, row);
                            continue;
                        }
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
    if k == 1 {
        for (i, (&s, &one)) in to.iter().zip(g).enumerate() {
            let row = &omega[s as usize * n..(s as usize + 1) * n];
            let others: f64 = to[..i].iter().zip(g).map(|(&t, other)| row[t as usize] * other).sum();
            explained[0] += one * (2.0 * others + row[s as usize] * one);
        }
        return;
    }
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
fn scale_by(row: &mut [f64], blocks: Blocks, inverses: &[&Inverse]) {
    blocks.scale_columns_back(row, inverses.iter().map(|inverse| &inverse.root[..]));
    blocks.scale_columns(row, inverses.iter().map(|inverse| &inverse.root[..]));
}

impl ComponentRoom {
    /// Ω, Y, W of the tail, ΩC and F̂.
    fn set(&mut self, problem: &Problem, point: &Point, tail: &Tail, blocks: Blocks, inverses: Option<&[&Inverse]>) {
        let (n, m) = (blocks.component.size, problem.width());
        self.is_zero = point.tail.iter().flatten().all(|&x| x == 0.0);
        if self.is_zero {
            self.set_at_zero(tail, n);
            return standardise(&point.root, m, &mut self.f);
        }
        dense::inverse(&tail.factor, n, &mut self.own.y, &mut self.omega);
        for (index, at) in blocks.all() {
            let k = blocks.sizes[index];
            let rows = at * n..(at + k) * n;
            let omega = &mut self.omega[rows.clone()];
            dense::scale_rows_back(&point.tail[index], k, 0, omega, n);
            omega.chunks_exact_mut(n).for_each(|row| blocks.scale_columns_back(row, point.tail.iter().map(|lambda| &lambda[..])));
            // Y = ΩΨ⁻¹ and W = Ψ⁻¹ − Ψ⁻¹Y.
            let Some(inverses) = inverses else { continue };
            let (y, w, Inverse { root, psi }) = (&mut self.own.y[rows.clone()], &mut self.w[rows], inverses[index]);
            y.copy_from_slice(omega);
            y.chunks_exact_mut(n).for_each(|row| scale_by(row, blocks, inverses));
            w.copy_from_slice(y);
            dense::scale_rows_back(root, k, 0, w, n);
            dense::scale_rows(root, k, 0, w, n);
            w.iter_mut().for_each(|x| *x = -*x);
            for (row, psi) in w.chunks_exact_mut(n).zip(psi.chunks_exact(k)) {
                row[at..at + k].iter_mut().zip(psi).for_each(|(w, psi)| *w += psi);
            }
        }
        dense::multiply(&self.omega, n, &tail.cross, m, &mut self.v);
        match inverses {
            Some(inverses) => {
                // Ψ⁻¹v.
                self.f.copy_from_slice(&self.v);
                for (index, at) in blocks.all() {
                    let k = blocks.sizes[index];
                    dense::scale_rows_back(&inverses[index].root, k, at, &mut self.f, m);
                    dense::scale_rows(&inverses[index].root, k, at, &mut self.f, m);
                }
            }
            None => {
                let Self { w, omega, v, f, own: Scratch { square: a, y, .. }, .. } = self;
                a.clone_from(&tail.a);
                dense::mirror(a, n);
                dense::multiply(omega, n, a, n, y);
                y.iter_mut().for_each(|x| *x = -*x);
                (0..n).for_each(|i| y[i * n + i] += 1.0);
                dense::multiply(a, n, y, n, w);
                dense::multiply(a, n, v, m, f);
                f.iter_mut().zip(&tail.cross).for_each(|(f, c)| *f = c - *f);
            }
        }
        standardise(&point.root, m, &mut self.f);
    }

    /// The same where there is no effect: Ω = 0, Y = I, W = A and F = C.
    fn set_at_zero(&mut self, tail: &Tail, n: usize) {
        self.omega.fill(0.0);
        self.v.fill(0.0);
        self.own.y.fill(0.0);
        (0..n).for_each(|i| self.own.y[i * n + i] = 1.0);
        self.w.copy_from_slice(&tail.a);
        dense::mirror(&mut self.w, n);
        self.f.copy_from_slice(&tail.cross);
    }
}
