//! Algebra of small symmetric matrices, row by row in slices.

/// Replaces the lower triangle of a k × k matrix by its Cholesky factor; `false` where a pivot is not positive.
pub(super) fn factorise(a: &mut [f64], k: usize) -> bool {
    for i in 0..k {
        for j in 0..=i {
            let (above, own) = a.split_at_mut(i * k);
            let inner: f64 = if i == j {
                own[..j].iter().map(|x| x * x).sum()
            } else {
                own[..j].iter().zip(&above[j * k..j * k + j]).map(|(x, y)| x * y).sum()
            };
            let rest = own[j] - inner;
            if i == j {
                if rest.is_nan() || rest <= 0.0 {
                    return false;
                }
                own[j] = rest.sqrt();
            } else {
                own[j] = rest / above[j * k + j];
            }
        }
    }
    true
}

/// Solves L x = b in place.
pub(super) fn forward(l: &[f64], k: usize, b: &mut [f64]) {
    for i in 0..k {
        let inner: f64 = l[i * k..i * k + i].iter().zip(&b[..i]).map(|(x, y)| x * y).sum();
        b[i] = (b[i] - inner) / l[i * k + i];
    }
}

/// Solves L'x = b in place.
pub(super) fn backward(l: &[f64], k: usize, b: &mut [f64]) {
    for i in (0..k).rev() {
        b[i] /= l[i * k + i];
        let x = b[i];
        for j in 0..i {
            b[j] -= l[i * k + j] * x;
        }
    }
}

/// log |L|.
pub(super) fn log_determinant(l: &[f64], k: usize) -> f64 {
    (0..k).map(|i| l[i * k + i].ln()).sum()
}

/// The adjoint of H = LL' from that of L, of which the lower triangle is read: ½ L⁻ᵀ (P + P') L⁻¹ with P the lower
/// triangle of L'L̄, its diagonal halved (Murray 2016, arXiv:1602.07527, equation 10). Symmetric, and all of it written.
pub(super) fn adjoint(l: &[f64], l_bar: &[f64], k: usize, room: &mut [f64], h_bar: &mut [f64]) {
    // P, symmetric, in `room`.
    for i in 0..k {
        for j in 0..=i {
            let inner: f64 = (i..k).map(|m| l[m * k + i] * l_bar[m * k + j]).sum();
            let value = 0.5 * inner;
            room[i * k + j] = value;
            room[j * k + i] = value;
        }
    }
    // Rows of room are columns of it: L⁻ᵀ on each, transposed, again.
    for i in 0..k {
        backward(l, k, &mut room[i * k..(i + 1) * k]);
    }
    for i in 0..k {
        for j in 0..k {
            h_bar[j * k + i] = room[i * k + j];
        }
    }
    for i in 0..k {
        backward(l, k, &mut h_bar[i * k..(i + 1) * k]);
    }
}

/// The inverse of a positive definite matrix, scaled to a unit diagonal first; `None` where it is not definite.
pub(super) fn inverse(a: &[f64], k: usize) -> Option<Vec<f64>> {
    let scale = (0..k).map(|i| (a[i * k + i] > 0.0).then(|| a[i * k + i].sqrt())).collect::<Option<Vec<f64>>>()?;
    let mut l: Vec<f64> = (0..k * k).map(|at| a[at] / scale[at / k] / scale[at % k]).collect();
    if !factorise(&mut l, k) {
        return None;
    }
    let mut inverse = vec![0.0; k * k];
    for (i, row) in inverse.chunks_exact_mut(k.max(1)).enumerate() {
        row[i] = 1.0 / scale[i];
        forward(&l, k, row);
        backward(&l, k, row);
        row.iter_mut().zip(&scale).for_each(|(x, s)| *x /= s);
    }
    Some(inverse)
}

#[cfg(test)]
mod tests {
    use super::*;

    const K: usize = 3;

    fn matrix() -> Vec<f64> {
        vec![4.0, 1.0, 0.5, 1.0, 3.0, -0.7, 0.5, -0.7, 2.0]
    }

    #[test]
    fn adjoint_of_the_factor_is_the_derivative() {
        // f(H) = Σ c_ij L_ij for some numbers c.
        let c = [0.3, 0.0, 0.0, -1.1, 0.8, 0.0, 0.4, 0.9, -0.6];
        let f = |h: &[f64]| {
            let mut l = h.to_vec();
            assert!(factorise(&mut l, K));
            (0..K).flat_map(|i| (0..=i).map(move |j| i * K + j)).map(|at| c[at] * l[at]).sum::<f64>()
        };
        let mut l = matrix();
        assert!(factorise(&mut l, K));
        let (mut room, mut h_bar) = ([0.0; 9], [0.0; 9]);
        adjoint(&l, &c, K, &mut room, &mut h_bar);
        for i in 0..K {
            for j in 0..=i {
                let at = |h: f64| {
                    let mut moved = matrix();
                    moved[i * K + j] += h;
                    if i != j {
                        moved[j * K + i] += h;
                    }
                    f(&moved)
                };
                let slope = (at(1e-6) - at(-1e-6)) / 2e-6;
                let expected = if i == j { h_bar[i * K + i] } else { h_bar[i * K + j] + h_bar[j * K + i] };
                assert!((slope - expected).abs() < 1e-8, "{slope} and {expected}");
            }
        }
    }

    #[test]
    fn inverse_undoes() {
        let inverse = inverse(&matrix(), K).expect("it is positive definite");
        for i in 0..K {
            for j in 0..K {
                let product: f64 = (0..K).map(|m| matrix()[i * K + m] * inverse[m * K + j]).sum();
                assert!((product - f64::from(u8::from(i == j))).abs() < 1e-14);
            }
        }
    }
}
