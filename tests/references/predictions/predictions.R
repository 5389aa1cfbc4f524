# Marginal and conditional predictions of R mmrm at the very top of its likelihood, their variances by mmrm's own `predict`, and
# Satterthwaite degrees of freedom of the prediction variance by numerical differentiation over mmrm's parameters (the degrees of freedom do not depend on the
# parameterisation); and R's predict.lm for a trial with one visit. Run from the repository's root.
source("tests/references/common.R")
source("tests/references/mmrm_more/newton.R")

prediction <- function(fit, d, theta, beta, vcov, response = TRUE) {
  if (!response) d$FEV1 <- NA_real_
  data <- mmrm:::h_mmrm_tmb_data(fit$formula_parts, d, weights = rep(1, nrow(d)), reml = TRUE, singular = "keep", drop_visit_levels = FALSE,
    allow_na_response = TRUE, drop_levels = FALSE, xlev = component(fit, "xlev"), contrasts = component(fit, "contrasts"))
  p <- mmrm:::h_get_prediction(data, theta, beta, vcov)$prediction
  p[match(row.names(d), row.names(data$full_frame)), ]
}

one_case <- function(id, d, formula) {
  fit <- mmrm(formula, d, reml = TRUE, control = mmrm_control(method = "Satterthwaite", optimizer_fun = newton))
  conditional <- prediction(fit, d, fit$theta_est, fit$beta_est, fit$beta_vcov)
  marginal <- prediction(fit, d, fit$theta_est, fit$beta_est, fit$beta_vcov, response = FALSE)
  variance <- function(theta) {
    at <- fit$tmb_object$report(theta)
    c(prediction(fit, d, theta, at$beta, at$beta_vcov)[chosen, "var"], prediction(fit, d, theta, at$beta, at$beta_vcov, response = FALSE)[chosen, "var"])
  }
  chosen <- which(is.na(d$FEV1))[seq(1, sum(is.na(d$FEV1)), by = 9)]
  v <- variance(fit$theta_est)
  g <- numDeriv::jacobian(variance, fit$theta_est)
  df <- matrix(2 * v^2 / rowSums((g %*% fit$theta_vcov) * g), ncol = 2)
  list(id = id, engine = engine("mmrm", "TMB"), formula = deparse1(formula),
    rows = data.frame(patient = as.character(d$USUBJID), visit = as.character(d$AVISIT), observed = !is.na(d$FEV1), fitted = marginal[, "fit"],
      predicted = conditional[, "fit"], marginal_mean_variance = marginal[, "conf_var"], marginal_variance = marginal[, "var"],
      mean_variance = conditional[, "conf_var"], variance = conditional[, "var"], row.names = NULL)[(is.na(d$FEV1) & as.integer(d$USUBJID) %% 3 == 1) | seq_len(nrow(d)) <= 40, ],
    df = data.frame(patient = as.character(d$USUBJID)[chosen], visit = as.character(d$AVISIT)[chosen], conditional = df[, 1], marginal = df[, 2]))
}

# mmrm's predict takes no weights: the algebra is written out here with mmrm's estimates.
weighted_case <- function(id, d) {
  fit <- do.call(mmrm, list(formula = FEV1 ~ RACE + SEX + ARMCD * AVISIT + us(AVISIT | USUBJID), data = d, weights = d$WEIGHT, reml = TRUE,
    control = mmrm_control(method = "Satterthwaite", optimizer_fun = newton)))
  x <- model.matrix(~ RACE + SEX + ARMCD * AVISIT, d)
  beta <- coef(fit)[colnames(x)]
  phi <- vcov(fit)[colnames(x), colnames(x)]
  sigma <- VarCorr(fit)
  rows <- lapply(split(seq_len(nrow(d)), d$USUBJID), function(k) {
    s <- sigma[d$visit_number[k], d$visit_number[k]] / sqrt(outer(d$WEIGHT[k], d$WEIGHT[k]))
    o <- which(!is.na(d$FEV1[k]))
    u <- which(is.na(d$FEV1[k]))
    if (length(o) == 0 || length(u) == 0) return(NULL)
    a <- s[u, o, drop = FALSE] %*% solve(s[o, o, drop = FALSE])
    xi <- x[k, , drop = FALSE]
    z <- xi[u, , drop = FALSE] - a %*% xi[o, , drop = FALSE]
    mean_variance <- diag(z %*% phi %*% t(z))
    data.frame(patient = as.character(d$USUBJID[k[u]]), visit = as.character(d$AVISIT[k[u]]), observed = FALSE, fitted = as.numeric(xi[u, , drop = FALSE] %*% beta),
      predicted = as.numeric(xi[u, , drop = FALSE] %*% beta + a %*% (d$FEV1[k[o]] - xi[o, , drop = FALSE] %*% beta)), mean_variance = mean_variance,
      variance = mean_variance + diag(s[u, u, drop = FALSE] - a %*% s[o, u, drop = FALSE]))
  })
  rows <- do.call(rbind, rows)
  list(id = id, engine = engine("mmrm", "TMB"), formula = "FEV1 ~ RACE + SEX + ARMCD * AVISIT + us(AVISIT | USUBJID), weights WEIGHT",
    rows = data.frame(rows[seq(1, nrow(rows), by = 3), ], row.names = NULL))
}

d <- read_fev()
row.names(d) <- seq_len(nrow(d))
save <- function(case) write_reference(case, sprintf("tests/references/predictions/%s.json", case$id))
save(one_case("fev_us", d, FEV1 ~ RACE + SEX + ARMCD * AVISIT + us(AVISIT | USUBJID)))
save(one_case("fev_ar1", d, FEV1 ~ RACE + SEX + ARMCD * AVISIT + ar1(AVISIT | USUBJID)))
save(one_case("fev_us_by_arm", d, FEV1 ~ RACE + SEX + ARMCD * AVISIT + us(AVISIT | ARMCD / USUBJID)))
save(weighted_case("fev_us_weighted", d))

last <- subset(d, AVISIT == "VIS4")
line <- lm(FEV1 ~ RACE + SEX + ARMCD, last)
interval <- predict(line, last, interval = "prediction", level = 0.9)
mean <- predict(line, last, interval = "confidence", level = 0.9, se.fit = TRUE)
save(list(id = "fev_one_visit", engine = engine("stats"), formula = "FEV1 ~ RACE + SEX + ARMCD at VIS4", level = 0.9, residual_df = line$df.residual,
  rows = data.frame(patient = as.character(last$USUBJID), predicted = interval[, "fit"], se_mean = mean$se.fit, mean_lower = mean$fit[, "lwr"], mean_upper = mean$fit[, "upr"],
    lower = interval[, "lwr"], upper = interval[, "upr"], row.names = NULL)[seq(1, 200, by = 5), ]))
