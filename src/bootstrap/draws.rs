//! Which patients make a replicate.

use crate::simulate::random::Stream;

/// The patients of each arm; arms without patients are left out.
pub(crate) fn strata(arm_of: &[usize]) -> Vec<Vec<usize>> {
    let mut strata = vec![vec![]; arm_of.iter().max().map_or(0, |a| a + 1)];
    arm_of.iter().enumerate().for_each(|(i, &a)| strata[a].push(i));
    strata.retain(|s| !s.is_empty());
    strata
}

/// The patients of a replicate: as many of each arm as there are, drawn with replacement.
pub(crate) fn patients(strata: &[Vec<usize>], seed: u64, replicate: u64) -> Vec<usize> {
    let mut stream = Stream::new(seed, replicate, 0);
    let mut drawn = Vec::with_capacity(strata.iter().map(Vec::len).sum());
    for stratum in strata {
        drawn.extend((0..stratum.len()).map(|_| stratum[stream.whole(0, stratum.len() as u32 - 1) as usize]));
    }
    drawn
}

/// The different reasons in order of first appearance, counted.
pub(super) fn reasons<'a>(failures: impl Iterator<Item = &'a String>) -> Vec<(String, usize)> {
    let mut counted: Vec<(String, usize)> = vec![];
    for failure in failures {
        match counted.iter_mut().find(|(reason, _)| reason == failure) {
            Some((_, times)) => *times += 1,
            None => counted.push((failure.clone(), 1)),
        }
    }
    counted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_patient_is_drawn_from_the_own_arm_about_equally_often() {
        let strata = strata(&[0, 1, 0, 1, 0]);
        let mut counts = [0_usize; 5];
        for replicate in 0..6000 {
            let drawn = patients(&strata, 7, replicate);
            assert!(drawn[..3].iter().all(|i| strata[0].contains(i)) && drawn[3..].iter().all(|i| strata[1].contains(i)));
            drawn.into_iter().for_each(|i| counts[i] += 1);
        }
        // Binomial standard deviations are 63 and 55 draws.
        assert!(counts.iter().all(|c| c.abs_diff(6000) < 300), "{counts:?}");
    }
}
