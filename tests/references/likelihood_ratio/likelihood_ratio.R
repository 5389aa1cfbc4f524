# Likelihood-ratio tests by anova() of nlme::gls and lme4::lmer, each fit first brought to the top of its own likelihood.
# Run from the repository's root: Rscript tests/references/likelihood_ratio/likelihood_ratio.R
source("tests/references/common.R")
source("tests/references/gls/tools.R")
to_the_top_gls <- to_the_top
source("tests/references/random_effects/tools.R")

fev <- read_fev()
fev <- fev[!is.na(fev$FEV1), ]
anti <- read_antidepressant()
full <- CHANGE ~ BASVAL * VISIT + THERAPY * VISIT

gls_fit <- function(formula, d, structure, subject, method) {
  s <- structures("visit_number", subject)[[structure]]
  variance <- if (s$heterogeneous) varIdent(form = ~ 1 | visit_number) else NULL
  to_the_top_gls(do.call(gls, list(model = formula, data = d, correlation = s$correlation, weights = variance, method = method, control = control)), d, formula)
}

compare_gls <- function(id, data, d, subject, method, small, large, structure) {
  a <- gls_fit(small, d, structure[1], subject, method)
  b <- gls_fit(large, d, structure[2], subject, method)
  table <- anova(a, b)
  list(id = id, software = engine("nlme"), data = data, reml = method == "REML", formulas = c(deparse1(small), deparse1(large)), structures = structure,
    log_lik = table$logLik, statistic = table$L.Ratio[2], df = diff(table$df), p = table$`p-value`[2], mixture_p = NULL)
}

compare_lmer <- function(id, data, d, reml, formulas, structure) {
  fits <- lapply(formulas, function(f) if (reml) to_the_top(f, d, TRUE)$fit else to_the_top(f, d, FALSE)$fit)
  table <- anova(as(fits[[1]], "lmerMod"), as(fits[[2]], "lmerMod"), refit = FALSE)
  statistic <- table$Chisq[2]; df <- table$Df[2]
  list(id = id, software = engine("lme4"), data = data, reml = reml, formulas = vapply(formulas, deparse1, ""), structures = structure,
    log_lik = table$logLik, statistic = statistic, df = df, p = table$`Pr(>Chisq)`[2],
    mixture_p = if (structure[1] != structure[2]) 0.5 * pchisq(statistic, df - 1, lower.tail = FALSE) + 0.5 * pchisq(statistic, df, lower.tail = FALSE))
}

fev_full <- FEV1 ~ RACE + SEX + ARMCD * AVISIT
cases <- list()
add <- function(x) cases[[length(cases) + 1]] <<- x
for (pair in list(c("ar1", "us"), c("cs", "csh"), c("csh", "us"), c("ar1", "ar1h"), c("ar1h", "us"))) {
  add(compare_gls(paste("fev", pair[1], pair[2], sep = "_"), "fev_data", fev, "USUBJID", "REML", fev_full, fev_full, pair))
  add(compare_gls(paste("antidepressant", pair[1], pair[2], "ml", sep = "_"), "antidepressant_data", anti, "PATIENT", "ML", full, full, pair))
}
add(compare_gls("fev_mean", "fev_data", fev, "USUBJID", "ML", FEV1 ~ RACE + SEX + ARMCD + AVISIT, fev_full, c("us", "us")))
add(compare_gls("antidepressant_mean_and_covariance", "antidepressant_data", anti, "PATIENT", "ML", CHANGE ~ BASVAL + VISIT, full, c("cs", "us")))
random <- c("random-intercept", "random-intercept-slope")
for (reml in c(TRUE, FALSE)) {
  add(compare_lmer(if (reml) "antidepressant_slope_reml" else "antidepressant_slope_ml", "antidepressant_data", anti, reml,
    list(CHANGE ~ BASVAL * VISIT + THERAPY * VISIT + (1 | PATIENT), CHANGE ~ BASVAL * VISIT + THERAPY * VISIT + (1 + week | PATIENT)), random))
}
write_reference(cases, "tests/references/likelihood_ratio/likelihood_ratio.json")
