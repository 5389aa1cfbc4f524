//! Working correlations: structures, their parameters by moments, and the matrix.

use crate::options::choices;

/// How the residuals of a patient's visits are taken to be correlated. It decides the efficiency of the estimates and
/// not their validity: the robust covariance holds whatever the correlation is.
///
/// Visits have their positions among the analysed visits of the schedule, whether a patient attended those between or
/// not.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum WorkingCorrelation {
    /// None.
    Independence,
    /// α for every two visits (the default).
    #[default]
    Exchangeable,
    /// α^d for visits d apart.
    Ar1,
    /// α_d for visits d apart: as many parameters as there are distances.
    Toeplitz,
    /// A parameter for every two visits.
    Unstructured,
}

choices! {
    WorkingCorrelation, "working correlation":
    Independence = "independence", ["independent", "ind"], "no correlation among a patient's visits";
    Exchangeable = "exchangeable", ["exch", "cs", "compound-symmetry"], "one correlation for every two visits";
    Ar1 = "ar1", ["ar(1)", "ar-1", "ar"], "a correlation that is raised to the distance between visits";
    Toeplitz = "toeplitz", ["toep", "m-dependent", "mdep"], "a correlation for each distance between visits";
    Unstructured = "unstructured", ["un", "us", "unstr"], "a correlation for every two visits";
}

/// How the parameters of a working correlation and φ are estimated from the residuals.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum AlphaConvention {
    /// As SAS's GENMOD and GEE have it (Liang & Zeger 1986, Biometrika 73:13–22): sums of products of residuals over
    /// their number less p, φ over N − p; AR(1) by neighbouring visits (the default).
    #[default]
    Sas,
    /// As R's geepack has it: means of products, φ over N; AR(1) by all distances, Σ d α^(d−1) (e e' − α^d) = 0.
    Geepack,
}

choices! {
    AlphaConvention, "convention of the working correlation":
    Sas = "sas", ["genmod", "liang-zeger"], "moments with p degrees of freedom taken off: SAS GENMOD and GEE";
    Geepack = "geepack", [], "plain means, and AR(1) by all distances: R geepack";
}

impl AlphaConvention {
    /// How notes put it.
    pub(super) fn words(self) -> &'static str {
        match self {
            AlphaConvention::Sas => "moments less p degrees of freedom, as SAS has them",
            AlphaConvention::Geepack => "plain moments, as geepack has them",
        }
    }
}

impl WorkingCorrelation {
    /// How notes put it.
    pub(super) fn words(self) -> &'static str {
        match self {
            WorkingCorrelation::Ar1 => "AR(1)",
            WorkingCorrelation::Toeplitz => "Toeplitz",
            WorkingCorrelation::Independence => "independence",
            WorkingCorrelation::Exchangeable => "exchangeable",
            WorkingCorrelation::Unstructured => "unstructured",
        }
    }

    /// Which parameter the correlation of two different visits is, for structures that are linear in theirs.
    fn parameter(self, a: usize, b: usize, visits: usize) -> usize {
        let (a, b) = (a.min(b), a.max(b));
        match self {
            WorkingCorrelation::Toeplitz => b - a - 1,
            WorkingCorrelation::Unstructured => a * visits - a * (a + 1) / 2 + b - a - 1,
            _ => 0,
        }
    }

    /// The number of parameters for so many visits.
    pub(super) fn parameters(self, visits: usize) -> usize {
        match self {
            WorkingCorrelation::Independence => 0,
            WorkingCorrelation::Exchangeable | WorkingCorrelation::Ar1 => usize::from(visits > 1),
            WorkingCorrelation::Toeplitz => visits.saturating_sub(1),
            WorkingCorrelation::Unstructured => visits * visits.saturating_sub(1) / 2,
        }
    }

    /// The names of the parameters; of visits that they are about, by label.
    pub(super) fn names(self, visits: &[String]) -> Vec<String> {
        match self {
            WorkingCorrelation::Independence => vec![],
            WorkingCorrelation::Exchangeable => vec!["any two visits".into(); self.parameters(visits.len())],
            WorkingCorrelation::Ar1 => vec!["neighbouring visits".into(); self.parameters(visits.len())],
            WorkingCorrelation::Toeplitz => (1..visits.len()).map(|d| format!("{d} apart")).collect(),
            WorkingCorrelation::Unstructured => {
                let pairs = (0..visits.len()).flat_map(|a| (a + 1..visits.len()).map(move |b| (a, b)));
                pairs.map(|(a, b)| format!("{}, {}", visits[a], visits[b])).collect()
            }
        }
    }

    /// The correlation of two visits.
    pub(super) fn correlation(self, alpha: &[f64], a: usize, b: usize, visits: usize) -> f64 {
        match self {
            _ if a == b => 1.0,
            WorkingCorrelation::Independence => 0.0,
            WorkingCorrelation::Ar1 => alpha[0].powi(a.abs_diff(b) as i32),
            _ => alpha[self.parameter(a, b, visits)],
        }
    }

    /// The parameters from the sums of products of residuals by pair of visits; the first that has none where one has
    /// none. `lost` is what the convention takes off the number of products.
    pub(super) fn by_moments(self, pairs: &Pairs, phi: f64, lost: f64, convention: AlphaConvention) -> Result<Vec<f64>, usize> {
        let visits = pairs.visits;
        if self == WorkingCorrelation::Ar1 && convention == AlphaConvention::Geepack && visits > 1 {
            return Ok(vec![all_distances(pairs, phi)]);
        }
        let parameters = self.parameters(visits);
        let (mut sums, mut numbers) = (vec![0.0; parameters], vec![0.0; parameters]);
        if parameters == 0 {
            return Ok(vec![]);
        }
        for a in 0..visits {
            for b in a + 1..visits {
                if self == WorkingCorrelation::Ar1 && b > a + 1 {
                    continue;
                }
                let k = self.parameter(a, b, visits);
                sums[k] += pairs.sums[a * visits + b];
                numbers[k] += pairs.numbers[a * visits + b];
            }
        }
        let parameter = |k: usize| if numbers[k] > lost { Ok(sums[k] / ((numbers[k] - lost) * phi)) } else { Err(k) };
        (0..parameters).map(parameter).collect()
    }
}

/// Sums of products of standardised residuals by pair of visits, and how many there are.
#[derive(Debug, Clone)]
pub(super) struct Pairs {
    pub visits: usize,
    /// T × T, above the diagonal.
    pub sums: Vec<f64>,
    pub numbers: Vec<f64>,
}

/// AR(1)'s α with Σ_d d α^(d−1) (S_d/φ − n_d α^d) = 0, by Newton's method from the moments of neighbouring visits.
fn all_distances(pairs: &Pairs, phi: f64) -> f64 {
    let visits = pairs.visits;
    let (mut sums, mut numbers) = (vec![0.0; visits], vec![0.0; visits]);
    for a in 0..visits {
        for b in a + 1..visits {
            sums[b - a] += pairs.sums[a * visits + b] / phi;
            numbers[b - a] += pairs.numbers[a * visits + b];
        }
    }
    let equation = |alpha: f64| {
        let (mut value, mut slope) = (0.0, 0.0);
        for d in 1..visits {
            let (k, power) = (d as f64, |e: usize| alpha.powi(e as i32));
            value += k * power(d - 1) * (sums[d] - numbers[d] * power(d));
            let falling = if d > 1 { (k - 1.0) * power(d - 2) * sums[d] } else { 0.0 };
            slope += k * (falling - numbers[d] * (2.0 * k - 1.0) * power(2 * d - 2));
        }
        (value, slope)
    };
    let mut alpha = if numbers[1] > 0.0 { (sums[1] / numbers[1]).clamp(-0.95, 0.95) } else { 0.0 };
    for _ in 0..100 {
        let (value, slope) = equation(alpha);
        let step = value / slope;
        if !step.is_finite() {
            break;
        }
        alpha = (alpha - step).clamp(-0.999_999, 0.999_999);
        if step.abs() < 1e-15 {
            break;
        }
    }
    alpha
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_counted_row_by_row() {
        let un = WorkingCorrelation::Unstructured;
        let order: Vec<usize> = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)].iter().map(|&(a, b)| un.parameter(b, a, 4)).collect();
        assert_eq!(order, [0, 1, 2, 3, 4, 5]);
        let labels = ["a", "b", "c"].map(String::from);
        assert_eq!(un.names(&labels), ["a, b", "a, c", "b, c"]);
        assert_eq!(WorkingCorrelation::Ar1.correlation(&[-0.5], 3, 1, 4), 0.25);
        assert_eq!(WorkingCorrelation::Toeplitz.correlation(&[0.3, 0.2, 0.1], 3, 1, 4), 0.2);
    }

    #[test]
    fn all_distances_recover_an_exact_ar1() {
        let visits = 5;
        let mut pairs = Pairs { visits, sums: vec![0.0; 25], numbers: vec![0.0; 25] };
        for (a, b) in (0..visits).flat_map(|a| (a + 1..visits).map(move |b| (a, b))) {
            pairs.numbers[a * visits + b] = 10.0 + a as f64;
            pairs.sums[a * visits + b] = pairs.numbers[a * visits + b] * 1.3 * 0.6_f64.powi((b - a) as i32);
        }
        let found = WorkingCorrelation::Ar1.by_moments(&pairs, 1.3, 0.0, AlphaConvention::Geepack).expect("there are pairs");
        assert!((found[0] - 0.6).abs() < 1e-14);
    }
}
