//! What distribution the values after an event have.

use crate::error::{Error, Result};
use crate::options;
use nalgebra::DMatrix;
use std::fmt;
use std::str::FromStr;

/// How values after an intercurrent event are imputed.
///
/// | name | mean after the event | covariance |
/// |---|---|---|
/// | `mar` | that of the own arm | own |
/// | `jump-to-reference` (`j2r`) | that of the reference arm | reference after the event, given own before it |
/// | `copy-reference` (`cr`) | that of the reference arm, before the event too | reference |
/// | `copy-increments` (`cir`) | the own mean before the event, then the reference arm's increments | as `jump-to-reference` |
/// | `last-mean-carried-forward` (`lmcf`) | the own mean at the last visit before the event | own |
/// | `causal(k)`, `causal(k0, k1)` | the reference arm's, and of the effect reached before the event the share k0·k1^s after s visits | as `jump-to-reference` |
///
/// `causal` is the model of White, Royes and Best (2020, Journal of Biopharmaceutical Statistics 30:334–350); `causal(1)`
/// is `copy-increments` and `causal(0)` is `jump-to-reference`. Without a visit before the event there is no effect to
/// keep: `copy-increments` and `causal` give the reference arm's distribution, `last-mean-carried-forward` the own one.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Strategy {
    /// Missing at random.
    #[default]
    Mar,
    /// Jump to reference.
    JumpToReference,
    /// Copy reference.
    CopyReference,
    /// Copy increments in reference.
    CopyIncrements,
    /// Last mean carried forward.
    LastMeanCarriedForward,
    /// A share of the effect reached is kept, and may fade.
    Causal {
        /// The share kept at the first visit after the event.
        kept: f64,
        /// The factor by which it fades from visit to visit, 1 for an effect that stays.
        fading: f64,
    },
}

const NAMES: [(&str, &str, Strategy); 5] = [
    ("mar", "mar", Strategy::Mar),
    ("jump-to-reference", "j2r", Strategy::JumpToReference),
    ("copy-reference", "cr", Strategy::CopyReference),
    ("copy-increments", "cir", Strategy::CopyIncrements),
    ("last-mean-carried-forward", "lmcf", Strategy::LastMeanCarriedForward),
];

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Strategy::Causal { kept, fading } if *fading == 1.0 => write!(f, "causal({kept})"),
            Strategy::Causal { kept, fading } => write!(f, "causal({kept}, {fading})"),
            other => f.write_str(NAMES.iter().find(|(.., s)| s == other).map_or("", |(name, ..)| name)),
        }
    }
}

impl FromStr for Strategy {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, argument) = options::parts(text);
        if let (Some((.., strategy)), None) = (NAMES.iter().find(|(long, short, _)| name == *long || name == *short), &argument) {
            return Ok(*strategy);
        }
        let numbers = argument.map(|text| text.split(',').map(|x| x.trim().parse::<f64>().ok()).collect::<Option<Vec<f64>>>());
        let causal = match (name.as_str(), numbers.flatten().as_deref()) {
            ("causal", Some([kept])) => Some((*kept, 1.0)),
            ("causal", Some([kept, fading])) => Some((*kept, *fading)),
            _ => None,
        };
        match causal {
            Some((kept, fading)) if kept.is_finite() && fading.is_finite() => Ok(Strategy::Causal { kept, fading }),
            _ => {
                let mut known: Vec<String> = NAMES.iter().map(|(long, short, _)| format!("{long} ({short})")).collect();
                known.push("causal(K)".into());
                Err(Error::unknown("imputation strategy", text, &known))
            }
        }
    }
}

options::serde_by_name!(Strategy);

impl Strategy {
    /// What tables call it: `jump to reference`.
    pub fn title(self) -> String {
        match self {
            Strategy::Mar => "missing at random".into(),
            Strategy::JumpToReference => "jump to reference".into(),
            Strategy::CopyReference => "copy reference".into(),
            Strategy::CopyIncrements => "copy increments in reference".into(),
            Strategy::LastMeanCarriedForward => "last mean carried forward".into(),
            Strategy::Causal { kept, fading: 1.0 } => format!("causal model, {kept} of the effect kept"),
            Strategy::Causal { kept, fading } => format!("causal model, {kept} of the effect kept, fading by {fading}"),
        }
    }

    /// As a sentence has it: values after the event …
    pub fn words(self) -> String {
        match self {
            Strategy::Mar => "are like those of the same arm".into(),
            Strategy::JumpToReference => "have the mean of the reference arm".into(),
            Strategy::CopyReference => "are those of a patient who was in the reference arm from the start".into(),
            Strategy::CopyIncrements => "change as in the reference arm".into(),
            Strategy::LastMeanCarriedForward => "have the mean of the own arm at the last visit before it".into(),
            Strategy::Causal { kept, fading: 1.0 } => {
                format!("have the mean of the reference arm and {kept} times the effect reached before it")
            }
            Strategy::Causal { kept, fading } => format!(
                "have the mean of the reference arm and {kept} × {fading}^s times the effect reached before it, s visits after the first"
            ),
        }
    }

    /// The code of the derivation in ADaM's DTYPE.
    pub(super) fn code(self) -> &'static str {
        match self {
            Strategy::Mar => "MAR",
            Strategy::JumpToReference => "J2R",
            Strategy::CopyReference => "CR",
            Strategy::CopyIncrements => "CIR",
            Strategy::LastMeanCarriedForward => "LMCF",
            Strategy::Causal { .. } => "CAUSAL",
        }
    }

    /// Whether the reference arm matters.
    pub fn needs_reference(self) -> bool {
        !matches!(self, Strategy::Mar | Strategy::LastMeanCarriedForward)
    }

    /// The mean as a linear function of both arms' means: μ = own·μ_own + reference·μ_reference, T × T each; `from` is the
    /// first visit after the event.
    pub(crate) fn mean(self, visits: usize, from: usize) -> (DMatrix<f64>, DMatrix<f64>) {
        let (mut own, mut reference) = (DMatrix::identity(visits, visits), DMatrix::zeros(visits, visits));
        if self == Strategy::Mar || from >= visits {
            return (own, reference);
        }
        for t in if self == Strategy::CopyReference { 0 } else { from }..visits {
            own[(t, t)] = 0.0;
            match self {
                Strategy::LastMeanCarriedForward if from == 0 => own[(t, t)] = 1.0,
                Strategy::LastMeanCarriedForward => own[(t, from - 1)] = 1.0,
                _ => reference[(t, t)] = 1.0,
            }
            let share = match self {
                Strategy::CopyIncrements => 1.0,
                Strategy::Causal { kept, fading } => kept * fading.powi((t - from) as i32),
                _ => 0.0,
            };
            if from > 0 && share != 0.0 {
                own[(t, from - 1)] += share;
                reference[(t, from - 1)] -= share;
            }
        }
        (own, reference)
    }

    /// The covariance of all visits; that of the reference arm after the event and of the own arm before it, with the
    /// reference arm's regression of after on before.
    pub(super) fn covariance(self, own: &DMatrix<f64>, reference: &DMatrix<f64>, from: usize) -> Option<DMatrix<f64>> {
        let visits = own.nrows();
        match self {
            Strategy::Mar | Strategy::LastMeanCarriedForward => return Some(own.clone()),
            // Without an event nothing is taken from the reference arm.
            _ if from >= visits => return Some(own.clone()),
            Strategy::CopyReference => return Some(reference.clone()),
            _ if own == reference => return Some(own.clone()),
            _ if from == 0 => return Some(reference.clone()),
            _ => {}
        }
        let after = visits - from;
        let own_before = own.view((0, 0), (from, from)).into_owned();
        let before = reference.view((0, 0), (from, from)).into_owned();
        let between = reference.view((from, 0), (after, from)).into_owned();
        let rest = reference.view((from, from), (after, after)).into_owned();
        // Regression of after on before in the reference arm: R = Σ21 Σ11⁻¹.
        let regression = before.clone().cholesky()?.solve(&between.transpose()).transpose();
        let mixed = &regression * &own_before;
        let later = rest - &regression * (before - own_before) * regression.transpose();
        let mut whole = own.clone();
        whole.view_mut((from, 0), (after, from)).copy_from(&mixed);
        whole.view_mut((0, from), (from, after)).copy_from(&mixed.transpose());
        whole.view_mut((from, from), (after, after)).copy_from(&later);
        Some(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::DVector;

    fn mean(strategy: Strategy, from: usize) -> Vec<f64> {
        let (own, reference) = strategy.mean(4, from);
        let mean: DVector<f64> =
            own * DVector::from_vec(vec![1.0, 2.0, 3.0, 4.0]) + reference * DVector::from_vec(vec![10.0, 20.0, 30.0, 50.0]);
        mean.iter().copied().collect()
    }

    /// Carpenter, Roger and Kenward (2013), section 3; White, Royes and Best (2020), equation 4.
    #[test]
    fn means_are_those_of_the_definitions() {
        assert_eq!(mean(Strategy::Mar, 2), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(mean(Strategy::JumpToReference, 2), [1.0, 2.0, 30.0, 50.0]);
        assert_eq!(mean(Strategy::CopyReference, 2), [10.0, 20.0, 30.0, 50.0]);
        assert_eq!(mean(Strategy::CopyIncrements, 2), [1.0, 2.0, 12.0, 32.0]);
        assert_eq!(mean(Strategy::LastMeanCarriedForward, 2), [1.0, 2.0, 2.0, 2.0]);
        assert_eq!(mean(Strategy::Causal { kept: 0.5, fading: 1.0 }, 2), [1.0, 2.0, 21.0, 41.0]);
        assert_eq!(mean(Strategy::Causal { kept: 0.5, fading: 0.5 }, 2), [1.0, 2.0, 21.0, 45.5]);
        assert_eq!(mean(Strategy::Causal { kept: 1.0, fading: 1.0 }, 1), mean(Strategy::CopyIncrements, 1));
        assert_eq!(mean(Strategy::Causal { kept: 0.0, fading: 1.0 }, 1), mean(Strategy::JumpToReference, 1));
        // Without a visit before the event there is nothing to keep.
        for strategy in [Strategy::JumpToReference, Strategy::CopyIncrements, Strategy::Causal { kept: 0.5, fading: 1.0 }] {
            assert_eq!(mean(strategy, 0), [10.0, 20.0, 30.0, 50.0]);
        }
        assert_eq!(mean(Strategy::LastMeanCarriedForward, 0), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(mean(Strategy::JumpToReference, 4), [1.0, 2.0, 3.0, 4.0]);
    }

    #[test]
    fn the_covariance_keeps_the_own_before_and_the_reference_regression_after() {
        let own = DMatrix::from_row_slice(3, 3, &[4.0, 2.0, 1.0, 2.0, 5.0, 2.0, 1.0, 2.0, 6.0]);
        let reference = DMatrix::from_row_slice(3, 3, &[3.0, 1.0, 0.5, 1.0, 4.0, 1.5, 0.5, 1.5, 7.0]);
        let mixed = Strategy::JumpToReference.covariance(&own, &reference, 2).expect("a covariance");
        assert_eq!(mixed.view((0, 0), (2, 2)), own.view((0, 0), (2, 2)));
        let regression =
            |sigma: &DMatrix<f64>| sigma.view((2, 0), (1, 2)) * sigma.view((0, 0), (2, 2)).try_inverse().expect("it is positive definite");
        let conditional = |sigma: &DMatrix<f64>| sigma[(2, 2)] - (regression(sigma) * sigma.view((0, 2), (2, 1)))[(0, 0)];
        assert!((regression(&mixed) - regression(&reference)).norm() < 1e-14);
        assert!((conditional(&mixed) - conditional(&reference)).abs() < 1e-14);
        for strategy in [Strategy::JumpToReference, Strategy::CopyIncrements] {
            assert_eq!(strategy.covariance(&own, &own, 1).as_ref(), Some(&own));
        }
        assert_eq!(Strategy::CopyReference.covariance(&own, &reference, 3).as_ref(), Some(&own));
        assert_eq!(Strategy::CopyReference.covariance(&own, &reference, 1), Some(reference));
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        for name in [
            "mar",
            "jump-to-reference",
            "copy-reference",
            "copy-increments",
            "last-mean-carried-forward",
            "causal(0.5)",
            "causal(0.5, 0.9)",
        ] {
            assert_eq!(name.parse::<Strategy>().expect("a strategy").to_string(), name);
        }
        assert_eq!("J2R".parse::<Strategy>().expect("its short name"), Strategy::JumpToReference);
        let error = "jump-to-refrence".parse::<Strategy>().expect_err("misspelt").to_string();
        assert!(error.contains("did you mean `jump-to-reference`"), "{error}");
        assert!("causal".parse::<Strategy>().is_err() && "causal(x)".parse::<Strategy>().is_err() && "mar(1)".parse::<Strategy>().is_err());
    }
}
