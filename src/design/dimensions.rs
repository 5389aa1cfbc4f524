//! What marginal means are asked for by: the visit and the factors of the mean model, by name.

use super::*;
use crate::trial::Role;

/// What a marginal mean can be asked for by: the visit, or a factor of the mean model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Dimension {
    Visit,
    /// A factor, as a position among the design's variables.
    Factor(usize),
}

impl Columns {
    /// The dimension called `name`: `arm` and `visit` go by these names and by those of the file.
    pub(crate) fn dimension(&self, name: &str) -> Result<Dimension> {
        self.must_be_one_response()?;
        let by_name = self.variables.iter().position(|v| v.name == name && v.is_factor());
        let means_arm = name == "arm" || name == self.column_names.arm;
        let found = by_name.or_else(|| self.variables.iter().position(|v| v.role == Role::Arm && means_arm));
        match found {
            Some(v) if self.variables[v].role == Role::Visit => Ok(Dimension::Visit),
            Some(v) => Ok(Dimension::Factor(v)),
            None if name == "visit" || name == self.column_names.visit => Ok(Dimension::Visit),
            None => Err(Error::unknown("factor of the mean model", name, &self.dimension_names())),
        }
    }

    /// What means can be asked for by.
    pub(super) fn dimension_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.variables.iter().filter(|v| v.is_factor()).map(|v| v.name.as_str()).collect();
        if !self.variables.iter().any(|v| v.role == Role::Visit) {
            names.push("visit");
        }
        names
    }

    pub(crate) fn levels(&self, dimension: Dimension) -> &[String] {
        match dimension {
            Dimension::Visit => &self.visit_labels,
            Dimension::Factor(v) => &self.variables[v].levels,
        }
    }

    /// The position of a level.
    pub(crate) fn level_index(&self, dimension: Dimension, level: &str) -> Result<usize> {
        let levels = self.levels(dimension);
        levels.iter().position(|l| l == level).ok_or_else(|| Error::unknown("level", level, levels))
    }

    /// The factors of a term as dimensions, and its numeric variables.
    pub(crate) fn parts_of_term(&self, term: usize) -> (Vec<Dimension>, Vec<usize>) {
        let names = &self.terms[term].variables;
        let variables = names.iter().filter_map(|name| self.variables.iter().position(|v| v.name == *name));
        let (factors, numbers): (Vec<usize>, Vec<usize>) = variables.partition(|&v| self.variables[v].is_factor());
        let dimension = |v: usize| if self.variables[v].role == Role::Visit { Dimension::Visit } else { Dimension::Factor(v) };
        (factors.into_iter().map(dimension).collect(), numbers)
    }

    /// The name of a dimension as the formula has it.
    pub(crate) fn dimension_name(&self, dimension: Dimension) -> &str {
        match dimension {
            Dimension::Visit => self.variables.iter().find(|v| v.role == Role::Visit).map_or("visit", |v| &v.name),
            Dimension::Factor(v) => &self.variables[v].name,
        }
    }

    /// The visit if the mean depends on it, and the factors, in the formula's order.
    pub(crate) fn dimensions(&self) -> Vec<Dimension> {
        let factors = self.variables.iter().enumerate().filter(|(_, v)| v.is_factor());
        let mut found: Vec<Dimension> =
            factors.map(|(at, v)| if v.role == Role::Visit { Dimension::Visit } else { Dimension::Factor(at) }).collect();
        let timed = self.constraint.is_some() || self.variables.iter().any(|v| v.role == Role::Time);
        if timed && !found.contains(&Dimension::Visit) {
            found.push(Dimension::Visit);
        }
        found
    }
}
