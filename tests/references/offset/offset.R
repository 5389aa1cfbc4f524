# Generalized models with an offset, by glm, geepack and lme4, on invented patients with a fixed seed: exposure.csv (140 patients,
# up to three visits, weeks observed until each, relapses counted) and offset.json. Run in this folder: Rscript offset.R
suppressMessages({library(geepack); library(lme4); library(numDeriv); library(jsonlite)})
set.seed(20261202)
n <- 140
d <- expand.grid(visit = 1:3, patient = seq_len(n))
d$patient <- sprintf("p%03d", d$patient)
own <- rnorm(n, 0, 0.6); arm <- sample(rep(c("control", "new"), n / 2)); base <- round(rnorm(n, 20, 5), 1)
i <- match(d$patient, unique(d$patient))
d$arm <- arm[i]; d$base <- base[i]
d$weeks <- round(runif(nrow(d), 2, 14), 1)
d$relapses <- rpois(nrow(d), d$weeks * exp(-1.9 - 0.4 * (d$arm == "new") + 0.03 * (d$base - 20) - 0.1 * d$visit + own[i]))
d$any <- as.integer(d$relapses > 0)
# The log odds that somebody else predicted.
d$predicted <- round(-0.5 + 0.04 * (d$base - 20) + rnorm(nrow(d), 0, 0.3), 2)
d <- d[d$visit == 1 | runif(nrow(d)) > 0.12, c("patient", "arm", "visit", "base", "weeks", "relapses", "any", "predicted")]
# An exposure of zero does no harm where there is no outcome.
d$weeks[5] <- 0; d$relapses[5] <- NA; d$any[5] <- NA
write.csv(d, "exposure.csv", row.names = FALSE, quote = FALSE, na = "")
d <- d[!is.na(d$relapses), ]
d$v <- factor(d$visit); d$id <- as.integer(factor(d$patient))
one <- d[d$visit == 1, ]
tight <- glm.control(epsilon = 1e-15, maxit = 100)
of_glm <- function(formula, family) {
  fit <- glm(formula, family, one, control = tight)
  x <- model.matrix(fit); w <- weights(fit, "working"); bread <- solve(crossprod(x * sqrt(w)))
  list(beta = unname(coef(fit)), se = unname(sqrt(diag(bread))), log_likelihood = as.numeric(logLik(fit)),
       hc0 = unname(sqrt(diag(bread %*% crossprod(x * (w * residuals(fit, "working"))) %*% bread))))
}
of_gee <- function(formula, family) {
  fit <- geeglm(formula, family, d, id = id, waves = visit, corstr = "exchangeable",
                control = geese.control(epsilon = 1e-13, maxit = 200))
  list(beta = unname(coef(fit)), se = unname(sqrt(diag(fit$geese$vbeta))), alpha = unname(fit$geese$alpha), phi = unname(fit$geese$gamma))
}
# glmer, then Newton steps on its own deviance by numerical derivatives.
of_glmer <- function(formula, family, nAGQ) {
  control <- glmerControl(optimizer = "bobyqa", tolPwrss = 1e-13, optCtrl = list(maxfun = 1e5, rhoend = 1e-9), calc.derivs = FALSE)
  fit <- glmer(formula, d, family, nAGQ = nAGQ, control = control)
  dev <- update(fit, devFunOnly = TRUE)
  at <- c(getME(fit, "theta"), fixef(fit)); h <- hessian(dev, at)
  for (k in 1:3) at <- at - solve(h, grad(dev, at))
  list(nAGQ = nAGQ, beta = unname(at[-1]), se = unname(sqrt(diag(2 * solve(h)))[-1]), sd = unname(at[1]))
}
versions <- sapply(c("geepack", "lme4", "numDeriv"), function(p) as.character(packageVersion(p)))
write_json(list(
  engine = c(R = R.version.string, as.list(versions)),
  poisson = of_glm(relapses ~ arm + base + offset(log(weeks)), poisson),
  logistic = of_glm(any ~ arm + base + offset(predicted), binomial),
  gee_poisson = of_gee(relapses ~ arm * v + base + offset(log(weeks)), poisson),
  gee_logistic = of_gee(any ~ arm * v + offset(predicted), binomial),
  glmer_poisson = of_glmer(relapses ~ arm * v + base + offset(log(weeks)) + (1 | id), poisson, 25),
  glmer_logistic = of_glmer(any ~ arm * v + offset(predicted) + (1 | id), binomial, 25)
), "offset.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
