# Two crossed factors with hundreds of levels each: 320 patients, seven ratings of each, by 310 raters. Synthetic: every number comes from a seeded
# generator. lme4, taken to the top of its likelihood, and lmerTest.
# Run from the repository's root: Rscript tests/references/mixed/sparse_ratings.R
source("tests/references/common.R")
source("tests/references/mixed/peers.R")

set.seed(4331, kind = "Mersenne-Twister", normal.kind = "Inversion", sample.kind = "Rejection")
n <- 320; raters <- 310; visits <- 7
level <- rnorm(n, 0, 4); slope <- rnorm(n, 0, 0.08); severity <- rnorm(raters, 0, 2.5)
arm <- sample(rep(c("control", "active"), n / 2))
d <- expand.grid(visit = seq_len(visits), i = seq_len(n))
d$days <- pmax(1, 14 * d$visit + round(rnorm(nrow(d), 0, 3)))
d$rater <- sample(c(seq_len(raters), sample(raters, nrow(d) - raters, replace = TRUE)))
d$w <- round(runif(nrow(d), 0.5, 2), 2)
mean <- 40 - 0.06 * d$days - 0.05 * d$days * (arm[d$i] == "active")
d$y <- round(mean + level[d$i] + slope[d$i] * d$days + severity[d$rater] + rnorm(nrow(d), 0, 3 / sqrt(d$w)), 1)
d <- d[runif(nrow(d)) > 0.05 | d$visit == 1, ]
d <- data.frame(patient = sprintf("P%03d", d$i), arm = arm[d$i], visit = d$visit, days = d$days, rater = sprintf("R%03d", d$rater), w = d$w, y = d$y)
write.csv(d, "tests/references/mixed/sparse_ratings.csv", row.names = FALSE, quote = FALSE)
d$arm <- factor(d$arm, levels = c("control", "active"))
d$weight <- d$w

one <- function(id, ours, formula, weighted, reml) {
  weights <- if (weighted) d$w else rep(1, nrow(d))
  # lmer looks for its weights where the formula was made.
  environment(formula) <- environment()
  start <- lme4::lmer(formula, d, REML = reml, weights = weights, control = tight)
  devfun <- lme4::lmer(formula, d, REML = reml, weights = weights, control = tight, devFunOnly = TRUE)
  theta <- getME(start, "theta")
  for (step in 1:6) {
    g <- numDeriv::grad(devfun, theta)
    h <- numDeriv::hessian(devfun, theta)
    stopifnot(min(eigen(h, TRUE, TRUE)$values) > 0)
    theta <- theta - solve(h, g)
    decrement <- sum(g * solve(h, g))
    if (decrement < 1e-14) break
  }
  stay <- function(fn, par, lower, upper, control) list(par = par, fval = fn(par), feval = 1, conv = 0, message = "start is the optimum")
  fit <- lmerTest::lmer(formula, d, REML = reml, weights = weights, start = theta, control = lmerControl(optimizer = stay, calc.derivs = FALSE))
  s <- coef(summary(fit, ddf = "Satterthwaite"))
  G <- lapply(VarCorr(fit), function(g) unname(g[lower.tri(g, TRUE)]))
  u <- ranef(fit, condVar = FALSE)
  list(
    id = id, software = engine("lme4", "lmerTest", "numDeriv"), data = "sparse_ratings", formula = ours, weighted = weighted, reml = reml, n_obs = nobs(fit),
    log_lik = as.numeric(logLik(fit)), decrement = decrement, residual_variance = sigma(fit)^2, patient = I(G$patient), rater = I(G$rater),
    coefficients = data.frame(term = rownames(s), estimate = s[, "Estimate"], se = s[, "Std. Error"], df = s[, "df"], row.names = NULL),
    rater_effects = head(data.frame(level = rownames(u$rater), estimate = u$rater[[1]]), 20)
  )
}

write_reference(list(
  one("ratings_reml", "y ~ arm * days + (1 | patient) + (1 | rater)", y ~ arm * days + (1 | patient) + (1 | rater), FALSE, TRUE),
  one("ratings_growth_reml", "y ~ arm * days + (1 + days | patient) + (1 | rater)", y ~ arm * days + (1 + days | patient) + (1 | rater), FALSE, TRUE),
  one("ratings_weighted_ml", "y ~ arm * days + (1 + days | patient) + (1 | rater)", y ~ arm * days + (1 + days | patient) + (1 | rater), TRUE, FALSE)
), "tests/references/mixed/sparse_ratings.json")
