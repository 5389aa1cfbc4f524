//! [`Subgroup`]: a factor by whose levels the effect is shown.

use crate::error::{Error, Result};
use crate::trial::{Scope, Trial, Variable};
use crate::written::{is_default, pairs};

/// A prespecified subgroup analysis of the primary outcome: the difference between arms at the visit of primary interest
/// within each level of a factor, and the test that it is the same in all.
///
/// ```toml
/// [[subgroup]]
/// factor = "sex"
/// labels = { F = "Women", M = "Men" }
///
/// [[subgroup]]
/// factor = "age"
/// label = "Age at entry"
/// cut-points = [40, 60]
/// groups = ["under 40", "40 to 59", "60 or more"]
/// ```
///
/// | key | meaning | default |
/// |---|---|---|
/// | `factor` | a covariate or cluster factor that does not change by visit | must be named |
/// | `label` | text for tables | the name |
/// | `cut-points` | of a number: where a group ends and the next begins; a value on a cut point is in the upper group | none: a factor |
/// | `groups` | names of the groups that cut points make, one more than these | `< 40`, `40 to < 60`, `>= 60` |
/// | `labels` | text for the levels of a factor, by level | the levels |
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Subgroup {
    /// The covariate or cluster factor.
    pub factor: String,
    /// Text for tables; empty for the name.
    #[serde(default, skip_serializing_if = "is_default")]
    pub label: String,
    /// Where the groups of a number begin, rising.
    #[serde(default, skip_serializing_if = "is_default")]
    pub cut_points: Vec<f64>,
    /// Names of the groups that cut points make; empty for names made of the cut points.
    #[serde(default, skip_serializing_if = "is_default")]
    pub groups: Vec<String>,
    /// Text for levels of a factor, by level.
    #[serde(default, skip_serializing_if = "is_default", with = "pairs")]
    pub labels: Vec<(String, String)>,
}

impl Subgroup {
    /// Subgroups by the levels of a factor.
    pub fn by(factor: impl Into<String>) -> Self {
        Self { factor: factor.into(), ..Self::default() }
    }

    /// Subgroups of a number, cut at these points: a value on a cut point is in the upper group.
    pub fn cut(number: impl Into<String>, points: impl IntoIterator<Item = f64>) -> Self {
        Self { cut_points: points.into_iter().collect(), ..Self::by(number) }
    }

    /// Text for tables.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Names of the groups that cut points make, one more than these.
    pub fn groups<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.groups = names.into_iter().map(Into::into).collect();
        self
    }

    /// Text for a level of a factor.
    pub fn level(mut self, level: impl Into<String>, text: impl Into<String>) -> Self {
        self.labels.push((level.into(), text.into()));
        self
    }

    /// The text for tables.
    pub fn heading(&self) -> &str {
        if self.label.is_empty() { &self.factor } else { &self.label }
    }

    /// The text of a level.
    pub(in crate::analysis) fn text<'a>(&'a self, level: &'a str) -> &'a str {
        self.labels.iter().find(|(of, _)| of == level).map_or(level, |(_, text)| text)
    }

    /// The factor of the subgroups in a trial: the trial's own, or one that cut points make of a number.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a variable or level that the trial does not have; [`Error::Invalid`] where the variable is of
    /// another kind than the keys say, changes by visit, or where cut points or names of groups cannot be.
    pub(in crate::analysis) fn variable(&self, trial: &Trial) -> Result<Variable> {
        let variable = trial.variable(&self.factor)?;
        let what = || format!("subgroups by `{}`", self.factor);
        if variable.scope() != Scope::Patient {
            let why = "it changes by visit, and a patient is in one subgroup";
            return Err(Error::wrong_variable(what(), why, "name a variable of the patient, such as its value at entry"));
        }
        match (variable.is_factor(), self.cut_points.is_empty()) {
            (true, true) => {
                self.check_levels(variable)?;
                Ok(variable.clone())
            }
            (true, false) => Err(Error::wrong_variable(
                what(),
                "it is a factor, and cut points are of numbers",
                "leave out `cut-points`, or declare the column as numeric",
            )),
            (false, true) => Err(Error::wrong_variable(
                what(),
                "it is a number, and subgroups are levels of a factor",
                "add `cut-points`, or declare the column as a factor",
            )),
            (false, false) => self.cut_variable(trial, variable),
        }
    }

    /// Refuses keys that make no sense together, whatever the variable.
    pub(super) fn check_itself(&self) -> Result<()> {
        match self.cut_points.is_empty() {
            true => self.check_without_cut_points(),
            false => self.check_cut_points().and_then(|()| self.group_names()).map(|_| ()),
        }
    }

    fn check_levels(&self, variable: &Variable) -> Result<()> {
        for (level, _) in &self.labels {
            if !variable.levels().contains(level) {
                return Err(Error::unknown("level of the subgroup's factor", level, variable.levels()));
            }
        }
        self.check_without_cut_points()?;
        if variable.levels().len() < 2 {
            return Err(Error::nothing_to_compare(
                format!("subgroups by `{}`", self.factor),
                "it has one level",
                "name a factor with at least two",
            ));
        }
        Ok(())
    }

    fn check_without_cut_points(&self) -> Result<()> {
        if self.groups.is_empty() {
            return Ok(());
        }
        Err(Error::conflict(
            format!("`groups` of the subgroups by `{}`", self.factor),
            "they name what cut points make, and there are none",
            "use `labels` for the levels of a factor",
        ))
    }

    fn check_cut_points(&self) -> Result<()> {
        let what = || format!("the cut points of the subgroups by `{}`", self.factor);
        if self.cut_points.iter().any(|x| !x.is_finite()) {
            return Err(Error::not_finite(what(), "one is not a finite number", "give finite cut points"));
        }
        if self.cut_points.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(Error::conflict(what(), "they do not rise", "list them from the lowest to the highest, each once"));
        }
        if !self.labels.is_empty() {
            return Err(Error::conflict(
                format!("`labels` of the subgroups by `{}`", self.factor),
                "they name levels of a factor, and it is a number",
                "use `groups` for the names of what cut points make",
            ));
        }
        Ok(())
    }

    fn cut_variable(&self, trial: &Trial, number: &Variable) -> Result<Variable> {
        self.check_cut_points()?;
        let names = self.group_names()?;
        let numbers = number.numbers().unwrap_or_default();
        let group = |x: &f64| (!x.is_nan()).then(|| self.cut_points.iter().filter(|point| x >= point).count());
        let taken = |name: &String| trial.variable(name).is_ok() || trial.outcome(name).is_ok();
        let mut name = format!("{} (grouped)", self.factor);
        while taken(&name) {
            name.push('\'');
        }
        Ok(Variable::factor(name, names, numbers.iter().map(group).collect()))
    }

    fn group_names(&self) -> Result<Vec<String>> {
        let groups = self.cut_points.len() + 1;
        if self.groups.is_empty() {
            let points = &self.cut_points;
            let name = |k: usize| match (k.checked_sub(1).map(|j| points[j]), points.get(k)) {
                (None, Some(upper)) => format!("< {upper}"),
                (Some(lower), Some(upper)) => format!("{lower} to < {upper}"),
                (Some(lower), None) => format!(">= {lower}"),
                (None, None) => String::new(),
            };
            return Ok((0..groups).map(name).collect());
        }
        let what = || format!("the names of the subgroups by `{}`", self.factor);
        if self.groups.len() != groups {
            let why = format!("{} cut points make {groups} groups, and {} names are given", self.cut_points.len(), self.groups.len());
            return Err(Error::wrong_number(what(), why, "name each group, from the lowest to the highest"));
        }
        if (1..groups).any(|k| self.groups[..k].contains(&self.groups[k])) {
            return Err(Error::named_twice(what(), "two groups have one name", "give each a name of its own"));
        }
        Ok(self.groups.clone())
    }
}
