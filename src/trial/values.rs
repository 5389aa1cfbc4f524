//! The values of a variable: numbers or codes, per patient, per visit, or both.

use std::ops::Range;
use std::sync::Arc;

use super::variable::Scope;

/// The values of a variable, shared by everyone who has not changed them.
#[derive(Debug, Clone)]
pub(crate) struct Values {
    scope: Scope,
    data: Data,
}

#[derive(Debug, Clone)]
enum Data {
    /// NaN where missing.
    Numbers(Arc<Vec<f64>>),
    /// Positions among the levels, `None` where missing.
    Codes(Arc<Vec<Option<usize>>>),
}

impl Values {
    pub fn of_numbers(scope: Scope, numbers: Vec<f64>) -> Self {
        Self { scope, data: Data::Numbers(Arc::new(numbers)) }
    }

    pub fn of_codes(scope: Scope, codes: Vec<Option<usize>>) -> Self {
        Self { scope, data: Data::Codes(Arc::new(codes)) }
    }

    pub fn numbers(&self) -> Option<&[f64]> {
        match &self.data {
            Data::Numbers(numbers) => Some(numbers),
            Data::Codes(_) => None,
        }
    }

    pub fn codes(&self) -> Option<&[Option<usize>]> {
        match &self.data {
            Data::Codes(codes) => Some(codes),
            Data::Numbers(_) => None,
        }
    }

    /// Where the value of a patient at a visit is.
    fn at(&self, patient: usize, visit: usize, visits: usize) -> usize {
        match self.scope {
            Scope::Patient => patient,
            Scope::PatientVisit => patient * visits + visit,
            Scope::Visit => visit,
        }
    }

    pub fn is_missing(&self, patient: usize, visit: usize, visits: usize) -> bool {
        let at = self.at(patient, visit, visits);
        match &self.data {
            Data::Numbers(x) => x[at].is_nan(),
            Data::Codes(codes) => codes[at].is_none(),
        }
    }

    /// Whether nothing is missing of anyone.
    pub fn are_complete(&self) -> bool {
        match &self.data {
            Data::Numbers(x) => !x.iter().any(|x| x.is_nan()),
            Data::Codes(codes) => codes.iter().all(Option::is_some),
        }
    }

    /// The level of a factor, as a position among the levels; none for a number.
    pub fn level(&self, patient: usize, visit: usize, visits: usize) -> Option<usize> {
        match &self.data {
            Data::Numbers(_) => None,
            Data::Codes(codes) => codes[self.at(patient, visit, visits)],
        }
    }

    /// The value of a number; NaN for a factor.
    pub fn number(&self, patient: usize, visit: usize, visits: usize) -> f64 {
        match &self.data {
            Data::Numbers(x) => x[self.at(patient, visit, visits)],
            Data::Codes(_) => f64::NAN,
        }
    }

    /// The values at these of the `scheduled` visits.
    pub fn on_visits(&self, visits: &[usize], scheduled: usize) -> Self {
        if self.scope != Scope::PatientVisit || visits.iter().copied().eq(0..scheduled) {
            return self.clone();
        }
        self.with_data(|x| on_visits(x, visits, scheduled), |codes| on_visits(codes, visits, scheduled))
    }

    /// The values of patients chosen by position, in a trial of `visits` visits.
    pub fn of_patients(&self, patients: &[usize], visits: usize) -> Self {
        let width = match self.scope {
            Scope::Patient => 1,
            Scope::PatientVisit => visits,
            Scope::Visit => return self.clone(),
        };
        self.with_data(|x| rows_of(x, patients, width), |codes| rows_of(codes, patients, width))
    }

    /// The values of successive patients, in a trial of `visits` visits.
    pub fn piece(&self, patients: Range<usize>, visits: usize) -> Self {
        let width = match self.scope {
            Scope::Patient => 1,
            Scope::PatientVisit => visits,
            Scope::Visit => return self.clone(),
        };
        let rows = patients.start * width..patients.end * width;
        self.with_data(|x| x[rows.clone()].to_vec(), |codes| codes[rows.clone()].to_vec())
    }

    pub(super) fn len(&self) -> usize {
        match &self.data {
            Data::Numbers(x) => x.len(),
            Data::Codes(codes) => codes.len(),
        }
    }

    fn with_data(&self, numbers: impl Fn(&[f64]) -> Vec<f64>, codes: impl Fn(&[Option<usize>]) -> Vec<Option<usize>>) -> Self {
        let data = match &self.data {
            Data::Numbers(x) => Data::Numbers(Arc::new(numbers(x))),
            Data::Codes(own) => Data::Codes(Arc::new(codes(own))),
        };
        Self { scope: self.scope, data }
    }

    /// Values by visit of a single visit as values of the patients.
    pub(super) fn of_one_visit(self) -> Self {
        Self { scope: Scope::Patient, ..self }
    }

    /// Makes values by visit missing at the visits up to `last`.
    pub(super) fn blank_until(&mut self, last: usize, visits: usize) {
        match &mut self.data {
            Data::Numbers(x) => Arc::make_mut(x).chunks_exact_mut(visits).for_each(|own| own[..=last].fill(f64::NAN)),
            Data::Codes(codes) => Arc::make_mut(codes).chunks_exact_mut(visits).for_each(|own| own[..=last].fill(None)),
        }
    }

    pub(super) fn repeated(&self, visits: usize) -> Self {
        fn each<T: Copy>(values: &[T], visits: usize) -> Vec<T> {
            values.iter().flat_map(|&value| std::iter::repeat_n(value, visits)).collect()
        }
        Self { scope: Scope::PatientVisit, ..self.with_data(|x| each(x, visits), |codes| each(codes, visits)) }
    }

    /// The value of each patient; `None` where a patient has several.
    pub(super) fn fixed(&self, visits: usize) -> Option<Self> {
        let data = match &self.data {
            Data::Numbers(x) => Data::Numbers(Arc::new(fixed(x, visits, f64::NAN, |x| !x.is_nan())?)),
            Data::Codes(codes) => Data::Codes(Arc::new(fixed(codes, visits, None, Option::is_some)?)),
        };
        Some(Self { scope: Scope::Patient, data })
    }

    /// The values in a longer schedule, the i-th visit being `visits[i]` of `scheduled`.
    pub(super) fn placed(&self, visits: &[usize], scheduled: usize) -> Self {
        if self.scope != Scope::PatientVisit || visits.iter().copied().eq(0..scheduled) {
            return self.clone();
        }
        self.with_data(|x| placed(x, visits, scheduled, f64::NAN), |codes| placed(codes, visits, scheduled, None))
    }

    /// Codes l as `position[l]`.
    pub(super) fn recode(&mut self, position: &[Option<usize>]) {
        let stays = position.iter().enumerate().all(|(l, p)| *p == Some(l));
        if let (Data::Codes(codes), false) = (&mut self.data, stays) {
            Arc::make_mut(codes).iter_mut().for_each(|code| *code = code.and_then(|l| position[l]));
        }
    }
}

/// The entries of a patients × scheduled visits table at `visits`.
pub(crate) fn on_visits<T: Copy>(table: &[T], visits: &[usize], scheduled: usize) -> Vec<T> {
    if visits.iter().copied().eq(0..scheduled) {
        return table.to_vec();
    }
    table.chunks_exact(scheduled).flat_map(|row| visits.iter().map(|&t| row[t])).collect()
}

/// The one known entry in each row of a patients × visits table, `blank` where there is none; `None` where a row has
/// several.
fn fixed<T: Copy + PartialEq>(table: &[T], visits: usize, blank: T, known: impl Fn(&T) -> bool) -> Option<Vec<T>> {
    let own = |row: &[T]| {
        let mut found = row.iter().copied().filter(&known);
        let first = found.next().unwrap_or(blank);
        found.all(|x| x == first).then_some(first)
    };
    table.chunks_exact(visits.max(1)).map(own).collect()
}

/// The rows of a table at `patients`.
pub(super) fn rows_of<T: Clone>(table: &[T], patients: &[usize], width: usize) -> Vec<T> {
    patients.iter().flat_map(|&i| table[i * width..(i + 1) * width].iter().cloned()).collect()
}

/// A patients × visits table in a longer schedule, `blank` at its other visits.
pub(super) fn placed<T: Copy>(table: &[T], visits: &[usize], scheduled: usize, blank: T) -> Vec<T> {
    let patients = table.len() / visits.len().max(1);
    let mut all = vec![blank; patients * scheduled];
    table.iter().enumerate().for_each(|(cell, value)| all[cell / visits.len() * scheduled + visits[cell % visits.len()]] = *value);
    all
}
