//! Random effects of clusters, as the design has them: who belongs to which level, and what multiplies its effects.
use crate::options::choices;
use crate::trial::Identifiers;

/// The random effects of one cluster factor: `(0 + gst | group)`, `(1 + days | patient)`.
///
/// The effects u_j of level j are k numbers with mean 0 and covariance G, the same for all levels; an observation of
/// patient i at visit t in level j has z_it'u_j added to its mean. Observations in no level have none of it.
#[derive(Debug, Clone, PartialEq)]
pub struct RandomTerm {
    /// The cluster factor: `therapist`, `site:therapist`; what the file calls the patient where patients are the
    /// levels.
    pub(crate) factor: String,
    /// Whether the levels are the patients themselves.
    pub(crate) of_patients: bool,
    /// The levels that an analysed observation belongs to, in the order of the factor's levels.
    pub(crate) levels: Identifiers,
    /// Names of the k effects of a level: `(Intercept)`, `gst`.
    pub(crate) effects: Vec<String>,
    /// What the k effects have in common.
    pub(crate) structure: EffectCovariance,
    /// The level of each analysed observation, as a position in `levels`: n × T, patient by patient. `None` where the
    /// observation belongs to no level, and where there is no observation.
    pub(crate) level_of: Vec<Option<u32>>,
    /// z_it of each analysed observation: n × T × k; zero where it belongs to no level.
    pub(crate) z: Vec<f64>,
}

/// The covariance G of the effects of a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum EffectCovariance {
    /// A variance each and a covariance each pair, `(1 + x | g)` (the default).
    #[default]
    Correlated,
    /// A variance each, `(1 + x || g)`.
    Independent,
}

choices! {
    EffectCovariance, "covariance of random effects":
    Correlated = "correlated", ["unstructured"], "a variance per effect and a covariance per pair, (1 + x | g)";
    Independent = "independent", ["diagonal"], "a variance per effect, (1 + x || g)";
}

impl RandomTerm {
    /// The cluster factor: `therapist`, `site:therapist`; what the file calls the patient where patients are the
    /// levels.
    pub fn factor(&self) -> &str {
        &self.factor
    }

    /// Whether the levels are the patients themselves.
    pub fn is_of_patients(&self) -> bool {
        self.of_patients
    }

    /// The levels that an analysed observation belongs to, in the order of the factor's levels.
    pub fn levels(&self) -> &[String] {
        &self.levels
    }

    /// Names of the k effects of a level, as R names columns: `(Intercept)`, `gst`, `armT`.
    pub fn effects(&self) -> &[String] {
        &self.effects
    }

    /// What the k effects have in common.
    pub fn structure(&self) -> EffectCovariance {
        self.structure
    }

    /// The level of each analysed observation, as a position in [`levels`](Self::levels): patients × visits, patient
    /// by patient. `None` where it belongs to no level, and where there is no observation.
    pub fn level_of(&self) -> &[Option<u32>] {
        &self.level_of
    }

    /// What multiplies the effects in each analysed observation: patients × visits × k; zero where it belongs to no
    /// level.
    pub fn z(&self) -> &[f64] {
        &self.z
    }

    /// The elements (a, b), a ≥ b, of G that are parameters, in their order among θ.
    pub(crate) fn pairs(&self) -> Vec<(usize, usize)> {
        match self.structure {
            EffectCovariance::Correlated => (0..self.size()).flat_map(|a| (0..=a).map(move |b| (a, b))).collect(),
            EffectCovariance::Independent => (0..self.size()).map(|a| (a, a)).collect(),
        }
    }

    /// Names of the elements of G that are parameters.
    pub(crate) fn parameter_names(&self) -> Vec<String> {
        let name = |(a, b): (usize, usize)| match a == b {
            true => format!("variance of {} by {}", self.effects[a], self.factor),
            false => format!("covariance of {} and {} by {}", self.effects[b], self.effects[a], self.factor),
        };
        self.pairs().into_iter().map(name).collect()
    }

    /// The mean square of what multiplies each effect, over the observations that it bears on; 1 where there are none.
    pub(crate) fn mean_squares(&self) -> Vec<f64> {
        let mut sums = vec![(0_usize, 0.0); self.size()];
        match self.size() {
            1 => add_squares(&self.z, 1, &mut sums),
            2 => add_squares(&self.z, 2, &mut sums),
            k => add_squares(&self.z, k, &mut sums),
        }
        sums.into_iter().map(|(n, sum)| if n == 0 { 1.0 } else { sum / n as f64 }).collect()
    }

    /// The number k of effects of a level.
    pub(crate) fn size(&self) -> usize {
        self.effects.len()
    }

    /// The number of effects of all levels.
    pub(crate) fn total(&self) -> usize {
        self.levels.len() * self.size()
    }
}

/// Counts what is not zero of each column, and adds its squares.
#[inline(always)]
fn add_squares(z: &[f64], k: usize, sums: &mut [(usize, f64)]) {
    let sums = &mut sums[..k];
    for z in z.chunks_exact(k.max(1)) {
        for a in 0..k {
            sums[a].0 += usize::from(z[a] != 0.0);
            sums[a].1 += z[a] * z[a];
        }
    }
}
