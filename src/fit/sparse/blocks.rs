//! The effects of a component of the tail: terms one after the other, the effects of a level side by side.

use super::data::Component;
use super::dense;

/// The blocks of the tail.
#[derive(Debug, Clone, Copy)]
pub(super) struct Blocks<'p> {
    pub component: &'p Component,
    /// The number of effects of a level, by term of the tail.
    pub sizes: &'p [usize],
}

impl<'p> Blocks<'p> {
    /// The first effect of each level of a term.
    pub fn of(self, index: usize) -> impl Iterator<Item = usize> + use<'p> {
        let Self { component, sizes } = self;
        (component.starts[index]..component.starts[index + 1]).step_by(sizes[index])
    }

    /// The term and the first effect of every level.
    pub fn all(self) -> impl Iterator<Item = (usize, usize)> + use<'p> {
        (0..self.sizes.len()).flat_map(move |index| self.of(index).map(move |at| (index, at)))
    }

    /// Replaces a row x, or as much of it as there is up to the end of a level, by xΛ; Λ by term.
    pub fn scale_columns<'l>(self, x: &mut [f64], lambda: impl Iterator<Item = &'l [f64]>) {
        self.each(x, lambda, dense::scale_entries);
    }

    /// The same by xΛ'.
    pub fn scale_columns_back<'l>(self, x: &mut [f64], lambda: impl Iterator<Item = &'l [f64]>) {
        self.each(x, lambda, dense::scale_entries_back);
    }

    fn each<'l>(self, x: &mut [f64], lambda: impl Iterator<Item = &'l [f64]>, scale: impl Fn(&[f64], usize, &mut [f64])) {
        let end = x.len();
        for ((ends, &k), lambda) in self.component.starts.windows(2).zip(self.sizes).zip(lambda) {
            let own = &mut x[ends[0].min(end)..ends[1].min(end)];
            if k == 1 {
                own.iter_mut().for_each(|x| *x *= lambda[0]);
            } else {
                own.chunks_exact_mut(k).for_each(|x| scale(lambda, k, x));
            }
        }
    }
}
