//! From a total to the ratings of its items.

/// Spreads `total` over items rated 0 to K, one of K `thresholds` each step, so that the ratings add up to it exactly.
///
/// Item j has the propensity e_j = `propensities[j]` and reaches rating k when a common severity s passes τ_k − e_j,
/// τ_k being `thresholds[k - 1]`; severity rises from −∞ until as many ratings as `total` have been passed. This is a
/// cumulative (graded-response) threshold model conditioned on the sum: items with a high propensity are endorsed
/// first, and a rise of the total never lowers an item.
///
/// A total above what the items hold gives every item its highest rating.
pub(super) fn ratings_of_total(total: usize, thresholds: &[f64], propensities: &[f64]) -> Vec<u8> {
    let mut steps: Vec<(f64, usize)> =
        propensities.iter().enumerate().flat_map(|(j, e)| thresholds.iter().map(move |tau| (tau - e, j))).collect();
    steps.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut ratings = vec![0; propensities.len()];
    steps.iter().take(total).for_each(|&(_, j)| ratings[j] += 1);
    ratings
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TAU: [f64; 4] = [0.5, 1.0, 2.5, 3.5];

    proptest! {
        #[test]
        fn ratings_add_up_and_grow_with_the_total(total in 0_usize..80, e in prop::collection::vec(-2.0..2.0_f64, 20)) {
            let (now, next) = (ratings_of_total(total, &TAU, &e), ratings_of_total(total + 1, &TAU, &e));
            prop_assert_eq!(now.iter().map(|&r| usize::from(r)).sum::<usize>(), total);
            prop_assert!(now.iter().zip(&next).all(|(a, b)| a <= b && *b <= 4));
        }
    }

    #[test]
    fn the_likelier_item_is_endorsed_first() {
        assert_eq!(ratings_of_total(3, &[0.5, 1.5], &[0.0, 1.0, -1.0]), [1, 2, 0]);
    }
}
