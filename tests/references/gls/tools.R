# nlme::gls brought to the top of its own likelihood; used by gls.R and clda/clda.R.
suppressPackageStartupMessages({ library(nlme); library(numDeriv) })

control <- glsControl(maxIter = 500, msMaxIter = 2000, opt = "nlminb")

# gls passes no tolerance on to its optimiser and stops up to 1e-7 below the top of the likelihood, 7e-4 off in a coefficient. The few Newton
# steps here finish the work on gls's own likelihood (nlme:::logLik.glsStruct), with Richardson-extrapolated derivatives.
to_the_top <- function(fit, d, formula) {
  X <- model.matrix(formula, d)
  y <- d[[all.vars(formula)[1]]]
  s <- fit$modelStruct
  attr(s, "conLin") <- list(Xy = cbind(X, y), dims = list(N = nrow(X), p = ncol(X), REML = as.integer(fit$method == "REML")), logLik = 0, sigma = 0, fixedSigma = FALSE)
  f <- function(par) logLik(s, par)
  par <- c(coef(s))
  for (step in 1:6) {
    g <- numDeriv::grad(f, par)
    h <- numDeriv::hessian(f, par)
    stopifnot(max(eigen(h, TRUE, TRUE)$values) < 0)
    par <- par - solve(h, g)
    decrement <- sum(g * solve(-h, g))
    if (decrement < 1e-17) break
  }
  coef(s) <- par
  e <- nlme:::glsEstimate(s)
  stopifnot(e$logLik > as.numeric(fit$logLik) - 1e-10)
  N <- nrow(X); p <- ncol(X)
  fit$sigma <- e$sigma
  fit$coefficients <- e$beta
  fit$varBeta[] <- crossprod(e$sigma * e$varBeta * sqrt((N - (fit$method == "REML") * p) / (N - p)))
  fit$logLik <- e$logLik
  attr(s, "conLin") <- NULL
  fit$modelStruct <- s
  fit$decrement <- decrement
  fit
}

# Visits that a patient misses must keep their place, so every correlation structure is told the visit's number.
structures <- function(visit, subject) {
  by <- function(lhs) as.formula(paste("~", lhs, "|", subject))
  list(
    us = list(correlation = corSymm(form = by("visit_number")), heterogeneous = TRUE),
    cs = list(correlation = corCompSymm(form = by("visit_number")), heterogeneous = FALSE),
    csh = list(correlation = corCompSymm(form = by("visit_number")), heterogeneous = TRUE),
    ar1 = list(correlation = corAR1(form = by("visit_number")), heterogeneous = FALSE),
    ar1h = list(correlation = corAR1(form = by("visit_number")), heterogeneous = TRUE)
  )
}

# The fitted covariance on the full grid of visits: variances from varIdent, correlations from a patient seen at every visit.
fitted_sigma <- function(fit, d, visit, subject) {
  seen <- table(d[[subject]])
  whole <- names(seen)[seen == nlevels(d[[visit]])][1]
  r <- corMatrix(fit$modelStruct$corStruct)[[whole]]
  ratio <- setNames(rep(1, nlevels(d[[visit]])), levels(d[[visit]]))
  vf <- fit$modelStruct$varStruct
  parts <- if (inherits(vf, "varComb")) unclass(vf) else list(vf)
  for (part in parts) if (inherits(part, "varIdent")) {
    w <- coef(part, unconstrained = FALSE, allCoef = TRUE)
    ratio[names(w)] <- w
  }
  s <- fit$sigma * ratio
  unname(diag(s) %*% r %*% diag(s))
}

# gls scales vcov by N / (N - p) under ML; this is the inverse information, as everyone else reports it.
information_vcov <- function(fit) vcov(fit) * (if (fit$method == "ML") with(fit$dims, (N - p) / N) else 1)
