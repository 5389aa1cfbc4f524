//! The rows of X and Z level by level, each kind of level once: patients of an arm who came to the same visits have the
//! same rows, and what follows from the rows alone is the same for all of them.

use super::layout::{Layout, Place};
use super::small::{for_level_sizes, forward, semidefinite_root};
use crate::design::{Design, Entry};
use crate::fit::kernels::{axpy, for_small_sizes};
use std::borrow::Cow;

/// Kinds of levels of the head, in the order in which they were met; the last is that of the rows of no level.
#[derive(Debug, Clone)]
pub(super) struct Designs {
    /// The number p of columns of X.
    pub columns: usize,
    /// The number k of effects of a level.
    pub size: usize,
    /// The kind of each level, and at the end that of the rows of none.
    pub of_level: Vec<u32>,
    /// Where the rows of each kind begin, and where the last one's end.
    pub starts: Vec<usize>,
    /// How many levels are of each kind.
    pub counts: Vec<f64>,
    /// X with √w: p numbers a row.
    pub x: Vec<f64>,
    /// What the head cannot explain of it.
    pub free: Vec<f64>,
    /// R⁻¹z of the head with √w: k numbers a row.
    pub whitened: Vec<f64>,
    /// R of each kind, k × k.
    pub r: Vec<f64>,
    /// R⁻¹Z'X of each kind, k × p.
    pub c: Vec<f64>,
}

impl Designs {
    /// Of the levels of a layout; `z` multiplies the effects of every term, `roots` are √w.
    pub fn of(design: &Design, layout: &Layout, z: &[Cow<[f64]>], kept: &[usize], roots: Option<&[f64]>) -> Self {
        let source = Source::new(design, layout, z, kept, roots);
        let levels = layout.levels();
        let mut designs = Self {
            columns: kept.len(),
            size: layout.size,
            of_level: Vec::with_capacity(levels + 1),
            starts: vec![0],
            counts: vec![],
            x: vec![],
            free: vec![],
            whitened: vec![],
            r: Vec::with_capacity(2 * layout.size * layout.size),
            c: Vec::with_capacity(2 * layout.size * kept.len()),
        };
        let (mut met, mut last) = (Met::new(), None);
        for level in 0..levels {
            let are_alike = |&(other, _): &(u32, u32)| source.are_alike(level, other as usize);
            // Often as the level before.
            if !last.as_ref().is_some_and(are_alike) {
                let place = met.place(source.hash(level));
                if !place.as_ref().is_some_and(are_alike) {
                    *place = Some((level as u32, designs.len() as u32));
                    designs.push_kind(&source, level);
                }
                last = *place;
            }
            let kind = last.map_or(0, |(_, kind)| kind);
            designs.of_level.push(kind);
            designs.counts[kind as usize] += 1.0;
        }
        designs.of_level.push(designs.len() as u32);
        designs.push_kind(&source, levels);
        designs.counts[designs.of_level[levels] as usize] = 1.0;
        designs
    }

    /// The number of kinds, that of the rows of no level included.
    pub fn len(&self) -> usize {
        self.counts.len()
    }

    /// R of a kind.
    pub fn r_of(&self, kind: u32) -> &[f64] {
        let squares = self.size * self.size;
        &self.r[kind as usize * squares..(kind as usize + 1) * squares]
    }

    /// R⁻¹Z'X of a kind.
    pub fn c_of(&self, kind: u32) -> &[f64] {
        let numbers = self.size * self.columns;
        &self.c[kind as usize * numbers..(kind as usize + 1) * numbers]
    }

    /// Adds what the head cannot explain of X'X, the lower triangle of m × m column by column.
    pub fn add_within(&self, within: &mut [f64], m: usize) {
        for_small_sizes!(self.columns, p => self.add_products(&self.free, |kind| self.starts[kind]..self.starts[kind + 1], p, within, m));
    }

    /// Adds what it can.
    pub fn add_explained(&self, gram: &mut [f64], m: usize) {
        let k = self.size;
        for_small_sizes!(self.columns, p => self.add_products(&self.c, |kind| kind * k..(kind + 1) * k, p, gram, m));
    }

    /// Adds the products of the rows of every kind, as often as there are levels of it.
    #[inline(always)]
    fn add_products(&self, rows: &[f64], of: impl Fn(usize) -> std::ops::Range<usize>, p: usize, sums: &mut [f64], m: usize) {
        for (kind, &count) in self.counts.iter().enumerate() {
            let own = of(kind);
            for row in rows[own.start * p..own.end * p].chunks_exact(p) {
                for (j, sums) in sums.chunks_exact_mut(m).enumerate().take(p) {
                    if row[j] != 0.0 {
                        axpy(&mut sums[j..p], count * row[j], &row[j..]);
                    }
                }
            }
        }
    }

    /// Adds the kind of a level, of which there are none yet.
    fn push_kind(&mut self, source: &Source, level: usize) {
        let (k, p, start, rows) = (self.size, self.columns, self.starts[self.len()], source.rows(level));
        let end = start + rows.len();
        self.starts.push(end);
        self.counts.push(0.0);
        self.x.resize(end * p, 0.0);
        self.whitened.resize(end * k, 0.0);
        self.r.resize(self.counts.len() * k * k, 0.0);
        self.c.resize(self.counts.len() * k * p, 0.0);
        source.set_x(level, &mut self.x[start * p..]);
        self.free.extend_from_slice(&self.x[start * p..]);
        // Rows of no level are explained by none.
        if level < source.layout.levels() {
            source.set_z(level, &mut self.whitened[start * k..]);
            let kind = self.counts.len() - 1;
            let (z, r) = (&mut self.whitened[start * k..], &mut self.r[kind * k * k..]);
            let (x, c) = (&mut self.free[start * p..], &mut self.c[kind * k * p..]);
            for_level_sizes!(k, p => whiten((z, r), (x, c), k, p));
        }
    }
}

/// Replaces the rows z by R⁻¹z and those of X by what they cannot explain; sets R and R⁻¹Z'X.
#[inline(always)]
fn whiten((z, r): (&mut [f64], &mut [f64]), (x, c): (&mut [f64], &mut [f64]), k: usize, p: usize) {
    let (r, c) = (&mut r[..k * k], &mut c[..k * p]);
    for z in z.chunks_exact(k) {
        for i in 0..k {
            (0..=i).for_each(|j| r[i * k + j] += z[i] * z[j]);
        }
    }
    semidefinite_root(r, k);
    if let [pivot] = r {
        let inverse = if *pivot > 0.0 { 1.0 / *pivot } else { 0.0 };
        z.iter_mut().for_each(|z| *z *= inverse);
    } else {
        z.chunks_exact_mut(k).for_each(|z| forward(r, k, z));
    }
    for (x, z) in x.chunks_exact(p).zip(z.chunks_exact(k)) {
        c.chunks_exact_mut(p).zip(z).for_each(|(c, z)| axpy(c, *z, x));
    }
    for (x, z) in x.chunks_exact_mut(p).zip(z.chunks_exact(k)) {
        c.chunks_exact(p).zip(z).for_each(|(c, z)| axpy(x, -z, c));
    }
}

/// What the rows of levels are made of.
struct Source<'d> {
    design: &'d Design,
    layout: &'d Layout,
    z: &'d [Cow<'d, [f64]>],
    roots: Option<&'d [f64]>,
    /// D_t of the columns kept.
    entries: Vec<Vec<Entry>>,
    visits: u32,
}

impl<'d> Source<'d> {
    fn new(design: &'d Design, layout: &'d Layout, z: &'d [Cow<'d, [f64]>], kept: &[usize], roots: Option<&'d [f64]>) -> Self {
        let mut position = vec![None; design.columns.len()];
        kept.iter().enumerate().for_each(|(new, &old)| position[old] = Some(new));
        let entry = |e: &Entry| position[e.column].map(|column| Entry { column, ..*e });
        let entries = design.columns.entries.iter().map(|row| row.iter().filter_map(entry).collect()).collect();
        Self { design, layout, z, roots, entries, visits: design.columns.visits.len() as u32 }
    }

    /// The positions of the rows of a level, or of those of none.
    fn positions(&self, level: usize) -> std::ops::Range<usize> {
        self.layout.starts[level]..self.layout.starts.get(level + 1).copied().unwrap_or(self.layout.rows.len())
    }

    fn rows(&self, level: usize) -> &[u32] {
        &self.layout.rows[self.positions(level)]
    }

    /// A number that is the same for levels that are alike, and for few others.
    fn hash(&self, level: usize) -> u64 {
        let (mut hash, mut last) = (0, u32::MAX);
        for &row in self.rows(level) {
            let (patient, visit) = (row / self.visits, row % self.visits);
            if patient != last {
                hash = self.design.rows.z_of(patient as usize).iter().fold(hash, |hash, z| mixed(hash, z.to_bits()));
                last = patient;
            }
            hash = mixed(hash, visit.into());
        }
        hash
    }

    /// Whether two levels have the same rows of X and Z and the same weights.
    fn are_alike(&self, one: usize, other: usize) -> bool {
        let (a, b) = (self.rows(one), self.rows(other));
        let have_same_weights = || self.roots.is_none_or(|w| w[self.positions(one)] == w[self.positions(other)]);
        a.len() == b.len()
            && self.have_same_x(a, b)
            && have_same_weights()
            && self.layout.head.iter().all(|&term| self.have_same_z(term, a, b))
    }

    /// Whether as many rows are the same in X.
    fn have_same_x(&self, a: &[u32], b: &[u32]) -> bool {
        let z_of = |patient: u32| self.design.rows.z_of(patient as usize);
        let (Some(first), Some(last)) = (a.first().zip(b.first()), a.last().zip(b.last())) else { return true };
        let (patient, visit) = (|row: u32| row / self.visits, |row: u32| row % self.visits);
        let are_of_one_each = patient(*first.0) == patient(*last.0) && patient(*first.1) == patient(*last.1);
        if are_of_one_each {
            let distance = first.0.wrapping_sub(*first.1);
            return visit(*first.0) == visit(*first.1)
                && a.iter().zip(b).all(|(a, b)| a.wrapping_sub(*b) == distance)
                && z_of(patient(*first.0)) == z_of(patient(*first.1));
        }
        let mut same = (u32::MAX, u32::MAX);
        a.iter().zip(b).all(|(&a, &b)| {
            let patients = (patient(a), patient(b));
            let is_same = visit(a) == visit(b) && (patients == same || z_of(patients.0) == z_of(patients.1));
            same = patients;
            is_same
        })
    }

    /// Whether as many rows are the same in what multiplies the effects of a term.
    fn have_same_z(&self, term: usize, a: &[u32], b: &[u32]) -> bool {
        let (z, k) = (&self.z[term], self.design.rows.random[term].size());
        match (together(a), together(b)) {
            (Some(a), Some(b)) => z[a.start * k..a.end * k] == z[b.start * k..b.end * k],
            _ => a.iter().zip(b).all(|(&a, &b)| z[a as usize * k..(a as usize + 1) * k] == z[b as usize * k..(b as usize + 1) * k]),
        }
    }

    /// Writes X of a level; all is zero before.
    fn set_x(&self, level: usize, x: &mut [f64]) {
        let p = x.len() / self.rows(level).len().max(1);
        for (at, (x, &row)) in x.chunks_exact_mut(p.max(1)).zip(self.rows(level)).enumerate() {
            let (z, root) = (self.design.rows.z_of((row / self.visits) as usize), self.root(level, at));
            self.entries[(row % self.visits) as usize].iter().for_each(|e| x[e.column] += root * e.weight * z[e.value]);
        }
    }

    /// Writes what multiplies the effects of the head.
    fn set_z(&self, level: usize, own: &mut [f64]) {
        for &term in &self.layout.head {
            let size = self.design.rows.random[term].size();
            let (Place::Head(first) | Place::Tail(first)) = self.layout.places[term];
            for (at, (own, &row)) in own.chunks_exact_mut(self.layout.size).zip(self.rows(level)).enumerate() {
                let (z, root) = (&self.z[term][row as usize * size..][..size], self.root(level, at));
                own[first..first + size].iter_mut().zip(z).for_each(|(own, z)| *own = root * z);
            }
        }
    }

    /// √w of a row of a level.
    fn root(&self, level: usize, at: usize) -> f64 {
        self.roots.map_or(1.0, |roots| roots[self.layout.starts[level] + at])
    }
}

/// Rows, in their order, as a range where they are side by side.
fn together(rows: &[u32]) -> Option<std::ops::Range<usize>> {
    let (first, last) = (*rows.first()? as usize, *rows.last()? as usize);
    (last - first + 1 == rows.len()).then_some(first..last + 1)
}

fn mixed(hash: u64, word: u64) -> u64 {
    // As FxHash does it; the multiplier is 2⁶⁴/π.
    (hash.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95)
}

/// The level and the kind met last with each hash, as far as there are places.
struct Met(Vec<Option<(u32, u32)>>);

impl Met {
    const BITS: u32 = 8;

    fn new() -> Self {
        Self(vec![None; 1 << Self::BITS])
    }

    fn place(&mut self, hash: u64) -> &mut Option<(u32, u32)> {
        &mut self.0[(hash >> (64 - Self::BITS)) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::design::{DesignOptions, MeanModel, RandomEffects};
    use crate::trial::{Outcome, Schedule, Trial, Variable, Visit};

    const VISITS: usize = 4;
    const PATIENTS: usize = 24;

    /// Two arms; every third patient without the second visit; weights that are the same for all but the last patients.
    fn trial() -> Trial {
        let visit = |t: usize| Visit { label: format!("v{t}"), time: Some(t as f64 - 1.5) };
        let y = |row: usize| if row / VISITS % 3 == 2 && row % VISITS == 1 { f64::NAN } else { (row as f64 * 1.7).sin() };
        let weight = |row: usize| if row / VISITS > 20 { 1.0 + row as f64 } else { 1.0 + (row % VISITS) as f64 };
        let numbers = |of: &dyn Fn(usize) -> f64| (0..PATIENTS * VISITS).map(of).collect::<Vec<f64>>();
        Trial::builder("made for this test")
            .patients((0..PATIENTS).map(|i| format!("p{i}")).collect::<Vec<_>>())
            .arms(["a", "b"], (0..PATIENTS).map(|i| i / 2 % 2).collect::<Vec<_>>())
            .schedule(Schedule::new((0..VISITS).map(visit).collect()))
            .outcome(Outcome { name: "y".into(), label: "y".into(), range: None, values: numbers(&y) })
            .variable(Variable::number_by_visit("w", numbers(&weight)))
            .variable(Variable::number("x", (0..PATIENTS).map(|i| (i as f64).sqrt()).collect()))
            .variable(Variable::number_by_visit("mood", numbers(&|row| (row as f64).cos())))
            .variable(Variable::cluster(
                "pair",
                (0..12).map(|i| i.to_string()).collect::<Vec<_>>(),
                (0..PATIENTS).map(|i| Some(i / 2)).collect(),
            ))
            .build()
            .expect("fits together")
    }

    /// How many kinds of levels there are, every row of which is held to the model matrix.
    fn kinds(formula: &str, random: RandomEffects, weights: bool) -> usize {
        let options = DesignOptions { weights: weights.then(|| "w".into()), random: vec![random], ..DesignOptions::default() };
        let design = Design::build(&trial(), &MeanModel::parse(formula).expect("parses"), &options).expect("has rows");
        let (layout, z) = (Layout::of(&design), [Cow::Borrowed(&design.rows.random[0].z[..])]);
        let kept: Vec<usize> = (0..design.columns.len()).collect();
        let roots = design.rows.weights.as_ref().map(|w| layout.rows.iter().map(|&row| w[row as usize].sqrt()).collect::<Vec<f64>>());
        let designs = Designs::of(&design, &layout, &z, &kept, roots.as_deref());
        for level in 0..layout.levels() {
            let kind = designs.of_level[level] as usize;
            let positions = layout.starts[level]..layout.starts[level + 1];
            assert_eq!(designs.starts[kind + 1] - designs.starts[kind], positions.len());
            for (position, own) in positions.zip(designs.starts[kind]..) {
                let row = layout.rows[position] as usize;
                let root = roots.as_ref().map_or(1.0, |roots| roots[position]);
                let x = design.columns.row_of(design.rows.z_of(row / VISITS), row % VISITS);
                let x: Vec<f64> = x.into_iter().map(|x| root * x).collect();
                assert_eq!(designs.x[own * kept.len()..(own + 1) * kept.len()], x, "{formula}: row {row}");
                let k = designs.size;
                let (r, whitened) = (designs.r_of(kind as u32), &designs.whitened[own * k..(own + 1) * k]);
                let product = |a: usize| (0..k).map(|b| r[a * k + b] * whitened[b]).sum::<f64>();
                (0..k).for_each(|a| assert!((product(a) - root * z[0][row * k + a]).abs() < 1e-12));
            }
        }
        assert_eq!(designs.counts.iter().sum::<f64>(), layout.levels() as f64 + 1.0);
        designs.len() - 1
    }

    #[test]
    fn levels_that_are_alike_have_their_rows_once() {
        let patients = || RandomEffects::of("patient").effect("time");
        // Arms by whether the second visit was missed.
        assert_eq!(kinds("y ~ arm * time", patients(), false), 4);
        assert_eq!(kinds("y ~ time", patients(), false), 2);
        // The last three have weights of their own.
        assert_eq!(kinds("y ~ arm * time", patients(), true), 4 + 3);
        // Pairs of one arm, of whom none, the first or the second missed a visit.
        assert_eq!(kinds("y ~ arm * time", RandomEffects::of("pair"), false), 6);
    }

    #[test]
    fn levels_that_differ_are_kept_apart() {
        assert_eq!(kinds("y ~ arm * time + x", RandomEffects::of("patient"), false), PATIENTS);
        assert_eq!(kinds("y ~ arm * time + mood", RandomEffects::of("patient"), false), PATIENTS);
        assert_eq!(kinds("y ~ time", RandomEffects::of("patient").effect("mood"), false), PATIENTS);
        assert_eq!(kinds("y ~ x * time", RandomEffects::of("pair"), false), PATIENTS / 2);
    }
}
