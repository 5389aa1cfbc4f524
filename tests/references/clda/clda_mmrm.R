# The same models as clda.R in R mmrm, for the degrees of freedom: Satterthwaite, and Kenward-Roger linear in the elements of the covariance.
# Run from the repository's root, with mmrm 0.3.18 installed: Rscript tests/references/clda/clda_mmrm.R
source("tests/references/common.R")
source("tests/references/mmrm_more/newton.R")
source("tests/references/clda/tools.R")

one_case <- function(id, data, d, visits, arms, method, vcov = NULL) {
  d <- with_dummies(d, visits, arms)
  formula <- as.formula(paste("y ~ visit +", paste(dummy_names(visits), collapse = " + "), "+ us(visit | patient)"), globalenv())
  fit <- do.call(mmrm, list(formula = formula, data = d, control = mmrm_control(method = method, vcov = vcov, optimizer_fun = newton)))
  s <- summary(fit)$coefficients
  treated <- dummy_names(visits)
  test <- df_md(fit, t(vapply(treated, function(term) as.numeric(rownames(s) == term), numeric(nrow(s)))))
  list(
    id = id, software = engine("mmrm", "TMB"), data = data, visits = visits, arms = arms, reml = TRUE, df_method = method, vcov_method = if (is.null(vcov)) "default" else vcov,
    n_obs = component(fit, "n_obs"), n_subjects = component(fit, "n_subjects"), log_lik = as.numeric(logLik(fit)),
    coefficients = data.frame(term = rownames(s), estimate = s[, "Estimate"], se = s[, "Std. Error"], df = s[, "df"], t = s[, "t value"], p = s[, "Pr(>|t|)"], row.names = NULL),
    treatment_test = list(terms = treated, num_df = test$num_df, denom_df = test$denom_df, f = test$f_stat, p = test$p_val)
  )
}

cases <- c(both(function(...) one_case(..., method = "Satterthwaite")), both(function(...) one_case(..., method = "Kenward-Roger", vcov = "Kenward-Roger-Linear")))
write_reference(cases, "tests/references/clda/clda_mmrm.json")
