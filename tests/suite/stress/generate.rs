//! Trials that no one would wish for: few patients, gaps, visits that all but repeat one another, outcomes of absurd
//! size.

use trialstats::covariance::Covariance;
use trialstats::simulate::random::Stream;
use trialstats::trial::{Outcome, Schedule, Trial, Variable, Visit};
use trialstats::{Df, Estimation, Model, Result, Vcov};

/// Data and a model for them.
#[derive(Debug, Clone)]
pub struct Case {
    pub index: u64,
    /// Nothing is wrong with the trial: the model must be fitted.
    pub ordinary: bool,
    pub times: Vec<f64>,
    pub arms: usize,
    pub arm_of: Vec<usize>,
    pub x: Vec<f64>,
    pub sex: Vec<usize>,
    /// n × T.
    pub weights: Option<Vec<f64>>,
    /// n × T, NaN where not observed.
    pub y: Vec<f64>,
    pub formula: &'static str,
    pub covariance: Covariance,
    pub by_arm: bool,
    pub estimation: Estimation,
    pub df: Df,
    pub vcov: Vcov,
}

/// Every structure that needs nothing but visits, and some of those with a number or a part.
pub fn structures() -> Vec<Covariance> {
    let others = [
        "unstructured(2)",
        "toeplitz(2)",
        "heterogeneous-toeplitz(3)",
        "factor-analytic(1)",
        "factor-analytic(2)",
        "factor-analytic-common-variance(1)",
        "factor-analytic-common-variance(2)",
        "random-intercept + ar1",
        "random-intercept + spatial-exponential",
        "random-intercept-slope + ar1h",
    ];
    let others = others.map(|name| Covariance::named(name).expect("the structure exists"));
    Covariance::NAMED.into_iter().map(|(_, _, covariance)| covariance).chain(others).collect()
}

impl Case {
    /// The case of this number: always the same.
    pub fn new(seed: u64, index: u64, structures: &[Covariance]) -> Self {
        let mut random = Stream::new(seed, index, 0);
        let ordinary = index.is_multiple_of(20);
        let (n, t) = match ordinary {
            true => (random.whole(24, 30) as usize, random.whole(4, 5) as usize),
            false => (random.whole(3, 30) as usize, random.whole(1, 10) as usize),
        };
        let arms = if n < 6 { 1 } else { random.whole(1, 3) as usize };
        let formulas: &[&str] = match (arms, ordinary) {
            (1, true) => &["y ~ visit", "y ~ x + visit"],
            (_, true) => &["y ~ arm * visit", "y ~ x + arm * visit"],
            (1, _) => &["y ~ visit", "y ~ 1", "y ~ x * visit", "y ~ x + sex * visit"],
            _ => &["y ~ arm * visit", "y ~ x + arm * visit", "y ~ x * visit + arm", "y ~ visit", "y ~ arm + sex * visit"],
        };
        let (df, vcov) = [
            (Df::Satterthwaite, Vcov::ModelBased),
            (Df::KenwardRoger, Vcov::ModelBased),
            (Df::KenwardRoger2, Vcov::ModelBased),
            (Df::Satterthwaite, Vcov::Cr2),
            (Df::BetweenWithin, Vcov::ModelBased),
        ][random.whole(0, 4) as usize];
        let ml = !df.adjusts_covariance() && random.happens(0.2);
        let mut case = Self {
            index,
            ordinary,
            times: times(t, &mut random),
            arms,
            arm_of: (0..n).map(|i| i % arms).collect(),
            x: random.normals(n),
            sex: (0..n).map(|_| random.whole(0, 1) as usize).collect(),
            weights: None,
            y: outcomes(n, t, &mut random),
            formula: formulas[random.whole(0, formulas.len() as u32 - 1) as usize],
            covariance: structures[(index as usize / 20 + index as usize) % structures.len()].clone(),
            by_arm: !ordinary && arms > 1 && random.happens(0.2),
            estimation: if ml { Estimation::Ml } else { Estimation::Reml },
            df,
            vcov,
        };
        if !ordinary {
            case.spoil(&mut random);
        }
        case
    }

    pub fn patients(&self) -> usize {
        self.arm_of.len()
    }

    fn visits(&self) -> usize {
        self.times.len()
    }

    /// Each misfortune befalls every fifth trial or so, alone or with others.
    fn spoil(&mut self, random: &mut Stream) {
        let (n, t) = (self.patients(), self.visits());
        let misfortunes: [fn(&mut Self, &mut Stream); 11] = [
            Self::drop_out,
            Self::leave_gaps,
            Self::repeat_visits,
            Self::still_visit,
            Self::round,
            Self::constants,
            Self::shift,
            Self::rescale,
            Self::far_covariate,
            Self::one_arm_visit,
            Self::split_visits,
        ];
        misfortunes.iter().for_each(|misfortune| {
            if random.happens(0.2) {
                misfortune(self, random);
            }
        });
        if random.happens(0.15) {
            self.weights = Some((0..n * t).map(|_| 10_f64.powf(4.0 * random.uniform() - 2.0)).collect());
        }
    }

    /// Six in ten leave, at any visit after the first.
    fn drop_out(&mut self, random: &mut Stream) {
        let t = self.visits();
        for patient in self.y.chunks_exact_mut(t) {
            if t > 1 && random.happens(0.6) {
                let last = random.whole(1, t as u32 - 1) as usize;
                patient[last..].fill(f64::NAN);
            }
        }
    }

    fn leave_gaps(&mut self, random: &mut Stream) {
        let share = 0.6 * random.uniform();
        self.y.iter_mut().for_each(|y| {
            if random.happens(share) {
                *y = f64::NAN;
            }
        });
    }

    /// A visit repeats another but for very little.
    fn repeat_visits(&mut self, random: &mut Stream) {
        let t = self.visits();
        let (from, to) = (random.whole(0, t as u32 - 1) as usize, random.whole(0, t as u32 - 1) as usize);
        let noise = 10_f64.powi(-(random.whole(1, 8) as i32));
        self.y.chunks_exact_mut(t).filter(|y| !y[to].is_nan()).for_each(|y| y[to] = y[from] + noise * random.normal());
    }

    /// A visit at which patients hardly differ.
    fn still_visit(&mut self, random: &mut Stream) {
        let t = self.visits();
        let (visit, size) = (random.whole(0, t as u32 - 1) as usize, 10_f64.powi(-(random.whole(2, 9) as i32)));
        self.y.chunks_exact_mut(t).for_each(|y| y[visit] *= size);
    }

    fn round(&mut self, _random: &mut Stream) {
        self.y.iter_mut().for_each(|y| *y = y.round());
    }

    /// The same value for a visit, for a patient at all visits, or for everyone.
    fn constants(&mut self, random: &mut Stream) {
        let (n, t) = (self.patients(), self.visits());
        let set = |y: &mut f64| *y = if y.is_nan() { f64::NAN } else { 3.0 };
        match random.whole(0, 4) {
            0 => self.y.iter_mut().for_each(set),
            1 | 2 => self.y.iter_mut().skip(random.whole(0, t as u32 - 1) as usize).step_by(t).for_each(set),
            _ => {
                let patient = random.whole(0, n as u32 - 1) as usize;
                self.y[patient * t..(patient + 1) * t].iter_mut().for_each(set);
            }
        }
    }

    fn shift(&mut self, random: &mut Stream) {
        let offset = 10_f64.powi(random.whole(2, 9) as i32);
        self.y.iter_mut().for_each(|y| *y += offset);
    }

    fn rescale(&mut self, random: &mut Stream) {
        let scale = 10_f64.powf(16.0 * random.uniform() - 8.0);
        self.y.iter_mut().for_each(|y| *y *= scale);
    }

    fn far_covariate(&mut self, random: &mut Stream) {
        let (offset, scale) = (10_f64.powi(random.whole(1, 6) as i32), 10_f64.powi(random.whole(0, 6) as i32 - 3));
        self.x.iter_mut().for_each(|x| *x = scale * (*x + offset));
    }

    /// A visit that no one of an arm comes to.
    fn one_arm_visit(&mut self, random: &mut Stream) {
        let (t, arm) = (self.visits(), random.whole(0, self.arms as u32 - 1) as usize);
        let visit = random.whole(0, t as u32 - 1) as usize;
        (0..self.patients()).filter(|&i| self.arm_of[i] == arm).for_each(|i| self.y[i * t + visit] = f64::NAN);
    }

    /// Half of the patients come to the early visits, the others to the late ones.
    fn split_visits(&mut self, random: &mut Stream) {
        let t = self.visits();
        let from = random.whole(0, t as u32) as usize;
        for (i, y) in self.y.chunks_exact_mut(t).enumerate() {
            if i % 2 == 0 { y[from..].fill(f64::NAN) } else { y[..from].fill(f64::NAN) }
        }
    }

    /// The trial, its patients in this order and its outcome multiplied.
    pub fn trial(&self, order: &[usize], scale: f64) -> Result<Trial> {
        let t = self.visits();
        let by_visit = |values: &[f64]| -> Vec<f64> { order.iter().flat_map(|&i| values[i * t..(i + 1) * t].to_vec()).collect() };
        let visits = self.times.iter().enumerate().map(|(k, &time)| Visit { label: format!("v{}", k + 1), time: Some(time) }).collect();
        let mut builder = Trial::builder(format!("stress case {}", self.index))
            .patients(order.iter().map(|i| format!("p{i}")))
            .arms((0..self.arms).map(|a| format!("arm{a}")), order.iter().map(|&i| self.arm_of[i]).collect())
            .schedule(Schedule::new(visits))
            .outcome(Outcome {
                name: "y".into(),
                label: "y".into(),
                range: None,
                values: by_visit(&self.y).iter().map(|y| y * scale).collect(),
            })
            .variable(Variable::number("x", order.iter().map(|&i| self.x[i]).collect()))
            .variable(Variable::factor("sex", ["f", "m"], order.iter().map(|&i| Some(self.sex[i])).collect()));
        if let Some(weights) = &self.weights {
            builder = builder.variable(Variable::weight("w", by_visit(weights)));
        }
        builder.build()
    }

    pub fn model(&self) -> Result<Model> {
        let mut model =
            Model::formula(self.formula)?.covariance(self.covariance.clone()).estimation(self.estimation).df(self.df).vcov(self.vcov);
        if self.by_arm {
            model = model.covariance_by("arm");
        }
        if self.weights.is_some() {
            model = model.weights("w");
        }
        Ok(model)
    }

    /// The case in a line.
    pub fn describe(&self) -> String {
        format!(
            "case {}: {} patients, {} arms, {} visits, `{}`, {}{}{}, {:?}, {}, {}",
            self.index,
            self.patients(),
            self.arms,
            self.visits(),
            self.formula,
            self.covariance,
            if self.by_arm { " by arm" } else { "" },
            if self.weights.is_some() { ", weighted" } else { "" },
            self.estimation,
            self.df,
            self.vcov,
        )
    }
}

/// Visits a unit apart, or at uneven times.
fn times(t: usize, random: &mut Stream) -> Vec<f64> {
    let (even, unit) = (random.happens(0.5), 10_f64.powi(random.whole(0, 2) as i32 - 1));
    let mut time = 0.0;
    (0..t)
        .map(|_| {
            time += if even { 1.0 } else { 0.1 + 3.0 * random.uniform() };
            time * unit
        })
        .collect()
}

/// Levels of their own, autocorrelated deviations, a spread that grows.
fn outcomes(n: usize, t: usize, random: &mut Stream) -> Vec<f64> {
    let (level, rho) = (2.0 * random.uniform(), 1.6 * random.uniform() - 0.8);
    let mut y = Vec::with_capacity(n * t);
    for _ in 0..n {
        let own = level * random.normal();
        let mut deviation = random.normal();
        for visit in 0..t {
            y.push(10.0 - 0.5 * visit as f64 + own + (1.0 + 0.1 * visit as f64) * deviation);
            deviation = rho * deviation + (1.0 - rho * rho).sqrt() * random.normal();
        }
    }
    y
}
