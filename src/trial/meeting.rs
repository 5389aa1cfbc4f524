//! Which patients meet a condition on what is known of them.

use super::condition::Condition;
use super::{Scope, Trial};
use crate::error::{Error, Result};

impl Trial {
    /// Which patients meet a condition on a variable that has one value per patient.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a variable that the trial does not have, or a level that the factor does not have;
    /// [`Error::Invalid`] where the variable changes between visits, or a factor is asked for a number.
    pub(crate) fn meeting(&self, condition: &Condition) -> Result<Vec<bool>> {
        let name = condition.column();
        let variable = self.variable(name)?;
        let refused = |why: &str, remedy: &str| Err(Error::wrong_variable(format!("a condition on `{name}`"), why, remedy));
        if variable.scope() != Scope::Patient {
            return refused("it changes between visits", "name a column with one value per patient");
        }
        match (variable.numbers(), variable.codes()) {
            (Some(numbers), _) => Ok(numbers
                .iter()
                .map(|&x| {
                    let text = (!x.is_nan()).then(|| x.to_string());
                    condition.holds(text.as_deref(), None, text.is_some().then_some(x))
                })
                .collect()),
            (None, Some(_)) if condition.is_numeric() => {
                refused("`at-least` and `at-most` ask for a number, and it is a factor", "say which levels are meant: `is`, `is-one-of`")
            }
            (None, Some(codes)) => {
                let levels = variable.levels();
                if let Some(stranger) = condition.named().find(|value| !levels.iter().any(|level| super::condition::same(value, level))) {
                    return Err(Error::unknown("level", stranger, levels));
                }
                Ok(codes.iter().map(|code| condition.holds(code.map(|c| levels[c].as_str()), None, None)).collect())
            }
            (None, None) => refused("it has no values", "name another column"),
        }
    }
}
