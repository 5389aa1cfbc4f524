//! The mean model: which variables explain the outcome, and what is done with the baseline.

use super::Offset;
use super::formula::Formula;
use super::function::{Function, Transformation};
use super::grouping::not_of_the_mean;
use super::tokens::quoted;
use crate::error::{Error, Message, Result, Setting};
use crate::options::choices;
use std::fmt;
use std::str::FromStr;

/// What is done with the outcome's value before treatment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Baseline {
    /// It is a covariate, `baseline` in the formula; the outcome's visits are those after it. Patients without a
    /// baseline value, or with nothing but one, are not analysed.
    Covariate,
    /// It is part of the outcome and the arms share its mean: constrained longitudinal data analysis (cLDA; Liang &
    /// Zeger 2000, Sankhyā B 62:134–148; Coffman, Edelman & Woolson 2016, BMJ Open 6:e013096). At the baseline visit,
    /// and before it, every term with the arm is what it would be in the reference arm. Patients with only a baseline
    /// value stay in.
    Constrained,
    /// It is part of the outcome like any other visit, with a mean of its own in each arm.
    Response,
}

choices! {
    Baseline, "use of the value before treatment":
    Covariate = "covariate", ["ancova"], "a covariate of the later visits";
    Constrained = "constrained", ["clda"], "part of the response, with one mean for all arms (cLDA)";
    Response = "response", ["lda"], "part of the response, with its own mean in each arm";
}

/// The mean of the outcome: a formula, and what is done with the baseline.
///
/// A formula and the builder's methods say the same thing:
///
/// ```
/// use trialstats::design::MeanModel;
///
/// let formula = MeanModel::parse("caps5 ~ baseline + site + arm * visit")?;
/// let built = MeanModel::outcome("caps5").baseline_covariate().covariate("site").arm_by_visit();
/// assert_eq!(formula, built);
/// assert_eq!(formula.to_string(), "caps5 ~ baseline + site + arm * visit");
/// # Ok::<(), trialstats::Error>(())
/// ```
///
/// Variables are `arm` and `visit` (or what the file calls them), `baseline` (the outcome's value at the schedule's
/// baseline visit), `time` (the visit's time in the schedule), covariates and cluster factors. A covariate that is
/// itself called `baseline` or `time` is used instead of the derived one. Factors are coded by treatment contrasts
/// against their first level, in full where the margin of an interaction is absent, as R does; terms are ordered by
/// degree, then by appearance.
///
/// `log(x)`, `I(x^2)`, `poly(x, 2, raw)` and `ns(x, 3)` are functions of a numeric column, of `time` or of `baseline`;
/// `offset(x)` and `offset(log(x))` have the coefficient 1, so that what is analysed is the outcome less the offset; and `log(y) ~ …` analyses
/// the logarithm of the outcome.
///
/// A formula without an outcome, `~ site + arm * visit`, says the mean of outcomes that are named later
/// ([`MeanModel::of_outcome`]): a plan has one such mean for several outcomes.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct MeanModel {
    /// Empty where it is named later.
    pub(super) outcome: String,
    /// What the outcome is taken through before it is analysed.
    pub(super) response: Option<Transformation>,
    pub(super) intercept: bool,
    /// Variables in order of first appearance.
    pub(super) variables: Vec<String>,
    /// Those that are functions of a column, by what they are called.
    pub(super) functions: Vec<(String, Function)>,
    /// Terms with the coefficient 1.
    pub(super) offsets: Vec<Offset>,
    /// Terms by degree, then by appearance; each lists positions in `variables`, ascending.
    pub(super) terms: Vec<Vec<usize>>,
    /// What is done with the baseline, where that is stated; else see [`MeanModel::baseline`].
    pub(super) stated_baseline: Option<Baseline>,
}

/// A mean model as it is written down.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    formula: String,
    baseline: Baseline,
}

impl MeanModel {
    /// Reads a formula such as `caps5 ~ baseline + site + arm * visit`.
    ///
    /// With `baseline` among the variables the baseline is a [covariate](Baseline::Covariate), else part of the
    /// [response](Baseline::Response); [`MeanModel::constrained_baseline`] asks for the constrained analysis.
    ///
    /// # Errors
    /// [`crate::Error::Formula`] with the character where the formula stops making sense. Random effects and
    /// covariance structures are no part of the mean: [`Model::formula`](crate::Model::formula) takes them.
    pub fn parse(formula: &str) -> Result<Self> {
        let parsed = Formula::parse(formula)?;
        match parsed.groupings.first() {
            Some(grouping) => Err(not_of_the_mean(formula, grouping)),
            None => Ok(Self::of_formula(parsed)),
        }
    }

    pub(super) fn of_formula(formula: Formula) -> Self {
        let Formula { outcome, response, intercept, variables, functions, offsets, terms, .. } = formula;
        Self { outcome, response, intercept, variables, functions, offsets, terms, stated_baseline: None }.without_idle_variables()
    }

    /// Starts a model of `name` with nothing but an intercept.
    pub fn outcome(name: impl Into<String>) -> Self {
        Self {
            outcome: name.into(),
            response: None,
            intercept: true,
            variables: vec![],
            functions: vec![],
            offsets: vec![],
            terms: vec![],
            stated_baseline: None,
        }
    }

    /// `~ arm * visit`: what is meant where no mean is stated.
    pub(crate) fn usual() -> Self {
        Self::outcome("").arm_by_visit()
    }

    /// The mean for a trial with one arm: `visit`, where it is the usual one.
    pub(crate) fn for_one_arm(self) -> Self {
        let usual = Self::usual();
        let of = |m: &Self| (m.variables.clone(), m.terms.clone(), m.intercept, m.offsets.clone());
        if of(&self) != of(&usual) {
            return self;
        }
        let (stated_baseline, response) = (self.stated_baseline, self.response);
        Self { stated_baseline, response, ..Self::outcome(self.outcome).effect(&["visit"]) }
    }

    /// The same mean of another outcome, whatever its name looks like: it is no part of a formula here.
    ///
    /// ```
    /// # use trialstats::design::MeanModel;
    /// let mean = MeanModel::parse("~ site + arm * visit")?;
    /// assert_eq!(mean.of_outcome("CAPS-5 total").to_string(), "`CAPS-5 total` ~ site + arm * visit");
    /// # Ok::<(), trialstats::Error>(())
    /// ```
    pub fn of_outcome(mut self, name: impl Into<String>) -> Self {
        self.outcome = name.into();
        self
    }

    /// Adds the main effect of the outcome's baseline value, which thereby leaves the response.
    pub fn baseline_covariate(mut self) -> Self {
        self.stated_baseline = Some(Baseline::Covariate);
        self.effect(&["baseline"])
    }

    /// Keeps the baseline in the response with one mean for all arms (cLDA).
    pub fn constrained_baseline(self) -> Self {
        self.with_baseline(Baseline::Constrained)
    }

    /// Says what is done with the baseline.
    pub fn with_baseline(mut self, baseline: Baseline) -> Self {
        self.stated_baseline = Some(baseline);
        self
    }

    /// Adds the main effect of a variable.
    pub fn covariate(self, name: &str) -> Self {
        self.effect(&[name])
    }

    /// Adds arm, visit and their interaction: `arm * visit`.
    pub fn arm_by_visit(self) -> Self {
        self.crossed("arm", "visit")
    }

    /// Adds two variables and their interaction: `a * b`.
    pub fn crossed(self, a: &str, b: &str) -> Self {
        self.effect(&[a]).effect(&[b]).effect(&[a, b])
    }

    /// Adds one term: a main effect, or the interaction of several variables without its margins.
    pub fn effect(mut self, variables: &[&str]) -> Self {
        let mut term: Vec<usize> = variables.iter().map(|v| self.position_of(v)).collect();
        term.sort_unstable();
        term.dedup();
        if !term.is_empty() && !self.terms.contains(&term) {
            self.terms.push(term);
            self.terms.sort_by_key(Vec::len);
        }
        self
    }

    /// Adds a factor and its interactions with every term that has nothing but the variables of `with`.
    pub(crate) fn crossed_with(self, factor: &str, with: &[String]) -> Self {
        let of_with = |term: &Vec<&str>| term.iter().all(|variable| with.iter().any(|name| name == variable));
        let crossed: Vec<Vec<String>> =
            self.terms().into_iter().filter(of_with).map(|term| term.into_iter().map(String::from).collect()).collect();
        let add = |model: Self, term: &Vec<String>| {
            let term: Vec<&str> = term.iter().map(String::as_str).chain([factor]).collect();
            model.effect(&term)
        };
        crossed.iter().fold(self.effect(&[factor]), add)
    }

    /// Leaves the intercept out; the first factor is then coded in full.
    pub fn without_intercept(mut self) -> Self {
        self.intercept = false;
        self
    }

    /// The outcome's name; empty where the model names none.
    pub fn outcome_name(&self) -> &str {
        &self.outcome
    }

    /// What the outcome is taken through before it is analysed: the logarithm in `log(y) ~ arm * visit`.
    pub fn response(&self) -> Option<Transformation> {
        self.response
    }

    /// The terms with the coefficient 1, such as `offset(log(x))`: part of the linear predictor, and where that is the mean,
    /// taken from the outcome.
    pub fn offsets(&self) -> &[Offset] {
        &self.offsets
    }

    /// The outcome as it is analysed: `y`, `log(y)`, `y - offset(x)`.
    pub(super) fn analysed_outcome(&self) -> String {
        let outcome = match self.response {
            Some(response) => format!("{}({})", response.name(), quoted(&self.outcome)),
            None => self.outcome.clone(),
        };
        self.offsets.iter().fold(outcome, |outcome, offset| format!("{outcome} - offset({offset})"))
    }

    /// The names that the mean model speaks of, each once: columns of the file, or `arm`, `visit`, `time` and
    /// `baseline`. The variables are these, and functions of them.
    pub fn columns(&self) -> Vec<&str> {
        let variables = self.variables.iter().map(|name| self.function(name).map_or(name.as_str(), |function| &function.column));
        super::variables::distinct(variables.chain(self.offsets.iter().map(Offset::column)).collect())
    }

    /// The function that a variable is, where it is one.
    pub(super) fn function(&self, variable: &str) -> Option<&Function> {
        self.functions.iter().find(|(name, _)| name == variable).map(|(_, function)| function)
    }

    /// A variable as a formula writes it.
    fn written(&self, variable: usize) -> String {
        let name = &self.variables[variable];
        if self.function(name).is_some() { name.clone() } else { quoted(name) }
    }

    /// What is done with the baseline: as stated, or a [covariate](Baseline::Covariate) where the mean has `baseline`
    /// among its variables, and else part of the [response](Baseline::Response).
    pub fn baseline_role(&self) -> Baseline {
        let named = || self.columns().contains(&"baseline");
        self.stated_baseline.unwrap_or_else(|| if named() { Baseline::Covariate } else { Baseline::Response })
    }

    /// What is done with the baseline, where that was stated rather than read off the variables.
    pub fn stated_baseline(&self) -> Option<Baseline> {
        self.stated_baseline
    }

    /// Refuses a model that names no outcome.
    pub(crate) fn must_have_outcome(&self) -> Result<()> {
        if !self.outcome.is_empty() {
            return Ok(());
        }
        Err(Error::incomplete(
            format!("the model `{self}`"),
            "it names no outcome",
            Message::from("put the outcome left of `~`, or name it with ").setting(Setting::OfOutcome),
        ))
    }

    /// Whether the mean has an intercept.
    pub fn has_intercept(&self) -> bool {
        self.intercept
    }

    /// The variables in order of appearance.
    pub fn variables(&self) -> &[String] {
        &self.variables
    }

    /// The terms in order, each the variables in it; the intercept is not among them.
    pub fn terms(&self) -> Vec<Vec<&str>> {
        self.terms.iter().map(|t| t.iter().map(|&v| self.variables[v].as_str()).collect()).collect()
    }

    /// The mean model in words, as a methods section states it.
    ///
    /// ```
    /// # use trialstats::design::MeanModel;
    /// let model = MeanModel::parse("caps5 ~ baseline + site + arm * visit")?;
    /// assert_eq!(
    ///     model.sentence(),
    ///     "The mean of caps5 had fixed effects of the baseline value, site, arm, visit and the arm-by-visit interaction."
    /// );
    /// # Ok::<(), trialstats::Error>(())
    /// ```
    pub fn sentence(&self) -> String {
        let name = |v: &str| if v == "baseline" { "the baseline value".to_string() } else { v.to_string() };
        let effects: Vec<String> = self
            .terms()
            .iter()
            .map(|t| if t.len() == 1 { name(t[0]) } else { format!("the {}", t.join("-by-")) + " interaction" })
            .collect();
        let effects = match effects.split_last() {
            None if self.intercept => "an intercept only".into(),
            None => "no fixed effects".into(),
            Some((only, [])) => format!("fixed effects of {only}"),
            Some((last, rest)) => format!("fixed effects of {} and {last}", rest.join(", ")),
        };
        let intercept = if self.intercept || self.terms.is_empty() { "" } else { ", without an intercept" };
        let baseline = match self.baseline_role() {
            Baseline::Constrained => {
                " The baseline measurement was part of the response, with one mean common to all arms (constrained longitudinal data analysis)."
            }
            Baseline::Covariate | Baseline::Response => "",
        };
        format!("The mean of {} had {effects}{intercept}.{baseline}", self.analysed_outcome())
    }

    fn position_of(&mut self, variable: &str) -> usize {
        self.variables.iter().position(|v| v == variable).unwrap_or_else(|| {
            self.variables.push(variable.into());
            self.variables.len() - 1
        })
    }

    /// Forgets variables that a formula mentioned only to take them away.
    fn without_idle_variables(mut self) -> Self {
        let mut used: Vec<usize> = self.terms.iter().flatten().copied().collect();
        used.sort_unstable();
        used.dedup();
        for term in &mut self.terms {
            term.iter_mut().for_each(|v| *v = used.partition_point(|u| u < v));
        }
        self.variables = used.iter().map(|&v| std::mem::take(&mut self.variables[v])).collect();
        let variables = &self.variables;
        self.functions.retain(|(name, _)| variables.contains(name));
        self
    }

    fn label(&self, term: &[usize]) -> String {
        term.iter().map(|&v| self.written(v)).collect::<Vec<_>>().join(":")
    }

    fn offset_parts(&self) -> impl Iterator<Item = String> + '_ {
        self.offsets.iter().map(|offset| format!("offset({offset})"))
    }

    /// `a * b` for an interaction whose margins stand directly before the other interactions, if that says the same.
    fn crossed_text(&self) -> Option<String> {
        let interactions: Vec<&Vec<usize>> = self.terms.iter().filter(|t| t.len() > 1).collect();
        let within = |v: usize| interactions.iter().any(|t| t.contains(&v));
        let alone = self.terms.iter().filter(|t| t.len() == 1 && !within(t[0])).map(|t| self.label(t));
        let pairs =
            interactions.iter().filter(|t| t.len() == 2 && !interactions.iter().any(|o| o.len() > 2 && t.iter().all(|v| o.contains(v))));
        let higher = interactions.iter().filter(|t| t.len() > 2);
        let crossed = pairs.chain(higher).map(|t| t.iter().map(|&v| self.written(v)).collect::<Vec<_>>().join(" * "));
        let start = if self.intercept { vec![] } else { vec!["0".to_string()] };
        let parts: Vec<String> = start.into_iter().chain(alone).chain(crossed).chain(self.offset_parts()).collect();
        let text = format!("{}~ {}", self.left(), parts.join(" + "));
        let same = Self::parse(&text).is_ok_and(|m| {
            m.terms == self.terms && m.variables == self.variables && m.intercept == self.intercept && m.offsets == self.offsets
        });
        same.then_some(text)
    }

    /// Every term written out. A leading interaction of all variables, taken away again unless it is a term, fixes
    /// their order.
    fn full_text(&self) -> String {
        let mut appeared: Vec<usize> = vec![];
        for &v in self.terms.iter().flatten() {
            if !appeared.contains(&v) {
                appeared.push(v);
            }
        }
        let everything: Vec<usize> = (0..self.variables.len()).collect();
        let in_order = appeared == everything;
        let mut parts = vec![];
        if !self.intercept {
            parts.push("0".to_string());
        }
        if !in_order {
            parts.push(self.label(&everything));
        }
        parts.extend(self.terms.iter().filter(|t| in_order || **t != everything).map(|t| self.label(t)));
        if parts.is_empty() {
            parts.push("1".into());
        }
        parts.extend(self.offset_parts());
        let take_away =
            if in_order || self.terms.contains(&everything) { String::new() } else { format!(" - {}", self.label(&everything)) };
        format!("{}~ {}{take_away}", self.left(), parts.join(" + "))
    }

    /// What stands left of `~`.
    fn left(&self) -> String {
        match self.response {
            _ if self.outcome.is_empty() => String::new(),
            Some(response) => format!("{}({}) ", response.name(), quoted(&self.outcome)),
            None => quoted(&self.outcome) + " ",
        }
    }
}

/// The same outcome, terms and treatment of the baseline, stated or not.
impl PartialEq for MeanModel {
    fn eq(&self, other: &Self) -> bool {
        let terms = |m: &Self| (m.intercept, m.baseline_role(), m.response, m.offsets.clone());
        (&self.outcome, &self.variables, &self.terms) == (&other.outcome, &other.variables, &other.terms)
            && self.variables.iter().all(|v| self.function(v) == other.function(v))
            && terms(self) == terms(other)
    }
}

impl fmt::Display for MeanModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.crossed_text().unwrap_or_else(|| self.full_text()))
    }
}

impl FromStr for MeanModel {
    type Err = crate::Error;

    fn from_str(formula: &str) -> Result<Self> {
        Self::parse(formula)
    }
}

impl From<MeanModel> for Written {
    fn from(model: MeanModel) -> Self {
        Self { formula: model.to_string(), baseline: model.baseline_role() }
    }
}

impl TryFrom<Written> for MeanModel {
    type Error = crate::Error;

    fn try_from(written: Written) -> Result<Self> {
        Ok(Self::parse(&written.formula)?.with_baseline(written.baseline))
    }
}
