# Residuals of nlme::lme, R² of Nakagawa and Schielzeth, and likelihood-ratio statistics of nested random effects.
# Run from the repository's root: Rscript tests/references/mixed/inference_more.R
source("tests/references/common.R")
source("tests/references/mixed/peers.R")
suppressPackageStartupMessages(library(performance))
folder <- "tests/references/mixed"
d <- read.csv(file.path(folder, "nested3.csv"), na.strings = "")
d$visit <- factor(d$visit, levels = paste("month", c(1, 3, 6, 12)))
d$place <- as.integer(d$visit)
d$patient <- factor(d$patient, levels = unique(d$patient))
for (a in c("arm_group", "arm_patient")) d[[a]] <- factor(d[[a]], levels = c("control", "active"))
d$group <- factor(d$group)
d <- droplevels(d[!is.na(d$y_patient), ])
d <- d[order(d$patient, d$place), ]

# --- residuals: (1 | group) + ar1h(visit | patient) --------------------------------------------------------------------------------------------
found <- with_lme(y_patient ~ severity + arm_patient * visit, d, TRUE, ~ 1 | group, corAR1(form = ~ place | group / patient), varIdent(form = ~ 1 | visit), function(fit) NA)
fit <- found$fit
at <- function(type, level) unname(residuals(fit, type = type, level = level))
residual <- data.frame(patient = as.character(d$patient), visit = as.character(d$visit), fitted = unname(fitted(fit, level = 0)), response = at("response", 0),
  conditional = at("response", 1), conditional_pearson = at("pearson", 1), conditional_normalised = at("normalized", 1))
# Marginal residuals by the definition: the patient's own block of V.
sigma <- sigma_of_lme(fit, levels(d$visit))
g <- getVarCov(fit)[1, 1]
residual$pearson <- residual$response / sqrt(diag(sigma)[d$place] + g)
whiten <- function(rows) { v <- sigma[d$place[rows], d$place[rows], drop = FALSE] + g; forwardsolve(t(chol(v)), residual$response[rows]) }
residual$normalised <- unlist(lapply(split(seq_len(nrow(d)), d$patient), whiten), use.names = FALSE)

# --- R² ----------------------------------------------------------------------------------------------------------------------------------------
r_squared <- function(id, formula, reml) {
  fit <- with_lme4(as.formula(formula), d, reml, list())$fit
  own <- r2_nakagawa(fit)
  # By the formula: the variance of the fitted means, the mean of z'Gz, sigma^2.
  X <- model.matrix(fit)
  f <- var(drop(X %*% fixef(fit)))
  Z <- t(as.matrix(getME(fit, "Zt"))); L <- as.matrix(getME(fit, "Lambda"))
  r <- mean(rowSums((Z %*% L)^2)) * sigma(fit)^2
  e <- sigma(fit)^2
  byhand <- c(f / (f + r + e), (f + r) / (f + r + e))
  theirs <- unname(c(own$R2_marginal, own$R2_conditional))
  message(id, ": performance and the formula differ by ", signif(max(abs(byhand - theirs)), 2))
  stopifnot(max(abs(byhand - theirs)) < 1e-6)
  list(id = id, formula = formula, reml = reml, engine = engine("lme4", "performance"), marginal = byhand[1], conditional = byhand[2], performance = theirs, mean_variance = f, random_variance = r, residual_variance = e)
}

# --- likelihood ratios -------------------------------------------------------------------------------------------------------------------------
ratio <- function(id, larger, smaller, reml, df, mixture, residual = NULL) {
  top <- function(f) with_lme4(as.formula(f), d, reml, list())$log_lik
  statistic <- 2 * (top(larger) - top(smaller))
  sf <- function(k) if (k > 0) pchisq(statistic, k, lower.tail = FALSE) else as.numeric(statistic <= 0)
  # Without random effects of patients trialstats wants to be told that residuals are independent.
  list(id = id, larger = larger, smaller = paste(c(smaller, residual), collapse = " + "), reml = reml, engine = engine("lme4"), statistic = statistic, df = df, p = sf(df), mixture_p = if (length(mixture)) sum(mixture[, 1] * vapply(mixture[, 2], sf, 1)))
}
mean <- "y_patient ~ severity + arm_patient * visit"
growth <- "y_patient ~ severity + arm_patient * months"
# --- profile intervals of correlated effects: lme4's confint, which interpolates its profile by splines ------------------------------------------
confint_of <- function() {
  formula <- "y_patient ~ severity + arm_patient * months + (1 | group) + (1 + months | patient)"
  fit <- lme4::lmer(as.formula(formula), d, REML = FALSE, control = tight)
  ci <- confint(profile(fit, which = "theta_", signames = FALSE, delta.cutoff = 1 / 16), level = 0.95)
  labels <- c("sd_(Intercept)|patient" = "SD of (Intercept) by patient", "cor_months.(Intercept)|patient" = "correlation of (Intercept) and months by patient", "sd_months|patient" = "SD of months by patient",
    "sd_(Intercept)|group" = "SD of (Intercept) by group")
  stopifnot(names(labels) %in% rownames(ci))
  list(engine = engine("lme4"), formula = formula, reml = FALSE, rows = lapply(names(labels), function(n) list(label = labels[[n]], lower = ci[n, 1], upper = ci[n, 2])))
}

half <- function(df) cbind(c(0.5, 0.5), c(df - 1, df))
write_reference(list(
  engine = engine("nlme", "lme4", "performance"),
  residuals = list(formula = paste(mean, "+ (1 | group) + ar1h(visit | patient)"), rows = residual),
  r_squared = list(
    r_squared("intercepts", paste(mean, "+ (1 | group) + (1 | patient)"), TRUE), r_squared("intercepts_ml", paste(mean, "+ (1 | group) + (1 | patient)"), FALSE),
    r_squared("slopes", paste(growth, "+ (1 | group) + (1 + months | patient)"), TRUE)
  ),
  confint = confint_of(),
  likelihood_ratio = list(
    ratio("group intercept", paste(mean, "+ (1 | group) + (1 | patient)"), paste(mean, "+ (1 | patient)"), TRUE, 1, half(1)),
    ratio("group intercept, ML", paste(mean, "+ (1 | group) + (1 | patient)"), paste(mean, "+ (1 | patient)"), FALSE, 1, half(1)),
    ratio("slope among two", paste(growth, "+ (1 | group) + (1 + months | patient)"), paste(growth, "+ (1 | group) + (1 | patient)"), TRUE, 2, half(2)),
    ratio("two slopes", paste(growth, "+ (1 + months || group) + (1 + months || patient)"), paste(growth, "+ (1 | group) + (1 | patient)"), TRUE, 2, cbind(c(0.25, 0.5, 0.25), 0:2)),
    ratio("a correlation", paste(growth, "+ (1 | group) + (1 + months | patient)"), paste(growth, "+ (1 | group) + (1 + months || patient)"), TRUE, 1, NULL),
    ratio("both effects of a factor", paste(growth, "+ (1 | group) + (1 + months | patient)"), paste(growth, "+ (1 | group)"), TRUE, 3, NULL, "independent(visit | patient)")
  )
), file.path(folder, "inference_more.json"))
