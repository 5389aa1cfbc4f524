# One case of R mmrm in the shape of ../mmrm.
suppressPackageStartupMessages(library(emmeans))

one_case <- function(id, data, d, formula, arm, visit, method, vcov = NULL, reml = TRUE, weight = NULL, grouped = FALSE) {
  control <- mmrm_control(method = method, vcov = vcov, optimizer_fun = newton)
  d$.weight <- if (is.null(weight)) rep(1, nrow(d)) else d[[weight]]
  fit <- do.call(mmrm, list(formula = formula, data = d, weights = d$.weight, reml = reml, control = control))
  s <- summary(fit)$coefficients
  grid <- as.data.frame(summary(emmeans(fit, as.formula(paste("~", arm, "|", visit)), data = d), infer = c(TRUE, FALSE)))
  pairs <- as.data.frame(summary(contrast(emmeans(fit, as.formula(paste("~", arm, "|", visit)), data = d), "revpairwise"), infer = c(TRUE, TRUE)))
  interaction <- grep(":", rownames(s), value = TRUE)
  interaction <- interaction[grepl(visit, interaction)]
  L <- t(vapply(interaction, function(term) as.numeric(rownames(s) == term), numeric(nrow(s))))
  test <- df_md(fit, L)
  cov <- VarCorr(fit)
  if (!is.list(cov)) cov <- list(all = cov)
  list(
    id = id, software = engine("mmrm", "TMB", "emmeans"), optimizer = "nlminb, then Newton on mmrm's gradient", data = data, formula = deparse1(formula), reml = reml,
    df_method = method, vcov_method = if (is.null(vcov)) "default" else vcov, weighted = !is.null(weight),
    n_obs = component(fit, "n_obs"), n_subjects = component(fit, "n_subjects"), log_lik = as.numeric(logLik(fit)), aic = AIC(fit), bic = BIC(fit),
    coefficients = data.frame(term = rownames(s), estimate = s[, "Estimate"], se = s[, "Std. Error"], df = s[, "df"], t = s[, "t value"], p = s[, "Pr(>|t|)"], row.names = NULL),
    vcov = named_rows(vcov(fit)), covariance = lapply(cov, named_rows),
    marginal_means = data.frame(arm = as.character(grid[[arm]]), visit = as.character(grid[[visit]]), estimate = grid$emmean, se = grid$SE, df = grid$df, lower = grid$lower.CL, upper = grid$upper.CL),
    contrasts = data.frame(contrast = as.character(pairs$contrast), visit = as.character(pairs[[visit]]), estimate = pairs$estimate, se = pairs$SE, df = pairs$df, lower = pairs$lower.CL,
      upper = pairs$upper.CL, t = pairs$t.ratio, p = pairs$p.value),
    interaction_test = list(terms = interaction, num_df = test$num_df, denom_df = test$denom_df, f = test$f_stat, p = test$p_val)
  )
}
