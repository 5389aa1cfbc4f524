//! Whether chains have come together, and what their draws are worth.

/// R̂ of one quantity: the square root of the pooled over the mean within-chain variance, each chain cut in two (Gelman et al.
/// 2013, *Bayesian Data Analysis*, 3rd edition, section 11.4). NaN with fewer than four draws a chain.
pub(super) fn r_hat(chains: &[Vec<f64>]) -> f64 {
    let halves: Vec<&[f64]> = chains.iter().flat_map(|chain| [&chain[..chain.len() / 2], &chain[chain.len().div_ceil(2)..]]).collect();
    let n = halves.iter().map(|half| half.len()).min().unwrap_or(0);
    if n < 2 {
        return f64::NAN;
    }
    let means: Vec<f64> = halves.iter().map(|half| mean(half)).collect();
    let within = mean(&halves.iter().map(|half| variance(half)).collect::<Vec<_>>());
    let between = n as f64 * variance(&means);
    let pooled = (n as f64 - 1.0) / n as f64 * within + between / n as f64;
    (pooled / within).sqrt()
}

/// The effective number of independent draws: Σ n over 1 + 2Σρ_t, the autocorrelations summed in pairs while the pairs stay
/// positive and fall (Geyer 1992, Statistical Science 7:473–483; Gelman et al. 2013, section 11.5). At most as many as drawn.
pub(super) fn effective_size(chains: &[Vec<f64>]) -> f64 {
    let (m, n) = (chains.len(), chains.iter().map(Vec::len).min().unwrap_or(0));
    let total = (m * n) as f64;
    if n < 4 {
        return total;
    }
    let means: Vec<f64> = chains.iter().map(|chain| mean(&chain[..n])).collect();
    let within = mean(&chains.iter().map(|chain| variance(&chain[..n])).collect::<Vec<_>>());
    let between = if m > 1 { variance(&means) } else { 0.0 };
    let pooled = (n as f64 - 1.0) / n as f64 * within + between;
    if pooled <= 0.0 {
        return total;
    }
    let covariance = |lag: usize| {
        let of =
            |(chain, mean): (&Vec<f64>, &f64)| (0..n - lag).map(|t| (chain[t] - mean) * (chain[t + lag] - mean)).sum::<f64>() / n as f64;
        chains.iter().zip(&means).map(of).sum::<f64>() / m as f64
    };
    let correlation = |lag: usize| 1.0 - (within - covariance(lag) * n as f64 / (n as f64 - 1.0)) / pooled;
    let (mut sum, mut last) = (0.0, f64::INFINITY);
    for pair in 0..(n - 1) / 2 {
        let (even, odd) = (if pair == 0 { 1.0 } else { correlation(2 * pair) }, correlation(2 * pair + 1));
        let both = (even + odd).min(last);
        if both <= 0.0 {
            break;
        }
        sum += both;
        last = both;
    }
    (total / (2.0 * sum - 1.0)).min(total)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn variance(values: &[f64]) -> f64 {
    let centre = mean(values);
    values.iter().map(|x| (x - centre).powi(2)).sum::<f64>() / (values.len() as f64 - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::random::Stream;

    /// x_t = ρx_{t−1} + e: the effective size is n(1 − ρ)/(1 + ρ).
    fn chain(rho: f64, n: usize, stream: u64, shift: f64) -> Vec<f64> {
        let mut stream = Stream::new(3, 0, stream);
        let mut x = stream.normal();
        let rest = (1.0 - rho * rho).sqrt();
        (0..n)
            .map(|_| {
                x = rho * x + rest * stream.normal();
                x + shift
            })
            .collect()
    }

    #[test]
    fn effective_size_is_that_of_an_autoregression() {
        for rho in [0.0, 0.5, 0.8] {
            let chains: Vec<Vec<f64>> = (0..4).map(|k| chain(rho, 20_000, k, 0.0)).collect();
            let expected = 80_000.0 * (1.0 - rho) / (1.0 + rho);
            assert!((effective_size(&chains) / expected - 1.0).abs() < 0.1, "{rho}: {}", effective_size(&chains));
        }
    }

    #[test]
    fn r_hat_tells_chains_apart() {
        let together: Vec<Vec<f64>> = (0..4).map(|k| chain(0.3, 2000, k, 0.0)).collect();
        assert!((r_hat(&together) - 1.0).abs() < 0.01);
        let apart: Vec<Vec<f64>> = (0..4).map(|k| chain(0.3, 2000, k, k as f64)).collect();
        // Means 0, 1, 2, 3 have variance 10/7 over the eight halves, within is 1.
        assert!((r_hat(&apart) - (1.0 + 10.0 / 7.0_f64).sqrt()).abs() < 0.05, "{}", r_hat(&apart));
        assert!(r_hat(&[vec![1.0, 2.0]]).is_nan());
    }
}
