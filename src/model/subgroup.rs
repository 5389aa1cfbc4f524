//! A model with the interactions of a factor.

use super::Model;
use crate::design::course_names;
use crate::trial::Trial;

impl Model {
    /// The model with a factor and its interactions with what the mean has of arm, visit and time: with `arm * visit` in
    /// the mean and the factor `sex`, that of `arm * visit * sex`. All else stays, and so does a model that has them.
    ///
    /// [`Means::subgroup_contrasts`](crate::Means::subgroup_contrasts) then has the differences between arms in each level.
    ///
    /// ```
    /// use trialstats::{Layout, Model};
    ///
    /// let trial = Layout::long("USUBJID", "ARMCD", "AVISIT").outcome("FEV1").covariate("SEX").covariate("RACE").read_csv(
    ///     concat!(env!("CARGO_MANIFEST_DIR"), "/data-samples/fev/fev.csv"),
    /// )?;
    /// let model = Model::formula("FEV1 ~ RACE + ARMCD * AVISIT")?.by_subgroup("SEX", &trial);
    /// assert_eq!(model.to_string(), "FEV1 ~ RACE + ARMCD * AVISIT * SEX");
    /// # Ok::<(), trialstats::Error>(())
    /// ```
    pub fn by_subgroup(self, factor: &str, trial: &Trial) -> Self {
        let course = course_names(trial, self.mean());
        self.map_mean(|mean| mean.crossed_with(factor, &course))
    }
}
