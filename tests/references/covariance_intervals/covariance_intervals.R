# Profile-likelihood intervals of covariance parameters, from the likelihoods of nlme::gls and lme4 themselves: for every value of the parameter the
# others are optimised by Newton steps, and the ends are where -2 log-likelihood has risen by the quantile of chi-squared on 1 df (uniroot).
# lme4's own confint() interpolates its profile and is kept beside them, as are the Wald intervals of nlme::intervals().
# Run from the repository's root: Rscript tests/references/covariance_intervals/covariance_intervals.R
source("tests/references/common.R")
source("tests/references/gls/tools.R")
to_the_top_gls <- to_the_top
source("tests/references/random_effects/tools.R")

newton <- function(f, par) {
  if (length(par) == 0) return(par)
  for (step in 1:12) {
    g <- numDeriv::grad(f, par)
    h <- numDeriv::hessian(f, par)
    move <- solve(h, g)
    while (!is.finite(f(par - move)) || f(par - move) > f(par) + 1e-9) move <- move / 2
    par <- par - move
    if (sum(g * move) < 1e-13) break
  }
  par
}

# Ends for coordinate k of `par`, the optimum of f = -2 log-likelihood; `unit` is a first guess of the distance.
ends <- function(f, par, k, level = 0.95) {
  best <- f(par)
  rise <- qchisq(level, 1)
  se <- sqrt(2 * solve(numDeriv::hessian(f, par))[k, k])
  one <- function(direction) {
    rest <- par[-k]
    excess <- function(x) {
      inner <- function(r) f(append(r, x, after = k - 1))
      rest <<- newton(inner, rest)
      inner(rest) - best - rise
    }
    inside <- par[k] + direction * se * 1.2
    outside <- inside
    repeat { outside <- outside + direction * 0.5 * se; if (excess(outside) > 0) break }
    uniroot(excess, sort(c(inside, outside)), tol = 1e-11 * se, maxiter = 100)$root
  }
  c(one(-1), one(1))
}

# sigma at a value of its own instead of the best.
with_sigma <- function(concentrated, best_sigma2, df, sigma2) concentrated + df * (log(sigma2 / best_sigma2) + best_sigma2 / sigma2 - 1)

gls_case <- function(id, d, formula, structure, method, wanted) {
  s <- structures("visit_number", "USUBJID")[[structure]]
  variance <- if (s$heterogeneous) varIdent(form = ~ 1 | visit_number) else NULL
  fit <- to_the_top_gls(do.call(gls, list(model = formula, data = d, correlation = s$correlation, weights = variance, method = method, control = control)), d, formula)
  X <- model.matrix(formula, d); y <- d[[all.vars(formula)[1]]]
  m <- fit$modelStruct
  attr(m, "conLin") <- list(Xy = cbind(X, y), dims = list(N = nrow(X), p = ncol(X), REML = as.integer(method == "REML")), logLik = 0, sigma = 0, fixedSigma = FALSE)
  f <- function(par) -2 * logLik(m, par)
  par <- c(coef(m))
  rows <- list()
  natural <- function(par) { k <- m; coef(k) <- par; k }
  if ("autocorrelation" %in% wanted) {
    value <- function(x) { p <- par; p[1] <- x; unname(coef(natural(p)$corStruct, unconstrained = FALSE)) }
    e <- ends(f, par, 1)
    rows[["correlation"]] <- list(estimate = value(par[1]), lower = value(e[1]), upper = value(e[2]))
  }
  if ("first pair" %in% wanted) {
    value <- function(x) { p <- par; p[1] <- x; c <- natural(p)$corStruct; coef(c, unconstrained = FALSE)[1] }
    e <- ends(f, par, 1)
    rows[["correlation"]] <- list(estimate = unname(value(par[1])), lower = min(value(e[1]), value(e[2])), upper = max(value(e[1]), value(e[2])))
  }
  if ("variance" %in% wanted) {
    df <- nrow(X) - if (method == "REML") ncol(X) else 0
    joint <- function(v) {
      k <- natural(v[-1])
      e <- nlme:::glsEstimate(k)
      with_sigma(f(v[-1]), e$sigma^2, df, exp(v[1]))
    }
    e <- exp(ends(joint, c(log(fit$sigma^2), par), 1))
    rows[["variance"]] <- list(estimate = fit$sigma^2, lower = e[1], upper = e[2])
  }
  out <- list(id = id, software = engine("nlme", "numDeriv"), data = "fev_data", formula = deparse1(formula), structure = structure, reml = method == "REML", profile = rows)
  if (structure == "ar1") {
    w <- intervals(do.call(gls, list(model = formula, data = d, correlation = s$correlation, method = method, control = control)), which = "var-cov")
    out$wald <- list(correlation = as.list(w$corStruct[1, ]), sd = as.list(unclass(w$sigma)[1:3]))
  }
  out
}

lmer_case <- function(id, data, d, formula, reml, slope) {
  top <- to_the_top(formula, d, reml)$fit
  devfun <- lme4::lmer(formula, d, REML = reml, devFunOnly = TRUE, control = tight)
  df <- nobs(top) - if (reml) length(fixef(top)) else 0
  joint <- function(v) {
    # sd of the intercept, [Fisher's z of the correlation, sd of the slope,] residual sd, the sds as logarithms
    sigma <- exp(v[length(v)])
    G <- if (slope) { s <- exp(v[c(1, 3)]); r <- tanh(v[2]); diag(s) %*% matrix(c(1, r, r, 1), 2) %*% diag(s) } else matrix(exp(2 * v[1]))
    L <- t(chol(G)) / sigma
    value <- devfun(L[lower.tri(L, diag = TRUE)])
    e <- environment(devfun)
    with_sigma(value, (e$resp$wrss() + e$pp$sqrL(1)) / df, df, sigma^2)
  }
  G <- unclass(VarCorr(top))[[1]]
  sd <- unname(sqrt(diag(G)))
  par <- if (slope) c(log(sd[1]), atanh(G[1, 2] / prod(sd)), log(sd[2]), log(sigma(top))) else c(log(sd), log(sigma(top)))
  names <- if (slope) c("sd intercept", "correlation", "sd slope", "sd residual") else c("sd intercept", "sd residual")
  rows <- list()
  for (k in seq_along(par)) {
    back <- if (names[k] == "correlation") tanh else exp
    e <- back(ends(joint, par, k))
    rows[[names[k]]] <- list(estimate = back(par[k]), lower = e[1], upper = e[2])
  }
  out <- list(id = id, software = engine("lme4", "numDeriv"), data = data, formula = deparse1(formula), structure = if (slope) "random-intercept-slope" else "random-intercept", reml = reml, profile = rows)
  # Profiling refits with the optimiser of the fit: lme4's own, not the one that stays where it is.
  if (!reml) { ci <- suppressWarnings(suppressMessages(confint(lme4::lmer(formula, d, REML = FALSE), parm = "theta_", method = "profile"))); out$confint <- list(names = names, lower = unname(ci[, 1]), upper = unname(ci[, 2])) }
  out
}

fev <- read_fev(); fev <- fev[!is.na(fev$FEV1), ]
full <- FEV1 ~ RACE + SEX + ARMCD * AVISIT
sleepstudy <- read.csv("tests/references/data/sleepstudy.csv"); sleepstudy$Subject <- factor(sleepstudy$Subject)
cases <- list(
  gls_case("fev_ar1_reml", fev, full, "ar1", "REML", c("autocorrelation", "variance")),
  gls_case("fev_ar1_ml", fev, full, "ar1", "ML", c("autocorrelation", "variance")),
  gls_case("fev_csh_reml", fev, full, "csh", "REML", "autocorrelation"),
  gls_case("fev_us_reml", fev, full, "us", "REML", "first pair"),
  lmer_case("sleepstudy_slope_reml", "sleepstudy", sleepstudy, Reaction ~ Days + (1 + Days | Subject), TRUE, TRUE),
  lmer_case("sleepstudy_slope_ml", "sleepstudy", sleepstudy, Reaction ~ Days + (1 + Days | Subject), FALSE, TRUE),
  lmer_case("sleepstudy_intercept_reml", "sleepstudy", sleepstudy, Reaction ~ Days + (1 | Subject), TRUE, FALSE),
  lmer_case("sleepstudy_intercept_ml", "sleepstudy", sleepstudy, Reaction ~ Days + (1 | Subject), FALSE, FALSE)
)
write_reference(cases, "tests/references/covariance_intervals/covariance_intervals.json")
