# The peers, each taken to the top of its own likelihood. Each returns log_lik, decrement, beta, vcov and theta: the covariance parameters in the order of
# dense.R, as far as it has them. Run after tests/references/common.R.
suppressPackageStartupMessages({ library(lme4); library(lmerTest); library(pbkrtest); library(nlme); library(glmmTMB); library(numDeriv) })

# --- lme4 ------------------------------------------------------------------------------------------------------------------------------------
tight <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-12, maxfun = 200000), calc.derivs = FALSE, check.conv.singular = "ignore")

# Newton on lme4's own deviance function (theta only, sigma profiled); what is zero at bobyqa's end stays zero where the deviance rises from there.
with_lme4 <- function(formula, d, reml, terms) {
  start <- lme4::lmer(formula, d, REML = reml, control = tight)
  devfun <- lme4::lmer(formula, d, REML = reml, control = tight, devFunOnly = TRUE)
  theta <- getME(start, "theta")
  free <- theta > 1e-4 | getME(start, "lower") < 0
  at <- function(x) { theta[free] <- x; theta }
  for (step in 1:10) {
    g <- numDeriv::grad(function(x) devfun(at(x)), theta[free])
    h <- numDeriv::hessian(function(x) devfun(at(x)), theta[free])
    stopifnot(min(eigen(h, TRUE, TRUE)$values) > 0)
    theta <- at(theta[free] - solve(h, g))
    decrement <- sum(g * solve(h, g))
    if (decrement < 1e-16) break
  }
  for (k in which(!free)) { theta[k] <- 0; stopifnot(devfun(replace(theta, k, 1e-3)) > devfun(theta)) }
  # The optimiser is handed the answer and told to stay there.
  stay <- function(fn, par, lower, upper, control) list(par = par, fval = fn(par), feval = 1, conv = 0, message = "start is the optimum")
  fit <- suppressMessages(lmerTest::lmer(formula, d, REML = reml, start = theta, control = lmerControl(optimizer = stay, calc.derivs = FALSE, check.conv.singular = "ignore")))
  G <- VarCorr(fit)
  of_term <- function(term) {
    # (1 + x || g) is two terms of lme4.
    own <- G[sub("\\.[0-9]+$", "", names(G)) == term$peer]
    k <- ncol(term$effects)
    if (!term$correlated) return(vapply(colnames(term$effects), function(e) Filter(function(m) colnames(m) == e, own)[[1]][1, 1], 1))
    stopifnot(length(own) == 1, nrow(own[[1]]) == k)
    own[[1]][triangle(k)]
  }
  list(fit = fit, engine = engine("lme4", "lmerTest", "pbkrtest", "numDeriv"), call = deparse1(formula), log_lik = as.numeric(logLik(fit)), decrement = decrement, singular = isSingular(fit, 1e-6),
    beta = fixef(fit), vcov = as.matrix(vcov(fit)), theta = unname(c(sigma(fit)^2, unlist(lapply(terms, of_term)))))
}

# Degrees of freedom of lmerTest (observed information, by differences) and pbkrtest (expected).
df_of_lme4 <- function(fit, reml, contrasts, tests) {
  p <- length(fixef(fit))
  L <- rbind(diag(p), do.call(rbind, contrasts))
  out <- list(lmertest_df = contest(fit, L, joint = FALSE, ddf = "Satterthwaite")$df)
  out$lmertest_tests <- lapply(tests, function(l) { t <- contestMD(fit, l, ddf = "Satterthwaite"); list(f = t$`F value`, num_df = t$NumDF, denom_df = t$DenDF) })
  if (reml) {
    V <- vcovAdj(fit)
    out$pbkrtest_df <- apply(L, 1, function(l) Lb_ddf(l, vcov(fit), V))
    out$pbkrtest_se <- sqrt(rowSums((L %*% as.matrix(V)) * L))
    out$pbkrtest_tests <- lapply(tests, function(l) { t <- contestMD(fit, l, ddf = "Kenward-Roger"); list(f = t$`F value`, num_df = t$NumDF, denom_df = t$DenDF) })
  }
  out
}

# --- nlme::lme -------------------------------------------------------------------------------------------------------------------------------
# lme with its call of nlminb followed by Newton steps on the same objective, its own log-likelihood.
decrement_of_lme <- NA
polished <- function(start, objective, ...) {
  found <- stats::nlminb(start, objective, control = list(iter.max = 2000, eval.max = 5000, rel.tol = 1e-14))
  par <- found$par
  for (step in 1:8) {
    g <- numDeriv::grad(objective, par)
    h <- numDeriv::hessian(objective, par)
    stopifnot(min(eigen(h, TRUE, TRUE)$values) > 0)
    par <- par - solve(h, g)
    decrement_of_lme <<- sum(g * solve(h, g))
    if (decrement_of_lme < 1e-16) break
  }
  list(par = par, objective = objective(par), convergence = 0, iterations = 1, message = "polished")
}
lme_to_the_top <- nlme:::lme.formula
environment(lme_to_the_top) <- list2env(list(nlminb = polished), parent = environment(nlme:::lme.formula))

with_lme <- function(fixed, d, reml, random, correlation, weights, theta_of) {
  fit <- do.call(lme_to_the_top, list(fixed = fixed, data = d, random = random, correlation = correlation, weights = weights, method = if (reml) "REML" else "ML",
    control = lmeControl(maxIter = 100, msMaxIter = 2000, niterEM = 30, opt = "nlminb", tolerance = 1e-9, returnObject = TRUE, sigma = 0)))
  list(fit = fit, engine = engine("nlme", "numDeriv"), log_lik = as.numeric(logLik(fit)), decrement = decrement_of_lme, beta = fixef(fit), vcov = vcov(fit), theta = theta_of(fit))
}

# The residual covariance on the full grid of visits: ratios of varIdent, correlations of a patient seen at every visit.
sigma_of_lme <- function(fit, visits) {
  R <- if (is.null(fit$modelStruct$corStruct)) diag(length(visits)) else {
    m <- corMatrix(fit$modelStruct$corStruct)
    m[[which(vapply(m, nrow, 1L) == length(visits))[1]]]
  }
  ratio <- setNames(rep(1, length(visits)), visits)
  if (!is.null(fit$modelStruct$varStruct)) { w <- coef(fit$modelStruct$varStruct, unconstrained = FALSE, allCoef = TRUE); ratio[names(w)] <- w }
  s <- fit$sigma * ratio
  unname(outer(s, s) * R)
}

# --- glmmTMB ---------------------------------------------------------------------------------------------------------------------------------
# Newton on glmmTMB's own objective with its own (automatic) gradient. The covariance of the coefficients is the inverse of its Hessian in them at
# the covariance parameters found: vcov() of glmmTMB adds the uncertainty of those.
# dispformula = ~0 leaves a residual variance of 1.5e-8 whose inverse eats the digits; one fixed well below the smallest eigenvalue of Sigma and counted
# as part of it is the same model.
with_glmmtmb <- function(formula, d, reml, theta_of, residual = NULL) {
  fixed <- if (!is.null(residual)) list(start = list(betad = log(residual)), map = list(betad = factor(NA)))
  fit <- suppressWarnings(glmmTMB(formula, data = d, REML = reml, start = fixed$start, map = fixed$map, control = glmmTMBControl(optCtrl = list(iter.max = 5000, eval.max = 5000, rel.tol = 1e-13))))
  obj <- fit$obj
  par <- fit$fit$par
  for (step in 1:8) {
    g <- drop(obj$gr(par))
    h <- numDeriv::jacobian(function(x) drop(obj$gr(x)), par)
    h <- (h + t(h)) / 2
    stopifnot(min(eigen(h, TRUE, TRUE)$values) > 0)
    par <- par - solve(h, g)
    decrement <- sum(g * solve(h, g))
    if (decrement < 1e-18) break
  }
  log_lik <- -obj$fn(par)
  all <- obj$env$last.par
  report <- obj$report(all)
  if (reml) {
    H <- as.matrix(obj$env$spHess(all, random = TRUE))
    own <- names(all)[obj$env$random] == "beta"
    V <- solve(H)[own, own]
  } else {
    own <- which(names(par) == "beta")
    V <- solve(h[own, own])
  }
  beta <- setNames(unname(all[names(all) == "beta"]), colnames(getME(fit, "X")))
  list(fit = fit, engine = engine("glmmTMB", "TMB", "numDeriv"), log_lik = log_lik, decrement = decrement, beta = beta, vcov = V, theta = theta_of(report), residual = residual)
}
