//! Cluster-robust ("sandwich") covariance of the coefficients, and its degrees of freedom, in time linear in the
//! number of observations.
//!
//! The rows of a cluster i are whitened by the working model, R_i V_i R_i' = I: X*_i = R_i X_i, e*_i = R_i (y_i − X_i
//! β̂). V_i is Σ̂\[P,P\] for each patient of the cluster, one after the other on the diagonal, and Z_i G Z_i' of the
//! random effects of clusters, where the model has such. With H*_i = X*_i Φ X*_i' (Liang & Zeger 1986, Biometrika
//! 73:13–22; Bell & McCaffrey 2002, Survey Methodology 28:169–181; Pustejovsky & Tipton 2018, J Bus Econ Stat
//! 36:672–683),
//!
//! ```text
//! V_CR = Φ (Σ_i X*_i' A_i e*_i e*_i' A_i X*_i) Φ        A_i = I (CR0), (I − H*_i)^−½ (CR2), (I − H*_i)^−1 (CR3)
//! ```
//!
//! l'V_CR l is a sum of squares Σ_i (a_i'e*_i)² with a_i = A_i X*_i Φ l. Under the working model the a_i'e*_i have
//! the covariance P = diag(a_i'a_i) − (b_i'Φ b_j), b_i = X*_i'a_i, and Satterthwaite's degrees of freedom are (tr P)²
//! / tr P². Neither trace needs P:
//!
//! ```text
//! tr P = Σ d_i − tr S,   tr P² = Σ d_i² − 2 Σ d_i b_i'Φb_i + tr S²,   d_i = a_i'a_i,   S = K'(Σ b_i b_i')K,   Φ = KK'
//! ```
//!
//! Any R_i will do: another is R_i rotated, and nothing here changes when a cluster's rows are, which is also why
//! they may be [rotated](super::sandwich_rotation) to be few. CR2 takes the A of A C A' = V, C the covariance of a
//! cluster's residuals, that is symmetric once whitened, R_i A R_i⁻¹, as R mmrm does; clubSandwich takes the A that
//! is symmetric as it is. They are the same for V = σ²I, and differ by 2e-4 in the standard errors on fev_data with
//! patients as clusters, by up to 1e-2 with five clusters.
//!
//! A joint test is Wald's F = b'(LV_CRL')⁻¹b/q, and its denominator df are those of the q uncorrelated combinations
//! of its rows, put together as Fai and Cornelius do, as R mmrm has it.

use super::Df;
use super::sandwich_eigen::symmetric_eigen;
use super::sandwich_rows::{Rows, WhitenedRows};
use super::sandwich_squares::Squares;
use crate::design::{Design, PatientClusters};
use crate::fit::kernels::{dot, symmetric_product};
use crate::fit::optimum::Optimum;
use crate::options::choices;
use nalgebra::DMatrix;
use std::sync::OnceLock;

/// The covariance of the coefficients, from which standard errors come.
///
/// The cluster-robust ones hold whatever the covariance within a [cluster](crate::Model::clusters) is, so long as the
/// mean model does and clusters are independent; the fitted covariance is then only a working model. Their number
/// counts, not that of the patients.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Vcov {
    /// (X'WX)⁻¹, or Kenward and Roger's adjusted one where the degrees of freedom are theirs (the default).
    #[default]
    ModelBased,
    /// Liang & Zeger (1986) without correction: too small with few patients. R mmrm `Empirical`, SAS PROC MIXED
    /// `empirical`.
    Cr0,
    /// Corrected so that it is unbiased under the working model (Bell & McCaffrey 2002): the one to use. R mmrm
    /// `Empirical-Bias-Reduced`.
    Cr2,
    /// Nearly the jackknife that leaves out one cluster at a time (Mancl & DeRouen 2001): too large rather than too
    /// small. R mmrm `Empirical-Jackknife`.
    Cr3,
}

choices! {
    Vcov, "covariance of the estimates":
    ModelBased = "model-based", ["model", "default"], "by the model, adjusted where the method of degrees of freedom says so";
    Cr0 = "cr0", ["empirical"], "cluster-robust without correction: mmrm's Empirical, SAS's empirical";
    Cr2 = "cr2", ["empirical-bias-reduced"], "cluster-robust, unbiased under the fitted covariance: mmrm's Empirical-Bias-Reduced";
    Cr3 = "cr3", ["empirical-jackknife"], "cluster-robust, close to the jackknife: mmrm's Empirical-Jackknife";
}

impl Vcov {
    /// Whether it is one of the cluster-robust ones.
    pub fn is_cluster_robust(self) -> bool {
        self != Vcov::ModelBased
    }

    /// A_i on an eigenvector of H* with eigenvalue h: zero (Moore–Penrose) where h is one.
    fn correction(self, h: f64) -> f64 {
        match self {
            Vcov::ModelBased | Vcov::Cr0 => 1.0,
            _ if 1.0 - h <= LEVERAGE_ONE => 0.0,
            Vcov::Cr2 => 1.0 / (1.0 - h).sqrt(),
            Vcov::Cr3 => 1.0 / (1.0 - h),
        }
    }
}

impl Vcov {
    /// How tables and reports put it.
    pub fn words(self) -> &'static str {
        match self {
            Vcov::ModelBased => "model-based",
            Vcov::Cr0 => "CR0",
            Vcov::Cr2 => "CR2",
            Vcov::Cr3 => "CR3",
        }
    }
}

/// How far from one an eigenvalue of H* may be and count as one: rounding of sums that are at most one.
const LEVERAGE_ONE: f64 = 1e-10;

/// The share of a combination's variance that may come from where no residual tells.
const SILENT: f64 = 1e-6;

/// The cluster-robust covariance of one fit, and what degrees of freedom need.
#[derive(Debug)]
pub(crate) struct Sandwich {
    /// V_CR of the fitted columns, as centred.
    pub covariance: DMatrix<f64>,
    /// The clusters with a leverage of one: their residuals are zero in some direction whatever the data, and say nothing
    /// there.
    saturated: Vec<Saturated>,
    rows: Rows,
    /// A_i, cluster by cluster; empty for CR0.
    corrections: Vec<f64>,
    coefficient_df: OnceLock<Vec<f64>>,
}

/// A cluster with a leverage of one.
#[derive(Debug)]
struct Saturated {
    /// Its position among the clusters.
    cluster: usize,
    /// The first of its patients.
    patient: usize,
    /// Its directions without a residual, among its whitened rows: as many numbers as it has rows, one after the other.
    directions: Vec<f64>,
}

impl Sandwich {
    /// One pass over the clusters.
    pub fn of(design: &Design, optimum: &Optimum, method: Vcov) -> Self {
        let rows = Rows::of(design, optimum);
        let (p, largest) = (rows.root.columns(), rows.largest);
        let mut corrections = vec![];
        let mut scratch = Scratch { h: vec![0.0; largest * largest], vectors: vec![0.0; largest * largest] };
        let (mut e, mut score, mut meat) = (vec![0.0; largest], vec![0.0; p], vec![0.0; p * p]);
        let (mut saturated, mut cluster) = (vec![], 0);
        rows.for_each(design, optimum, |own| {
            let m = own.e.len();
            let directions = scratch.correct(own, method);
            if !directions.is_empty() {
                saturated.push(Saturated { cluster, patient: rows.first_of(cluster), directions });
            }
            cluster += 1;
            if method == Vcov::Cr0 {
                e[..m].copy_from_slice(own.e);
            } else {
                let a = &scratch.h[..m * m];
                corrections.extend_from_slice(a);
                symmetric_product(a, own.e, &mut e[..m]);
            }
            let score = &mut score[..own.touched.len()];
            own.transpose_times(&e[..m], score);
            add_square(&mut meat, p, own.touched, score);
        });
        let covariance = rows.root.around(&from_lower(&meat, p));
        Self { covariance, saturated, rows, corrections, coefficient_df: OnceLock::new() }
    }

    /// Satterthwaite's degrees of freedom of every fitted column's coefficient, computed once.
    pub fn coefficient_df(&self, design: &Design, optimum: &Optimum) -> &[f64] {
        self.coefficient_df.get_or_init(|| {
            let p = self.rows.root.columns();
            let mut weights = DMatrix::identity(p, p);
            for mut column in weights.column_iter_mut() {
                let mut given: Vec<f64> = column.iter().copied().collect();
                optimum.centring.weights(&mut given);
                column.copy_from_slice(&given);
            }
            self.degrees_of_freedom(design, optimum, &weights)
        })
    }

    /// What a reader of a table has to know.
    pub fn notes(&self, design: &Design, method: Vcov, df: Df) -> Vec<String> {
        let satterthwaite =
            if df == Df::Satterthwaite { ", degrees of freedom of Bell and McCaffrey under the fitted covariance" } else { "" };
        let clusters = design.rows.clusters.as_ref();
        let sentence = clusters.map_or_else(|| "patients as clusters".into(), PatientClusters::sentence);
        let name = method.words();
        let mut notes = vec![format!("Standard errors are cluster-robust ({name}, {sentence}){satterthwaite}.")];
        if let Some(few) = clusters.and_then(|c| c.few(&design.rows.arm_of)) {
            let trust = match (method, df) {
                (Vcov::Cr0, _) => "CR0 is too small with so few, CR2 is not",
                (_, Df::Satterthwaite) => "the degrees of freedom say how far they can be trusted",
                _ => "Satterthwaite's degrees of freedom would say how far they can be trusted",
            };
            notes.push(format!("Few clusters ({few}): cluster-robust standard errors rest on their number; {trust}."));
        }
        notes.extend(self.note_on_saturated(design, name));
        notes
    }

    /// `2 patients (PT1, PT2) have a leverage of one: …`.
    fn note_on_saturated(&self, design: &Design, name: &str) -> Option<String> {
        const SHOWN: usize = 6;
        let above = design.rows.clusters.as_ref().is_some_and(PatientClusters::above_patients);
        let label = |s: &Saturated| {
            let patient = design.rows.patients.get(s.patient).and_then(|&i| design.rows.known.patients.get(i));
            patient.map(|label| if above { format!("that of patient {label}") } else { label.clone() })
        };
        let shown: Vec<String> = self.saturated.iter().take(SHOWN).filter_map(label).collect();
        let more = if self.saturated.len() > SHOWN { ", …" } else { "" };
        let names = if shown.is_empty() { String::new() } else { format!(" ({}{more})", shown.join(", ")) };
        let (who, verb) = match (self.saturated.len(), above) {
            (0, _) => return None,
            (1, true) => ("cluster", "has"),
            (1, false) => ("patient", "has"),
            (_, true) => ("clusters", "have"),
            (_, false) => ("patients", "have"),
        };
        Some(format!(
            "{} {who} {verb} a leverage of one{names}: the fit passes through what was observed there, whatever that was, so that no residual \
             tells how far it may be off. {name} is too small for what rests on it, which has no degrees of freedom and no p.",
            self.saturated.len()
        ))
    }

    /// Satterthwaite's degrees of freedom of the combinations in the columns of `l`, p × k; NaN for one whose
    /// variance no residual tells.
    pub fn degrees_of_freedom(&self, design: &Design, optimum: &Optimum, l: &DMatrix<f64>) -> Vec<f64> {
        /// The number of numbers that are summed at once.
        const AT_ONCE: usize = 1 << 25;
        let squares = Squares::of(self.rows.root.columns(), &self.rows.touched);
        let width = (AT_ONCE / squares.len().max(1)).max(1);
        let combinations = self.rows.root.transposed_times(l);
        let first = (0..l.ncols()).step_by(width);
        first
            .flat_map(|k| {
                self.some_degrees_of_freedom(design, optimum, combinations.columns(k, width.min(l.ncols() - k)).into_owned(), &squares)
            })
            .collect()
    }

    /// The same of the columns of K'l.
    fn some_degrees_of_freedom(&self, design: &Design, optimum: &Optimum, combinations: DMatrix<f64>, squares: &Squares) -> Vec<f64> {
        let p = self.rows.root.columns();
        let mut traces: Vec<Traces> = (0..combinations.ncols()).map(|_| Traces::zeros(squares.len())).collect();
        let (mut x, mut a, mut b) = (vec![0.0; self.rows.largest], vec![0.0; self.rows.largest], vec![0.0; p]);
        let (mut start, mut cluster) = (0, 0);
        let mut saturated = self.saturated.iter().peekable();
        self.rows.for_each(design, optimum, |own| {
            let m = own.e.len();
            let silent = saturated.next_if(|s| s.cluster == cluster).map_or(&[][..], |s| &s.directions);
            cluster += 1;
            let correction = self.corrections.get(start..start + m * m);
            start += m * m;
            for (traces, c) in traces.iter_mut().zip(combinations.as_slice().chunks_exact(p.max(1))) {
                own.times(c, &mut x[..m]);
                traces.silent += silent.chunks_exact(m.max(1)).map(|direction| dot(direction, &x[..m]).powi(2)).sum::<f64>();
                match correction {
                    Some(correction) => symmetric_product(correction, &x[..m], &mut a[..m]),
                    None => a[..m].copy_from_slice(&x[..m]),
                }
                let b = &mut b[..own.touched.len()];
                own.transpose_times(&a[..m], b);
                traces.add(dot(&a[..m], &a[..m]), b, own, squares);
            }
        });
        traces.iter().zip(combinations.column_iter()).map(|(traces, c)| traces.degrees_of_freedom(c.norm_squared(), squares)).collect()
    }
}

/// The sums of which the traces of P and P² of one combination are made.
struct Traces {
    d: f64,
    d_squared: f64,
    d_b: f64,
    /// What of l'Φl comes from directions without a residual.
    silent: f64,
    /// What may be other than zero of the lower triangle of S.
    s: Vec<f64>,
}

impl Traces {
    fn zeros(squares: usize) -> Self {
        Self { d: 0.0, d_squared: 0.0, d_b: 0.0, silent: 0.0, s: vec![0.0; squares] }
    }

    /// Adds a cluster with d = a'a and K'b.
    fn add(&mut self, d: f64, b: &[f64], own: &WhitenedRows, squares: &Squares) {
        self.d += d;
        self.d_squared += d * d;
        self.d_b += d * dot(b, b);
        squares.add(own.set, b, &mut self.s);
    }

    /// Given l'Φl, by which rounding is judged.
    fn degrees_of_freedom(&self, variance: f64, squares: &Squares) -> f64 {
        let (trace_of_s, trace_of_s_squared) = squares.traces(&self.s);
        let trace = self.d - trace_of_s;
        let trace_of_square = self.d_squared - 2.0 * self.d_b + trace_of_s_squared;
        let told = trace > 1e-12 * variance && trace_of_square > 0.0 && self.silent <= SILENT * variance;
        if told { trace * trace / trace_of_square } else { f64::NAN }
    }
}

/// Room for the matrices of the largest cluster.
struct Scratch {
    h: Vec<f64>,
    vectors: Vec<f64>,
}

impl Scratch {
    /// Leaves A_i of the cluster in `h`; returns the eigenvectors of H* whose eigenvalue is one.
    fn correct(&mut self, own: &WhitenedRows, method: Vcov) -> Vec<f64> {
        let m = own.e.len();
        let (h, vectors) = (&mut self.h[..m * m], &mut self.vectors[..m * m]);
        for j in 0..m {
            for i in j..m {
                let x = dot(own.row(i), own.row(j));
                h[j * m + i] = x;
                h[i * m + j] = x;
            }
        }
        symmetric_eigen(h, vectors, m);
        let is_one = |k: &usize| 1.0 - h[k * m + k] <= LEVERAGE_ONE;
        let saturated = (0..m).filter(is_one).flat_map(|k| vectors[k * m..(k + 1) * m].iter().copied()).collect();
        // The eigenvectors are rows; each is scaled by the root of its correction, which is never negative, and A is
        // the sum of their squares.
        for (k, vector) in vectors.chunks_exact_mut(m).enumerate() {
            let root = method.correction(h[k * m + k]).sqrt();
            vector.iter_mut().for_each(|x| *x *= root);
        }
        h.fill(0.0);
        for vector in vectors.chunks_exact(m) {
            for (column, &factor) in h.chunks_exact_mut(m).zip(vector) {
                column.iter_mut().zip(vector).for_each(|(h, v)| *h += factor * v);
            }
        }
        saturated
    }
}

/// Adds v v' to the lower triangle of a p × p matrix, row by row; v has numbers for some columns, which ascend.
fn add_square(sum: &mut [f64], p: usize, columns: &[usize], v: &[f64]) {
    for (k, (&i, &factor)) in columns.iter().zip(v).enumerate() {
        let row = &mut sum[i * p..i * p + i + 1];
        columns[..=k].iter().zip(v).for_each(|(&j, x)| row[j] += factor * x);
    }
}

fn from_lower(lower: &[f64], p: usize) -> DMatrix<f64> {
    DMatrix::from_fn(p, p, |i, j| lower[i.max(j) * p + i.min(j)])
}
