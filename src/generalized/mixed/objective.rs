//! What a search minimises: −log L at a point, with derivatives.

/// −log L, its gradient and, where it is had at no great cost, its Hessian; the scores of independent clusters where asked for.
#[derive(Debug, Clone)]
pub(super) struct Evaluation {
    pub value: f64,
    pub gradient: Vec<f64>,
    /// d × d; the lower triangle while sums are made.
    pub hessian: Vec<f64>,
    /// Minus the gradient of each unit's log-likelihood: units × d.
    pub scores: Option<Vec<f64>>,
    before: Vec<f64>,
}

impl Evaluation {
    pub fn new(d: usize) -> Self {
        Self { value: f64::NAN, gradient: vec![0.0; d], hessian: vec![0.0; d * d], scores: None, before: vec![0.0; d] }
    }

    /// With room for the scores of so many units.
    pub fn with_scores(d: usize, units: usize) -> Self {
        Self { scores: Some(vec![0.0; units * d]), ..Self::new(d) }
    }

    pub fn d(&self) -> usize {
        self.gradient.len()
    }

    pub fn clear(&mut self) {
        self.value = 0.0;
        self.gradient.fill(0.0);
        self.hessian.fill(0.0);
    }

    /// Fills the upper triangle.
    pub fn complete(&mut self) {
        let d = self.d();
        for i in 0..d {
            for j in 0..i {
                self.hessian[j * d + i] = self.hessian[i * d + j];
            }
        }
    }

    /// What the gradient has grown by since the last unit is this one's.
    pub fn end_unit(&mut self, unit: usize) {
        let d = self.d();
        if let Some(scores) = &mut self.scores {
            for k in 0..d {
                scores[unit * d + k] = self.gradient[k] - self.before[k];
            }
            self.before.copy_from_slice(&self.gradient);
        }
    }

    pub fn begin_units(&mut self) {
        self.before.copy_from_slice(&self.gradient);
    }

    pub fn add_outer(&mut self, weight: f64, a: &[f64]) {
        let d = a.len();
        for i in 0..d {
            let scaled = weight * a[i];
            self.hessian[i * d..i * d + i + 1].iter_mut().zip(a).for_each(|(to, x)| *to += scaled * x);
        }
    }

    pub fn subtract_outer(&mut self, weight: f64, a: &[f64]) {
        self.add_outer(-weight, a);
    }

    /// Adds ab' + ba'.
    pub fn add_symmetric(&mut self, a: &[f64], b: &[f64]) {
        let d = a.len();
        for i in 0..d {
            let (ai, bi) = (a[i], b[i]);
            let row = &mut self.hessian[i * d..i * d + i + 1];
            for (k, to) in row.iter_mut().enumerate() {
                *to += ai * b[k] + bi * a[k];
            }
        }
    }

    /// Adds weights times xx', x e' and ee', e the last parameter.
    pub fn add_observation(&mut self, x: &[f64], on_xx: f64, on_x: f64, alone: f64) {
        let p = x.len();
        let d = p + 1;
        for i in 0..p {
            let scaled = on_xx * x[i];
            self.hessian[i * d..i * d + i + 1].iter_mut().zip(x).for_each(|(to, x)| *to += scaled * x);
        }
        let last = &mut self.hessian[p * d..];
        last[..p].iter_mut().zip(x).for_each(|(to, x)| *to += on_x * x);
        last[p] += alone;
    }
}
