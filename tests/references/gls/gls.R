# nlme::gls as a second opinion on unstructured, compound symmetric and autoregressive models, REML and ML, with and without weights,
# and emmeans on its fits. Run from the repository's root: Rscript tests/references/gls/gls.R
source("tests/references/common.R")
source("tests/references/gls/tools.R")
suppressPackageStartupMessages(library(emmeans))
emm_options(msg.interaction = FALSE, msg.nesting = FALSE)

one_case <- function(id, data, d, formula, visit, arm, subject, structure, method, weight = NULL) {
  s <- structures(visit, subject)[[structure]]
  by_visit <- as.formula(paste("~ 1 |", visit))
  variance <- if (s$heterogeneous) varIdent(form = by_visit)
  if (!is.null(weight)) {
    d$one_over_weight <- 1 / d[[weight]]
    fixed <- varFixed(~one_over_weight)
    variance <- if (is.null(variance)) fixed else varComb(fixed, variance)
  }
  fit <- do.call(gls, list(model = formula, data = d, correlation = s$correlation, weights = variance, method = method, control = control))
  fit <- to_the_top(fit, d, formula)
  b <- coef(fit)
  v <- information_vcov(fit)
  grid <- as.formula(paste("~", arm, "|", visit))
  # emmeans would take gls's variance function (the argument `weights`) for frequencies.
  fit$call$weights <- NULL
  # Under ML emmeans takes over the scaled vcov, so it is given the unscaled one.
  means <- function(weights) {
    e <- emmeans(fit, grid, weights = weights, mode = "asymptotic", data = d, vcov. = v)
    x <- as.data.frame(summary(e))
    data.frame(arm = as.character(x[[arm]]), visit = as.character(x[[visit]]), estimate = x$emmean, se = x$SE)
  }
  list(
    id = id, software = engine("nlme", "emmeans"), data = data, formula = deparse1(formula), covariance_structure = structure, reml = method == "REML",
    weighted = !is.null(weight), n_obs = fit$dims$N, n_subjects = nlevels(droplevels(d[[subject]])), log_lik = as.numeric(logLik(fit)), decrement = fit$decrement,
    coefficients = data.frame(term = names(b), estimate = unname(b), se = unname(sqrt(diag(v)))),
    vcov = named_rows(v), covariance = list(all = named_rows(fitted_sigma(fit, d, visit, subject))),
    marginal_means = list(equal = means("equal"), proportional = means("proportional"), outer = means("outer"), cells = means("cells"))
  )
}

fev <- subset(read_fev(), !is.na(FEV1))
anti <- read_antidepressant()
cases <- list()
for (structure in c("us", "cs", "csh", "ar1", "ar1h")) for (method in c("REML", "ML")) {
  cases[[length(cases) + 1]] <- one_case(paste("fev", structure, tolower(method), sep = "_"), "fev_data", fev,
    FEV1 ~ RACE + SEX + ARMCD * AVISIT, "AVISIT", "ARMCD", "USUBJID", structure, method)
  cases[[length(cases) + 1]] <- one_case(paste("antidepressant", structure, tolower(method), sep = "_"), "antidepressant_data", anti,
    CHANGE ~ BASVAL * VISIT + THERAPY * VISIT, "VISIT", "THERAPY", "PATIENT", structure, method)
}
for (structure in c("us", "csh", "ar1")) cases[[length(cases) + 1]] <- one_case(paste("fev", structure, "weighted_reml", sep = "_"), "fev_data", fev,
  FEV1 ~ RACE + SEX + ARMCD * AVISIT, "AVISIT", "ARMCD", "USUBJID", structure, "REML", "WEIGHT")
write_reference(cases, "tests/references/gls/gls.json")
