//! A trial analysed as if it were the only one: its whole fit, made when somebody asks and once, and what its questions share.

use super::procedure::{Answer, Compared, Procedure, Question, UnderEvents, absent, coded, completed, contrast, same_outcomes};
use crate::analysis::ImputationPlan;
use crate::error::{Error, Result};
use crate::imputation::{ReferenceBased, Shifted, Tipping};
use crate::inference::Fit;
use crate::trial::Trial;
use std::cell::{OnceCell, RefCell};

/// A trial and what a procedure finds in it.
pub(super) struct Whole<'t> {
    procedure: &'t Procedure,
    trial: &'t Trial,
    under: Option<&'t UnderEvents>,
    fit: OnceCell<Result<Fit, String>>,
    /// Grids of tipping points, by what they shift: one jackknife serves every point.
    grids: RefCell<Vec<Grid>>,
}

struct Grid {
    compared: Compared,
    imputation: ImputationPlan,
    rows: Result<Vec<Shifted>, String>,
}

impl<'t> Whole<'t> {
    /// Of a trial whose events are known.
    pub fn new(procedure: &'t Procedure, trial: &'t Trial, under: Option<&'t UnderEvents>) -> Self {
        Self { procedure, trial, under, fit: OnceCell::new(), grids: RefCell::new(vec![]) }
    }

    fn fit(&self) -> Result<&Fit, String> {
        let fitted = || self.procedure.model().fit(self.analysed()).map_err(coded);
        self.fit.get_or_init(fitted).as_ref().map_err(String::clone)
    }

    fn analysed(&self) -> &'t Trial {
        self.under.map_or(self.trial, |under| &under.analysed)
    }

    /// The answer to a question, or the name of a failure.
    pub fn answer(&self, question: &Question) -> Result<Answer, String> {
        let fit = self.fit()?;
        match question {
            Question::Imputed(compared, imputation) => completed(self.imputed(fit, compared, imputation).map_err(coded)?, fit),
            Question::Tipping(compared, imputation, shifts) => completed(self.shifted(fit, compared, imputation, *shifts)?, fit),
            Question::Response(..) => self.procedure.answer_near(question, Some(self.analysed()), fit, None),
            Question::Contrast(compared) | Question::Margin(compared, _) | Question::EffectSize(compared, _) => {
                let row = contrast(fit, compared, self.procedure.confidence()).map_err(coded)?;
                completed(self.procedure.of_difference(question, Some(self.analysed()), fit, &row.estimate)?, fit)
            }
        }
    }

    fn imputed(&self, fit: &Fit, compared: &Compared, imputation: &ImputationPlan) -> Result<Answer> {
        let table = self.by_informed(fit, imputation, |fit, based| fit.reference_based(self.trial, based))?;
        let is_it = |row: &&crate::imputation::ImputedEstimate| {
            let versus = row.versus.as_ref().is_some_and(|versus| versus.as_str() == compared.versus);
            row.arm.as_str() == compared.arm && row.visit.as_str() == compared.visit && versus
        };
        let row = table.rows.iter().find(is_it).ok_or_else(|| absent(compared))?;
        Ok(self.procedure.by_normal_quantiles(row.estimate, row.se, (row.lower, row.upper), row.p))
    }

    /// What is asked of a fit to the values that inform imputation.
    fn by_informed<T>(&self, fit: &Fit, imputation: &ImputationPlan, ask: impl Fn(&Fit, &ReferenceBased) -> Result<T>) -> Result<T> {
        let based = imputation.reference_based(self.procedure.confidence());
        let Some(under) = self.under else { return ask(fit, &based) };
        let based = based.events(under.events.clone());
        let informing = based.informing(self.trial, fit.design().columns().outcome())?;
        match same_outcomes(&informing, &under.analysed) {
            true => ask(fit, &based),
            false => ask(&self.procedure.model().fit(&informing)?, &based),
        }
    }

    /// A point of a grid, whose other points are worked out with it.
    fn shifted(&self, fit: &Fit, compared: &Compared, imputation: &ImputationPlan, [arm, versus]: [f64; 2]) -> Result<Answer, String> {
        let mut grids = self.grids.borrow_mut();
        let at = grids.iter().position(|grid| grid.compared == *compared && grid.imputation == *imputation).unwrap_or_else(|| {
            let rows = self.grid(fit, compared, imputation).map_err(coded);
            grids.push(Grid { compared: compared.clone(), imputation: imputation.clone(), rows });
            grids.len() - 1
        });
        let rows = grids[at].rows.as_ref().map_err(String::clone)?;
        let row = rows.iter().find(|row| row.arm == arm && row.versus == versus).ok_or_else(|| coded(absent(compared)))?;
        Ok(self.procedure.by_normal_quantiles(row.estimate, row.se, (row.lower, row.upper), row.p))
    }

    /// Every pair of the shifts that the procedure asks about.
    fn grid(&self, fit: &Fit, compared: &Compared, imputation: &ImputationPlan) -> Result<Vec<Shifted>, Error> {
        let [mut arm_shifts, mut versus_shifts] = [vec![], vec![]];
        for question in self.procedure.questions() {
            if let Question::Tipping(own, of, [arm, versus]) = question
                && (own, of) == (compared, imputation)
            {
                for (shifts, shift) in [(&mut arm_shifts, *arm), (&mut versus_shifts, *versus)] {
                    if !shifts.contains(&shift) {
                        shifts.push(shift);
                    }
                }
            }
        }
        let grid = Tipping::new(&compared.arm, &compared.versus, &compared.visit).arm_shifts(arm_shifts).versus_shifts(versus_shifts);
        self.by_informed(fit, imputation, |fit, based| fit.tipping(self.trial, based, &grid)).map(|found| found.rows)
    }
}
