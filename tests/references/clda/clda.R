# Constrained longitudinal analysis (baseline among the responses, arms equal there) by hand-made dummies: one column a visit and one
# column for treatment at each visit after baseline. nlme::gls, unstructured, REML and ML.
# Run from the repository's root: Rscript tests/references/clda/clda.R
source("tests/references/common.R")
source("tests/references/gls/tools.R")
source("tests/references/clda/tools.R")

one_case <- function(id, data, d, visits, arms, method) {
  d <- with_dummies(d, visits, arms)
  formula <- reformulate(c("visit", dummy_names(visits)), "y")
  fit <- do.call(gls, list(model = formula, data = d, correlation = corSymm(form = ~ visit_number | patient), weights = varIdent(form = ~ 1 | visit), method = method, control = control))
  fit <- to_the_top(fit, d, formula)
  b <- coef(fit)
  v <- information_vcov(fit)
  means <- contrasts <- list()
  combine <- function(l) list(estimate = sum(l * b), se = sqrt(drop(t(l) %*% v %*% l)))
  for (t in seq_along(visits)) {
    at <- as.numeric(names(b) == "(Intercept)") + as.numeric(names(b) == paste0("visit", visits[t]))
    effect <- as.numeric(names(b) == paste0("treated_", t))
    # At baseline the arms share their mean.
    means[[length(means) + 1]] <- c(list(arm = arms[1], visit = visits[t]), combine(at))
    means[[length(means) + 1]] <- c(list(arm = arms[2], visit = visits[t]), combine(at + effect))
    if (t > 1) {
      contrasts[[length(contrasts) + 1]] <- c(list(contrast = paste(arms[2], "-", arms[1]), visit = visits[t]), combine(effect))
    }
  }
  list(
    id = paste(id, tolower(method), sep = "_"), software = engine("nlme", "numDeriv"), data = data, visits = visits, arms = arms, reml = method == "REML",
    n_obs = fit$dims$N, n_subjects = nlevels(d$patient), log_lik = as.numeric(logLik(fit)), decrement = fit$decrement,
    coefficients = data.frame(term = names(b), estimate = unname(b), se = unname(sqrt(diag(v)))), vcov = named_rows(v),
    covariance = list(all = named_rows(fitted_sigma(fit, d, "visit", "patient"))), marginal_means = means, contrasts = contrasts
  )
}

cases <- c(both(function(...) one_case(..., method = "REML")), both(function(...) one_case(..., method = "ML")))
write_reference(cases, "tests/references/clda/clda.json")
