# mmrm and nlme::gls with an unstructured covariance over the cells (outcome, visit) of two outcomes stacked into one column.
# Run from the repository's root: Rscript tests/references/joint/mmrm.R
source("tests/references/joint/tools.R")
source("tests/references/mmrm_more/newton.R")
source("tests/references/gls/tools.R")

by_mmrm <- function(id, s, method, vcov = NULL, reml = TRUE) {
  fit <- mmrm(value ~ 0 + cell + cell:treated + response:z + us(cell | patient), data = s, reml = reml,
    control = mmrm_control(method = method, vcov = vcov, optimizer_fun = newton))
  co <- summary(fit)$coefficients
  effects <- paste0("cell", levels(s$cell), ":treated")
  last <- effects[levels(s$cell) %in% tapply(as.character(s$cell), s$response, function(x) tail(levels(s$cell)[levels(s$cell) %in% x], 1))]
  test <- df_md(fit, t(vapply(last, function(term) as.numeric(rownames(co) == term), numeric(nrow(co)))))
  list(
    id = id, software = engine("mmrm", "TMB"), df_method = method, reml = reml, log_lik = as.numeric(logLik(fit)), n_obs = component(fit, "n_obs"), n_subjects = component(fit, "n_subjects"),
    cells = levels(s$cell), effects = data.frame(cell = levels(s$cell), estimate = co[effects, "Estimate"], se = co[effects, "Std. Error"], df = co[effects, "df"], row.names = NULL),
    vcov = named_rows(vcov(fit)[effects, effects]), covariance = named_rows(VarCorr(fit)),
    last = list(num_df = test$num_df, denom_df = test$denom_df, f = test$f_stat, p = test$p_val)
  )
}

by_gls <- function(id, s, method) {
  s$number <- as.integer(s$cell)
  fit <- gls(mean_model, data = s, correlation = corSymm(form = ~ number | patient), weights = varIdent(form = ~ 1 | cell), method = method, control = control)
  fit <- to_the_top(fit, s, mean_model)
  v <- information_vcov(fit)
  effects <- paste0("cell", levels(s$cell), ":treated")
  list(
    id = id, software = engine("nlme", "numDeriv"), reml = method == "REML", log_lik = as.numeric(logLik(fit)), decrement = fit$decrement, cells = levels(s$cell),
    effects = data.frame(cell = levels(s$cell), estimate = unname(coef(fit)[effects]), se = unname(sqrt(diag(v)[effects]))),
    covariance = named_rows(fitted_sigma(fit, s, "cell", "patient"))
  )
}

data <- list(synthetic = synthetic(), antidepressant = antidepressant())
cases <- list()
for (name in names(data)) {
  cases <- c(cases, list(
    by_mmrm(paste0(name, "_us_reml_satterthwaite"), data[[name]], "Satterthwaite"),
    by_mmrm(paste0(name, "_us_reml_krlinear"), data[[name]], "Kenward-Roger", "Kenward-Roger-Linear"),
    by_mmrm(paste0(name, "_us_ml_satterthwaite"), data[[name]], "Satterthwaite", reml = FALSE)
  ))
}
write_reference(cases, "tests/references/joint/mmrm.json")
write_reference(list(by_gls("synthetic_us_reml", data$synthetic, "REML"), by_gls("synthetic_us_ml", data$synthetic, "ML")), "tests/references/joint/gls.json")
