# Logistic and Poisson mixed models by lme4 and glmmTMB, brought to the top of their own likelihoods, and by likelihoods
# that are integrated here on a fine grid. Usage: Rscript glmm.R CASE writes CASE.json, for the cases below.
case <- commandArgs(TRUE)[1]
suppressMessages({library(lme4); library(glmmTMB); library(numDeriv); library(jsonlite)})
read <- function(name) read.csv(paste0("../data/", name, ".csv"), stringsAsFactors = TRUE)
out <- list(engine = list(R = R.version.string, lme4 = as.character(packageVersion("lme4")),
                          glmmTMB = as.character(packageVersion("glmmTMB")), numDeriv = as.character(packageVersion("numDeriv"))))

# glmer, its optimiser tightened, then Newton steps on its own deviance by numerical derivatives.
by_lme4 <- function(formula, data, family, nAGQ) {
  control <- glmerControl(optimizer = "bobyqa", tolPwrss = 1e-13, optCtrl = list(maxfun = 1e5, rhoend = 1e-9), calc.derivs = FALSE)
  fit <- glmer(formula, data, family, nAGQ = nAGQ, control = control)
  dev <- update(fit, devFunOnly = TRUE)
  at <- c(getME(fit, "theta"), fixef(fit))
  h <- hessian(dev, at)
  for (k in 1:3) {
    step <- solve(h, grad(dev, at))
    if (any(is.na(step)) || max(abs(step)) > 0.1) break
    at <- at - step
  }
  k <- length(getME(fit, "theta"))
  v <- 2 * solve(h)
  se <- sqrt(diag(v))
  # dev() of nAGQ > 1 leaves out a constant that logLik() has: the difference is taken at the fit's own optimum.
  constant <- -2 * as.numeric(logLik(fit)) - dev(c(getME(fit, "theta"), fixef(fit)))
  list(nAGQ = nAGQ, beta = unname(at[-(1:k)]), se = unname(se[-(1:k)]), theta = unname(at[1:k]), minus_two_log_likelihood = dev(at) + constant,
       decrement = {g <- grad(dev, at); sqrt(abs(sum(g * solve(h, g))))})
}

# glmmTMB, Newton steps on TMB's own gradient.
by_tmb <- function(formula, data, family) {
  fit <- glmmTMB(formula, data = data, family = family)
  obj <- fit$obj; at <- fit$fit$par
  h <- jacobian(obj$gr, at)
  for (k in 1:3) at <- at - as.vector(solve(h, as.vector(obj$gr(at))))
  h <- jacobian(obj$gr, at); h <- (h + t(h)) / 2
  se <- sqrt(diag(solve(h)))
  b <- names(at) == "beta"
  g <- as.vector(obj$gr(at))
  obj$fn(at)
  report <- obj$report(obj$env$last.par)
  list(beta = unname(at[b]), se = unname(se[b]), theta = unname(at[!b]), sd = lapply(report$sd, as.vector), correlation = lapply(report$corr, function(m) m[lower.tri(m)]),
       minus_two_log_likelihood = 2 * as.numeric(obj$fn(at)), decrement = sqrt(sum(g * solve(h, g))))
}

# One random intercept: the trapezoidal rule over its standard normal deviate, whose error is far below rounding at this
# step; score and Newton's method by numerical differences of the score.
explicit <- function(x, y, id, start, family, step = 0.05) {
  v <- seq(-9, 9, by = step); prior <- dnorm(v, log = TRUE) + log(step)
  id <- as.integer(factor(id)); p <- ncol(x)
  score <- function(psi, value = FALSE) {
    fixed <- as.vector(x %*% psi[1:p]); lambda <- psi[p + 1]
    total <- 0; g <- numeric(p + 1)
    for (i in split(seq_along(y), id)) {
      eta <- outer(fixed[i], lambda * v, "+")
      if (family == "binomial") { l <- y[i] * eta - ifelse(eta > 0, eta + log1p(exp(-abs(eta))), log1p(exp(eta))); mu <- plogis(eta) }
      else { mu <- exp(eta); l <- y[i] * eta - mu - lgamma(y[i] + 1) }
      s <- colSums(l) + prior; top <- max(s); w <- exp(s - top); total <- total + top + log(sum(w)); w <- w / sum(w)
      r <- y[i] - mu
      g <- g + c(colSums(x[i, , drop = FALSE] * as.vector(r %*% w)), sum(colSums(r) * v * w))
    }
    if (value) total else g
  }
  at <- start
  fit <- optim(at, function(a) -score(a, TRUE), function(a) -score(a), method = "BFGS", control = list(reltol = 1e-12, maxit = 500))
  at <- fit$par
  h <- jacobian(score, at)
  for (k in 1:3) at <- at - solve(h, score(at))
  h <- jacobian(score, at); h <- -(h + t(h)) / 2
  vcov <- solve(h)
  list(beta = unname(at[1:p]), se = unname(sqrt(diag(vcov))[1:p]), sd = abs(unname(at[p + 1])), se_sd = unname(sqrt(diag(vcov))[p + 1]),
       minus_two_log_likelihood = -2 * score(at, TRUE), decrement = sqrt(abs(sum(score(at) * solve(h, score(at))))), psi = unname(at), vcov = unname(vcov))
}

# Probabilities of the population: everyone's, each in every arm, integrated over the random intercept by integrate().
marginal <- function(fit, rows, label) {
  probability <- function(psi, x) {
    p <- length(psi) - 1
    eta <- as.vector(x %*% psi[1:p])
    one <- function(e) integrate(function(z) plogis(e + psi[p + 1] * z) * dnorm(z), -Inf, Inf, rel.tol = 1e-12)$value
    u <- unique(eta)
    mean(vapply(u, one, 0)[match(eta, u)])
  }
  names <- names(rows)
  est <- vapply(rows, function(x) probability(fit$psi, x), 0)
  jac <- t(vapply(rows, function(x) grad(function(psi) probability(psi, x), fit$psi), fit$psi))
  list(names = names, estimate = unname(est), se = unname(sqrt(diag(jac %*% fit$vcov %*% t(jac)))))
}

if (case == "toenail") {
toenail <- read("toenail")
x <- model.matrix(~ treatment * time, toenail)
out <- c(out, list(
  lme4 = lapply(c(1, 7, 25), function(q) by_lme4(severe ~ treatment * time + (1 | patient), toenail, binomial, q)),
  glmmTMB = by_tmb(severe ~ treatment * time + (1 | patient), toenail, binomial),
  explicit = explicit(x, toenail$severe, toenail$patient, c(-1.6, -0.2, -0.4, -0.1, 4), "binomial")))

}
if (case == "respiratory") {
respiratory <- read("respiratory")
f <- good ~ centre + sex + age + baseline + treatment * visit
x <- model.matrix(f, respiratory)
out <- c(out, list(
  lme4 = lapply(c(1, 7, 25), function(q) by_lme4(update(f, . ~ . + (1 | patient)), respiratory, binomial, q)),
  glmmTMB = by_tmb(update(f, . ~ . + (1 | patient)), respiratory, binomial),
  explicit = explicit(x, respiratory$good, respiratory$patient, c(coef(glm(f, binomial, respiratory)), 1.5), "binomial")))
people <- respiratory[!duplicated(respiratory$patient), ]
rows <- list()
for (arm in levels(respiratory$treatment)) for (visit in levels(respiratory$visit)) {
  d <- people; d$treatment <- factor(arm, levels(respiratory$treatment)); d$visit <- factor(visit, levels(respiratory$visit))
  rows[[paste(arm, visit, sep = "|")]] <- model.matrix(f, d)
}
out$marginal <- marginal(out$explicit, rows)

}
if (case == "infection") {
infection <- read("infection")
x <- model.matrix(~ treatment, infection)
out <- c(out, list(explicit = explicit(x, infection$cured, infection$clinic, c(-1, 0.7, 1.4), "binomial"),
                      lme4 = lapply(c(1, 7, 25), function(q) by_lme4(cured ~ treatment + (1 | clinic), infection, binomial, q))))

}
if (case == "imrs_below20") {
below20 <- read("imrs_below20")
x <- model.matrix(~ arm * visit, below20)
out <- c(out, list(
  lme4 = lapply(c(1, 7, 25), function(q) by_lme4(below20 ~ arm * visit + (1 | patient), below20, binomial, q)),
  glmmTMB = by_tmb(below20 ~ arm * visit + (1 | patient), below20, binomial),
  explicit = explicit(x, below20$below20, below20$patient, c(coef(glm(below20 ~ arm * visit, binomial, below20)), 1.5), "binomial"),
  crossed_glmmTMB = by_tmb(below20 ~ arm + (1 | patient) + (1 | visit), below20, binomial)))

}
if (case == "clustered") {
clustered <- read("clustered_events")
x <- model.matrix(~ arm * time, clustered)
out <- c(out, list(
  nested_glmmTMB = by_tmb(event ~ arm * time + (1 | therapist) + (1 | patient), clustered, binomial),
  independent_glmmTMB = by_tmb(event ~ arm * time + (1 + time || patient), clustered, binomial),
  counts_lme4 = lapply(c(1, 7, 25), function(q) by_lme4(count ~ arm * time + (1 | patient), clustered, poisson, q)),
  counts_explicit = explicit(x, clustered$count, clustered$patient, c(coef(glm(count ~ arm * time, poisson, clustered)), 0.4), "poisson"),
  counts_nested_glmmTMB = by_tmb(count ~ arm * time + (1 | therapist) + (1 | patient), clustered, poisson)))

# Two dimensions, and two levels, by the trapezoidal rule at stated parameters: −2 log L and its gradient.
fine <- seq(-8, 8, by = 0.125)
two <- function(psi) {
  beta <- psi[1:4]; l <- psi[5:7]; total <- 0
  g <- expand.grid(v1 = fine, v2 = fine)
  prior <- dnorm(g$v1, log = TRUE) + dnorm(g$v2, log = TRUE) + 2 * log(0.125)
  u1 <- l[1] * g$v1; u2 <- l[2] * g$v1 + l[3] * g$v2
  fixed <- as.vector(x %*% beta)
  for (i in split(seq_len(nrow(clustered)), clustered$patient)) {
    s <- prior
    for (j in i) { eta <- fixed[j] + u1 + u2 * clustered$time[j]; s <- s + clustered$event[j] * eta - log1p(exp(eta)) }
    top <- max(s); total <- total + top + log(sum(exp(s - top)))
  }
  -2 * total
}
levels2 <- function(psi) {
  beta <- psi[1:4]; total <- 0; fixed <- as.vector(x %*% beta)
  prior <- dnorm(fine, log = TRUE) + log(0.125)
  for (t in split(seq_len(nrow(clustered)), clustered$therapist)) {
    own <- prior
    for (i in split(t, clustered$patient[t], drop = TRUE)) {
      s <- outer(rep(0, length(fine)), prior, "+")
      for (j in i) { eta <- fixed[j] + outer(psi[5] * fine, psi[6] * fine, "+"); s <- s + clustered$event[j] * eta - log1p(exp(eta)) }
      top <- apply(s, 1, max); own <- own + top + log(rowSums(exp(s - top)))
    }
    top <- max(own); total <- total + top + log(sum(exp(own - top)))
  }
  -2 * total
}
at <- c(-0.9, 0.1, 0.4, 0.2, 1.3, -0.1, 0.6)
out$slopes_explicit <- list(psi = at, minus_two_log_likelihood = two(at), gradient = grad(two, at))
at <- c(-0.9, 0.1, 0.4, 0.2, 0.6, 1.3)
out$nested_explicit <- list(psi = at, minus_two_log_likelihood = levels2(at), gradient = grad(levels2, at))

}
write(toJSON(out, digits = NA, auto_unbox = TRUE, pretty = TRUE), paste0(case, ".json"))
