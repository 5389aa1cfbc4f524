//! The pass over the patients: Σ u u' of every pattern of visits, u = (z, y), in parallel and without an allocation
//! per patient.
//!
//! Patients are taken in pieces of a fixed number, each piece adds up its own patterns, and the pieces are added in
//! their order: the sums are the same bits for any number of threads. Within a piece the patients of a pattern wait
//! in a buffer until they are enough for the products to be taken side by side.

use super::moments::PatternMoments;
use rayon::prelude::*;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;

/// Patients in a piece.
const PIECE: usize = 4096;
/// Pieces that are added up before more are begun, so that not all of them are in memory at once.
const WAVE: usize = 32;
/// Patients whose products are taken together.
const LANES: usize = 16;

/// The patients of a pass, as a design holds them.
#[derive(Debug, Clone)]
pub(crate) struct Patients<'a> {
    /// z, patient by patient: n × q.
    pub z: &'a [f64],
    /// The length q of a patient's z.
    pub values: usize,
    /// The outcome, patient by patient: n × T, NaN where not analysed.
    pub y: &'a [f64],
    /// T.
    pub visits: usize,
    /// Observation weights, n × T. With them the rows of a visit are scaled by √w, so that z has an entry per visit:
    /// q × T of them.
    pub weights: Option<&'a [f64]>,
    /// The covariance group of each patient.
    pub group_of: &'a [usize],
    /// What is subtracted from the outcome, for each visit: positions in z with their coefficients.
    pub expected: Vec<Vec<(usize, f64)>>,
}

impl Patients<'_> {
    /// The sums of all patterns, ordered by group and visits.
    pub fn patterns(&self) -> Vec<PatternMoments> {
        let n = self.group_of.len();
        let pieces: Vec<Range<usize>> = (0..n).step_by(PIECE).map(|first| first..(first + PIECE).min(n)).collect();
        let mut total = Collector::new(self);
        match pieces.as_slice() {
            [] => {}
            [only] => total.collect(only.clone()),
            pieces => {
                for wave in pieces.chunks(WAVE) {
                    let of_piece = |piece: &Range<usize>| {
                        let mut collector = Collector::new(self);
                        collector.collect(piece.clone());
                        collector
                    };
                    let collected: Vec<Collector> = wave.par_iter().map(of_piece).collect();
                    collected.into_iter().for_each(|piece| total.add(piece));
                }
            }
        }
        total.finish()
    }
}

/// The key of a pattern: its group, then its visits as bits.
type Key = Box<[u64]>;

/// The patterns of a piece.
struct Collector<'a> {
    patients: &'a Patients<'a>,
    index: HashMap<Key, usize, BuildHasherDefault<KeyHasher>>,
    slots: Vec<Slot>,
    key: Vec<u64>,
}

/// The sums of a pattern while they are being made.
struct Slot {
    key: Key,
    visits: Vec<usize>,
    /// The entries of z that enter, as positions among all q (or q × T): with weights those of the visits seen only.
    entries: Vec<usize>,
    patients: usize,
    log_weights: f64,
    /// u of the patients that wait: entry by entry, `LANES` patients each.
    waiting: Vec<[f64; LANES]>,
    filled: usize,
    /// The lower triangle of Σ u u', row by row.
    sums: Vec<f64>,
}

impl<'a> Collector<'a> {
    fn new(patients: &'a Patients<'a>) -> Self {
        Self { patients, index: HashMap::default(), slots: vec![], key: vec![0; 1 + patients.visits.div_ceil(64)] }
    }

    fn collect(&mut self, piece: Range<usize>) {
        let mut last = usize::MAX;
        for patient in piece {
            self.read_key(patient);
            if self.slots.get(last).is_none_or(|slot| *slot.key != *self.key) {
                last = self.slot();
            }
            self.slots[last].push(self.patients, patient);
        }
        self.slots.iter_mut().for_each(|slot| slot.flush(self.patients));
    }

    fn read_key(&mut self, patient: usize) {
        let visits = self.patients.visits;
        self.key[0] = self.patients.group_of[patient] as u64;
        let y = &self.patients.y[patient * visits..(patient + 1) * visits];
        for (word, y) in self.key[1..].iter_mut().zip(y.chunks(64)) {
            *word = y.iter().enumerate().fold(0, |seen, (t, y)| seen | u64::from(!y.is_nan()) << t);
        }
    }

    /// The position of the slot of the key.
    fn slot(&mut self) -> usize {
        if let Some(&slot) = self.index.get(self.key.as_slice()) {
            return slot;
        }
        let key: Key = self.key.clone().into();
        self.index.insert(key.clone(), self.slots.len());
        self.slots.push(Slot::new(key, self.patients));
        self.slots.len() - 1
    }

    fn add(&mut self, piece: Collector<'_>) {
        for slot in piece.slots {
            self.key.copy_from_slice(&slot.key);
            let at = self.slot();
            self.slots[at].add(&slot);
        }
    }

    fn finish(self) -> Vec<PatternMoments> {
        let q = if self.patients.weights.is_some() { self.patients.values * self.patients.visits } else { self.patients.values };
        let mut patterns: Vec<PatternMoments> = self.slots.iter().map(|slot| slot.moments(q)).collect();
        patterns.sort_by(|a, b| (a.group, &a.visits).cmp(&(b.group, &b.visits)));
        patterns
    }
}

impl Slot {
    fn new(key: Key, patients: &Patients) -> Self {
        let visits: Vec<usize> = (0..patients.visits).filter(|t| key[1 + t / 64] >> (t % 64) & 1 == 1).collect();
        let entries: Vec<usize> = match patients.weights {
            None => (0..patients.values).collect(),
            Some(_) => visits.iter().flat_map(|t| t * patients.values..(t + 1) * patients.values).collect(),
        };
        let size = entries.len() + visits.len();
        let sums = vec![0.0; size * (size + 1) / 2];
        Self { key, visits, entries, patients: 0, log_weights: 0.0, waiting: vec![[0.0; LANES]; size], filled: 0, sums }
    }

    /// Adds a patient who has the pattern.
    fn push(&mut self, patients: &Patients, patient: usize) {
        let (q, lane) = (patients.values, self.filled);
        let z = &patients.z[patient * q..(patient + 1) * q];
        let y = &patients.y[patient * patients.visits..(patient + 1) * patients.visits];
        let (of_z, of_y) = self.waiting.split_at_mut(self.entries.len());
        match patients.weights {
            None => {
                of_z.iter_mut().zip(z).for_each(|(lanes, z)| lanes[lane] = *z);
                of_y.iter_mut().zip(&self.visits).for_each(|(lanes, &t)| lanes[lane] = y[t]);
            }
            Some(weights) => {
                for (k, &t) in self.visits.iter().enumerate() {
                    let weight = weights[patient * patients.visits + t];
                    let root = weight.sqrt();
                    of_z[k * q..(k + 1) * q].iter_mut().zip(z).for_each(|(lanes, z)| lanes[lane] = root * z);
                    let expected = patients.expected[t].iter().map(|&(value, by)| by * z[value]).sum::<f64>();
                    of_y[k][lane] = root * (y[t] - expected);
                    self.log_weights += weight.ln();
                }
            }
        }
        self.patients += 1;
        self.filled += 1;
        if self.filled == LANES {
            self.flush(patients);
        }
    }

    /// Adds the products of those that wait.
    fn flush(&mut self, patients: &Patients) {
        if patients.weights.is_none() {
            self.subtract_expected(&patients.expected);
        }
        let mut sums = self.sums.iter_mut();
        for (a, row) in self.waiting.iter().enumerate() {
            for (column, sum) in self.waiting[..=a].iter().zip(&mut sums) {
                *sum += if self.filled == LANES { dot(row, column) } else { dot_of(row, column, self.filled) };
            }
        }
        self.filled = 0;
    }

    /// Takes what is expected from the outcomes of those that wait, side by side.
    fn subtract_expected(&mut self, of_visit: &[Vec<(usize, f64)>]) {
        let (of_z, of_y) = self.waiting.split_at_mut(self.entries.len());
        for (lanes, &t) in of_y.iter_mut().zip(&self.visits) {
            let mut expected = [0.0; LANES];
            for &(value, by) in &of_visit[t] {
                expected.iter_mut().zip(&of_z[value]).for_each(|(sum, z)| *sum += by * z);
            }
            lanes.iter_mut().zip(&expected).for_each(|(y, expected)| *y -= expected);
        }
    }

    /// Adds the sums of the same pattern in another piece.
    fn add(&mut self, piece: &Slot) {
        self.patients += piece.patients;
        self.log_weights += piece.log_weights;
        self.sums.iter_mut().zip(&piece.sums).for_each(|(sum, other)| *sum += other);
    }

    /// The sums as the fit takes them, z being of length `q`.
    fn moments(&self, q: usize) -> PatternMoments {
        let (known, m) = (self.entries.len(), self.visits.len());
        let mut moments = PatternMoments::empty(self.key[0] as usize, self.visits.clone(), q);
        moments.patients = self.patients;
        moments.log_weights = self.log_weights;
        let mut sums = self.sums.iter().copied();
        for (a, &i) in self.entries.iter().enumerate() {
            for (&j, sum) in self.entries[..=a].iter().zip(&mut sums) {
                moments.zz[j * q + i] = sum;
                moments.zz[i * q + j] = sum;
            }
        }
        for a in 0..m {
            for (&j, sum) in self.entries.iter().zip(sums.by_ref().take(known)) {
                moments.zy[a * q + j] = sum;
            }
            for (b, sum) in sums.by_ref().take(a + 1).enumerate() {
                moments.yy[b * m + a] = sum;
                moments.yy[a * m + b] = sum;
            }
        }
        moments
    }
}

/// Σ a b over all lanes, in four running sums.
fn dot(a: &[f64; LANES], b: &[f64; LANES]) -> f64 {
    let mut sums = [0.0; 4];
    for k in 0..LANES / 4 {
        for l in 0..4 {
            sums[l] += a[4 * k + l] * b[4 * k + l];
        }
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3])
}

/// Σ a b over the first lanes.
fn dot_of(a: &[f64; LANES], b: &[f64; LANES], lanes: usize) -> f64 {
    a[..lanes].iter().zip(&b[..lanes]).map(|(a, b)| a * b).sum()
}

/// A hash of a few words, none of which anybody chooses in bad faith: each is folded in by a multiplication.
#[derive(Default)]
struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_ne_bytes(word));
        }
    }

    fn write_u64(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word) * 0x9E37_79B9_7F4A_7C15;
        self.0 = (product >> 64) as u64 ^ product as u64;
    }

    fn write_usize(&mut self, word: usize) {
        self.write_u64(word as u64);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
