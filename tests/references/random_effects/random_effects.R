# Random intercept, and random intercept and slope on visit time: lme4 for the fit, lmerTest for Satterthwaite, pbkrtest for Kenward-Roger.
# Run from the repository's root: Rscript tests/references/random_effects/random_effects.R
#
# Two conventions to know when comparing. lmerTest's Satterthwaite rests on the observed information (numerical Hessian of the deviance in
# lme4's theta and sigma). pbkrtest's Kenward-Roger takes omega, the covariance of the covariance parameters, from the expected information;
# SAS takes the observed one. They agree where all patients are seen at the same visits and the mean is in the span of the random effects
# (sleepstudy, Orthodont) and differ with missing visits (antidepressant).
source("tests/references/common.R")
source("tests/references/random_effects/tools.R")

one_case <- function(id, data, d, formula, times, joint, reml) {
  top <- to_the_top(formula, d, reml)
  fit <- top$fit
  p <- length(fixef(fit))
  by_row <- function(f) do.call(rbind, lapply(seq_len(p), function(i) f(as.numeric(seq_len(p) == i))))
  s <- coef(summary(fit, ddf = "Satterthwaite"))
  L <- t(vapply(joint, function(term) as.numeric(names(fixef(fit)) == term), numeric(p)))
  anova_rows <- contestMD(fit, L, ddf = "Satterthwaite")
  G <- unclass(VarCorr(fit))[[1]]
  Z <- if (nrow(G) == 1) matrix(1, length(times)) else cbind(1, times)
  Sigma <- Z %*% G[, , drop = FALSE] %*% t(Z) + sigma(fit)^2 * diag(length(times))
  out <- list(
    id = id, software = engine("lme4", "lmerTest", "pbkrtest", "numDeriv"), data = data, formula = deparse1(formula), reml = reml,
    n_obs = nobs(fit), n_subjects = unname(ngrps(fit)), log_lik = as.numeric(logLik(fit)), decrement = top$decrement,
    times = times, random_effects_covariance = named_rows(G), residual_variance = sigma(fit)^2, covariance = list(all = named_rows(unname(Sigma))),
    coefficients = data.frame(term = rownames(s), estimate = s[, "Estimate"], se = s[, "Std. Error"], df = s[, "df"], t = s[, "t value"], p = s[, "Pr(>|t|)"], row.names = NULL),
    vcov = named_rows(as.matrix(vcov(fit))),
    joint_test = list(terms = I(joint), num_df = anova_rows$NumDF, denom_df = anova_rows$DenDF, f = anova_rows$`F value`, p = anova_rows$`Pr(>F)`,
      basis = "eigenvectors of the hypothesis' covariance, lmerTest::contestMD")
  )
  if (reml) {
    adjusted <- as.matrix(vcovAdj(fit))
    df <- vapply(seq_len(p), function(i) Lb_ddf(as.numeric(seq_len(p) == i), vcov(fit), vcovAdj(fit)), 0)
    kr <- contestMD(fit, L, ddf = "Kenward-Roger")
    out$kenward_roger <- list(
      information = "expected",
      coefficients = data.frame(term = names(fixef(fit)), se = sqrt(diag(adjusted)), df = df, row.names = NULL),
      joint_test = list(terms = I(joint), num_df = kr$NumDF, denom_df = kr$DenDF, f = kr$`F value`, p = kr$`Pr(>F)`)
    )
  }
  out
}

sleepstudy <- read.csv("tests/references/data/sleepstudy.csv")
sleepstudy$Subject <- factor(sleepstudy$Subject)
orthodont <- read.csv("tests/references/data/orthodont.csv")
orthodont$Subject <- factor(orthodont$Subject, levels = unique(orthodont$Subject))
orthodont$Sex <- factor(orthodont$Sex, levels = c("Male", "Female"))
anti <- read_antidepressant()

cases <- list()
for (reml in c(TRUE, FALSE)) {
  suffix <- if (reml) "reml" else "ml"
  add <- function(id, ...) cases[[length(cases) + 1]] <<- one_case(paste(id, suffix, sep = "_"), ..., reml = reml)
  add("sleepstudy_intercept", "sleepstudy", sleepstudy, Reaction ~ Days + (1 | Subject), 0:9, "Days")
  add("sleepstudy_slope", "sleepstudy", sleepstudy, Reaction ~ Days + (1 + Days | Subject), 0:9, c("(Intercept)", "Days"))
  add("orthodont_intercept", "orthodont", orthodont, distance ~ age * Sex + (1 | Subject), c(8, 10, 12, 14), c("SexFemale", "age:SexFemale"))
  add("orthodont_slope", "orthodont", orthodont, distance ~ age * Sex + (1 + age | Subject), c(8, 10, 12, 14), c("SexFemale", "age:SexFemale"))
  arm_terms <- paste0("VISIT", 5:7, ":THERAPYDRUG")
  add("antidepressant_intercept", "antidepressant_data", anti, CHANGE ~ BASVAL * VISIT + THERAPY * VISIT + (1 | PATIENT), c(1, 2, 4, 6), arm_terms)
  add("antidepressant_slope", "antidepressant_data", anti, CHANGE ~ BASVAL * VISIT + THERAPY * VISIT + (1 + week | PATIENT), c(1, 2, 4, 6), arm_terms)
}
write_reference(cases, "tests/references/random_effects/random_effects.json")
