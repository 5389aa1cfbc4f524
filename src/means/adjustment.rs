//! Multiplicity: p-values adjusted for having asked several questions.

use crate::options::choices;

/// How p-values are adjusted for the number of tests m in a family; the same values as R's `p.adjust`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Adjustment {
    /// Not at all (the default).
    #[default]
    None,
    /// m p: controls the family-wise error whatever the dependence.
    Bonferroni,
    /// Step-down Bonferroni (Holm 1979, Scandinavian Journal of Statistics 6:65–70): controls the family-wise error
    /// whatever the dependence, never less powerful than Bonferroni.
    Holm,
    /// Step-up (Hochberg 1988, Biometrika 75:800–802): controls the family-wise error under independence or positive
    /// dependence.
    Hochberg,
    /// Benjamini & Hochberg (1995, JRSS B 57:289–300): controls the false discovery rate under independence or
    /// positive dependence.
    BenjaminiHochberg,
    /// All pairwise comparisons within a cell by the studentized range (Tukey 1953; Kramer 1956 where numbers differ):
    /// controls the family-wise error.
    Tukey,
    /// Comparisons with one reference within a cell by the multivariate t distribution of their statistics (Dunnett
    /// 1955, JASA 50:1096–1121): controls the family-wise error.
    Dunnett,
    /// Any contrasts by the multivariate t distribution of their statistics (Hothorn, Bretz & Westfall 2008,
    /// Biometrical Journal 50:346–363), each with its own degrees of freedom: controls the family-wise error.
    SingleStep,
}

choices! {
    Adjustment, "adjustment for multiplicity":
    None = "none", [], "p-values as they are";
    Bonferroni = "bonferroni", ["bon"], "times the number of tests; family-wise error, any dependence";
    Holm = "holm", ["stepbon"], "step-down Bonferroni; family-wise error, any dependence";
    Hochberg = "hochberg", ["hoc"], "step-up; family-wise error under positive dependence";
    BenjaminiHochberg = "benjamini-hochberg", ["bh", "fdr"], "step-up; false discovery rate under positive dependence";
    Tukey = "tukey", ["hsd"], "all pairwise comparisons by the studentized range";
    Dunnett = "dunnett", [], "comparisons with one reference by the multivariate t distribution";
    SingleStep = "single-step", ["mvt"], "any contrasts by the multivariate t distribution";
}

/// Which tests of a table are adjusted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Family {
    /// All of them (the default).
    #[default]
    Table,
    /// Those at the same visit.
    Visit,
}

choices! {
    Family, "family of tests":
    Table = "table", [], "all rows of the table";
    Visit = "visit", [], "the rows of each visit";
}

impl Adjustment {
    /// Whether it takes the joint distribution of the statistics, and not their p-values alone.
    pub fn is_joint(self) -> bool {
        matches!(self, Adjustment::Tukey | Adjustment::Dunnett | Adjustment::SingleStep)
    }

    /// Adjusted p-values in the order given. A NaN (a test that could not be made) stays NaN and does not count as a
    /// test. All are NaN where the [joint](Adjustment::is_joint) distribution would be needed.
    ///
    /// ```
    /// use trialstats::means::Adjustment;
    ///
    /// assert_eq!(Adjustment::Holm.adjust(&[0.01, 0.04, 0.03]), [0.03, 0.06, 0.06]);
    /// ```
    pub fn adjust(self, p: &[f64]) -> Vec<f64> {
        let mut ascending: Vec<usize> = (0..p.len()).filter(|&i| !p[i].is_nan()).collect();
        ascending.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
        let m = ascending.len();
        // The factor of the test with `rank` smaller p-values.
        let factor = |rank: usize| match self {
            Adjustment::None => 1.0,
            Adjustment::Tukey | Adjustment::Dunnett | Adjustment::SingleStep => f64::NAN,
            Adjustment::Bonferroni => m as f64,
            Adjustment::Holm | Adjustment::Hochberg => (m - rank) as f64,
            Adjustment::BenjaminiHochberg => m as f64 / (rank + 1) as f64,
        };
        let mut adjusted = vec![f64::NAN; p.len()];
        let mut place = |i: usize, value: f64| adjusted[i] = value;
        match self {
            _ if self.is_joint() => {}
            Adjustment::Holm => {
                let mut largest = 0.0_f64;
                for (rank, &i) in ascending.iter().enumerate() {
                    largest = largest.max(factor(rank) * p[i]);
                    place(i, largest.min(1.0));
                }
            }
            _ => {
                let mut smallest = f64::INFINITY;
                for (rank, &i) in ascending.iter().enumerate().rev() {
                    let value = factor(rank) * p[i];
                    smallest =
                        if matches!(self, Adjustment::Hochberg | Adjustment::BenjaminiHochberg) { smallest.min(value) } else { value };
                    place(i, smallest.min(1.0));
                }
            }
        }
        adjusted
    }

    /// The sentence of a table's notes.
    pub(super) fn sentence(self, family: Family) -> String {
        let together = match family {
            _ if matches!(self, Adjustment::Tukey | Adjustment::Dunnett) => "over the comparisons within each cell",
            Family::Table => "over all rows",
            Family::Visit => "over the rows of each visit",
        };
        match self {
            Adjustment::None => "p-values are not adjusted for multiplicity.".into(),
            _ => format!("Adjusted p-values by {}, {together}; confidence intervals are not adjusted.", self.words()),
        }
    }
}

impl Adjustment {
    /// How tables and reports put it.
    pub fn words(self) -> &'static str {
        match self {
            Adjustment::None => "none",
            Adjustment::Bonferroni => "Bonferroni",
            Adjustment::Holm => "Holm",
            Adjustment::Hochberg => "Hochberg",
            Adjustment::BenjaminiHochberg => "Benjamini–Hochberg",
            Adjustment::Tukey => "Tukey",
            Adjustment::Dunnett => "Dunnett",
            Adjustment::SingleStep => "single step",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R 4.2.2: `p.adjust(c(.01, .02, .03, .04, .9, .005, .02), method)` and with an `NA` in the fourth place.
    #[test]
    fn adjusted_values_are_those_of_r() {
        let p = [0.01, 0.02, 0.03, 0.04, 0.9, 0.005, 0.02];
        let missing = [0.01, 0.02, 0.03, f64::NAN, 0.9, 0.005, 0.02];
        let cases = [
            (Adjustment::Bonferroni, [0.07, 0.14, 0.21, 0.28, 1.0, 0.035, 0.14], [0.06, 0.12, 0.18, f64::NAN, 1.0, 0.03, 0.12]),
            (Adjustment::Holm, [0.06, 0.1, 0.1, 0.1, 0.9, 0.035, 0.1], [0.05, 0.08, 0.08, f64::NAN, 0.9, 0.03, 0.08]),
            (Adjustment::Hochberg, [0.06, 0.08, 0.08, 0.08, 0.9, 0.035, 0.08], [0.05, 0.06, 0.06, f64::NAN, 0.9, 0.03, 0.06]),
            (
                Adjustment::BenjaminiHochberg,
                [0.035, 0.035, 0.042, 0.0466666666666667, 0.9, 0.035, 0.035],
                [0.03, 0.03, 0.036, f64::NAN, 0.9, 0.03, 0.03],
            ),
        ];
        let same = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a.is_nan() && b.is_nan()) || (a - b).abs() < 1e-15);
        for (adjustment, whole, without) in cases {
            assert!(same(&adjustment.adjust(&p), &whole), "{adjustment}: {:?}", adjustment.adjust(&p));
            assert!(same(&adjustment.adjust(&missing), &without), "{adjustment}: {:?}", adjustment.adjust(&missing));
        }
        assert_eq!(Adjustment::None.adjust(&p), p);
    }
}
