# Covariance structures beyond those of ../gls and ../mmrm: nlme::gls where it has them, nlme::lme for a random intercept with autoregressive
# errors, and where no package has the structure, the likelihood written out in base R, patient by patient, and maximised from many starts.
# Run from the repository's root: Rscript tests/references/structures/structures.R
source("tests/references/common.R")
source("tests/references/gls/tools.R")

fev <- subset(read_fev(), !is.na(FEV1))
fev$place <- fev$visit_number
anti <- read_antidepressant()
anti$place <- anti$week
data <- list(
  fev = list(name = "fev_data", d = fev, formula = FEV1 ~ RACE + SEX + ARMCD * AVISIT, visit = "AVISIT", subject = "USUBJID", places = 1:4),
  antidepressant = list(name = "antidepressant_data", d = anti, formula = CHANGE ~ BASVAL * VISIT + THERAPY * VISIT, visit = "VISIT", subject = "PATIENT", places = c(1, 2, 4, 6))
)

case <- function(id, engine, which, structure, reml, log_lik, decrement, beta, vcov, sigma) list(
  id = id, software = engine, data = which$name, formula = deparse1(which$formula), covariance_structure = structure, reml = reml,
  n_obs = nrow(which$d), n_subjects = nlevels(droplevels(which$d[[which$subject]])), log_lik = log_lik, decrement = decrement,
  coefficients = data.frame(term = names(beta), estimate = unname(beta), se = unname(sqrt(diag(vcov)))), covariance = list(all = named_rows(unname(sigma)))
)

# --- nlme::gls ---------------------------------------------------------------------------------------------------------------------------
# An autoregression of order T - 1 on T visits is any stationary correlation: the Toeplitz structure.
with_gls <- function(id, which, structure, correlation, heterogeneous, reml) {
  form <- function(lhs) as.formula(paste("~", lhs, "|", which$subject))
  correlation <- switch(correlation, toep = corARMA(form = form("visit_number"), p = 3), exp = corExp(form = form("place")), gaus = corGaus(form = form("place")))
  variance <- if (heterogeneous) varIdent(form = as.formula(paste("~ 1 |", which$visit)))
  fit <- do.call(gls, list(model = which$formula, data = which$d, correlation = correlation, weights = variance, method = if (reml) "REML" else "ML", control = control))
  fit <- to_the_top(fit, which$d, which$formula)
  case(id, engine("nlme", "numDeriv"), which, structure, reml, as.numeric(logLik(fit)), fit$decrement, coef(fit), information_vcov(fit), fitted_sigma(fit, which$d, which$visit, which$subject))
}

# --- the likelihood written out ------------------------------------------------------------------------------------------------------------
direct <- function(id, which, structure, sigma_of, starts, reml, software = engine("numDeriv")) {
  X <- model.matrix(which$formula, which$d)
  y <- which$d[[all.vars(which$formula)[1]]]
  patients <- split(seq_len(nrow(X)), droplevels(which$d[[which$subject]]))
  seen <- lapply(patients, function(rows) which$d$visit_number[rows])
  by_pattern <- split(seq_along(patients), vapply(seen, paste, "", collapse = " "))
  parts <- lapply(by_pattern, function(ids) list(visits = seen[[ids[1]]], X = lapply(ids, function(i) X[patients[[i]], , drop = FALSE]), y = lapply(ids, function(i) y[patients[[i]]])))
  parts <- lapply(parts, function(p) list(visits = p$visits, n = length(p$y), Y = do.call(cbind, p$y), X = do.call(cbind, p$X)))
  evaluate <- function(par) {
    S <- sigma_of(par)
    if (any(!is.finite(S)) || inherits(try(chol(S), silent = TRUE), "try-error")) return(NULL)
    A <- matrix(0, ncol(X), ncol(X)); b <- numeric(ncol(X)); q <- 0; log_det <- 0
    for (p in parts) {
      U <- chol(S[p$visits, p$visits, drop = FALSE])
      log_det <- log_det + p$n * 2 * sum(log(diag(U)))
      Wy <- backsolve(U, p$Y, transpose = TRUE)
      WX <- backsolve(U, p$X, transpose = TRUE)
      m <- length(p$visits)
      # Patients below each other again.
      x <- matrix(aperm(array(WX, c(m, ncol(X), p$n)), c(1, 3, 2)), m * p$n, ncol(X))
      A <- A + crossprod(x); b <- b + crossprod(x, c(Wy)); q <- q + sum(Wy^2)
    }
    beta <- solve(A, b)
    N <- nrow(X) - if (reml) ncol(X) else 0
    value <- N * log(2 * pi) + log_det + q - sum(b * beta) + if (reml) as.numeric(determinant(A)$modulus) else 0
    list(log_lik = -value / 2, beta = setNames(c(beta), colnames(X)), vcov = solve(A), sigma = S)
  }
  f <- function(par) { e <- evaluate(par); if (is.null(e)) Inf else -e$log_lik }
  # The simplex finds its way where much of the space is out of range (Huynh-Feldt).
  if (structure == "huynh-feldt") starts <- lapply(starts[1:2], function(s) optim(s, f, control = list(maxit = 5000, reltol = 1e-10))$par)
  fits <- lapply(starts, function(s) nlminb(s, f, control = list(rel.tol = 1e-14, iter.max = 2000, eval.max = 5000)))
  par <- fits[[which.min(vapply(fits, function(x) x$objective, 0))]]$par
  for (round in 1:3) par <- optim(par, f, method = "BFGS", control = list(reltol = 1e-15, maxit = 2000))$par
  for (step in 1:8) {
    g <- numDeriv::grad(f, par); h <- numDeriv::hessian(f, par, method.args = list(d = 0.01))
    if (min(eigen(h, TRUE, TRUE)$values) <= 0) stop(id, ": no maximum at ", paste(format(par), collapse = " "), ", objective ", f(par))
    par <- par - solve(h, g)
    decrement <- sum(g * solve(h, g))
    if (decrement < 1e-17) break
  }
  e <- evaluate(par)
  message(id, ": ", e$log_lik, ", decrement ", decrement)
  case(id, software, which, structure, reml, e$log_lik, decrement, e$beta, e$vcov, e$sigma)
}

T <- 4
lag <- abs(outer(1:T, 1:T, "-"))
banded <- function(S, q) S * (lag < q)
shapes <- function(which) {
  d <- as.matrix(dist(which$places)); dimnames(d) <- NULL
  scale <- function(v) diag(exp(v / 2))
  loadings <- function(l) matrix(l, T, 1)
  ar <- function(z) tanh(z)^lag
  v <- log(var(which$d[[all.vars(which$formula)[1]]]))
  many <- function(f) { set.seed(20240501); lapply(1:3, function(k) f(0.3 * k * rnorm(40))) }
  list(
    "huynh-feldt" = list(function(p) { s <- exp(p[1:4]); S <- outer(s, s, "+") / 2 - exp(p[5]); diag(S) <- s; S }, many(function(z) c(v + 0.1 * z[1:4], v - 0.7 + 0.1 * z[5]))),
    "factor-analytic(1)" = list(function(p) tcrossprod(loadings(p[1:4])) + diag(exp(p[5:8])), many(function(z) c(exp(v / 2) * (0.7 + 0.2 * z[1:4]), v - 1 + z[5:8]))),
    "factor-analytic-common-variance(1)" = list(function(p) tcrossprod(loadings(p[1:4])) + diag(exp(p[5]), T), many(function(z) c(exp(v / 2) * (0.7 + 0.2 * z[1:4]), v - 1 + z[5]))),
    "factor-analytic-common-variance(2)" = list(function(p) { L <- cbind(p[1:4], c(0, p[5:7])); tcrossprod(L) + diag(exp(p[8]), T) }, many(function(z) c(exp(v / 2) * (0.7 + 0.2 * z[1:4]), exp(v / 2) * 0.3 * z[5:7], v - 1 + z[8]))),
    "unstructured(2)" = list(function(p) { S <- diag(exp(p[1:4])); for (a in 2:T) S[a, a - 1] <- S[a - 1, a] <- tanh(p[3 + a]) * sqrt(S[a, a] * S[a - 1, a - 1]); S }, many(function(z) c(v + z[1:4] / 4, 0.3 + 0.05 * z[5:7]))),
    "toeplitz(2)" = list(function(p) exp(p[1]) * banded(tanh(p[2])^lag, 2), many(function(z) c(v + z[1], 0.3 + 0.05 * z[2]))),
    "toeplitz(3)" = list(function(p) exp(p[1]) * (diag(T) + tanh(p[2]) * (lag == 1) + tanh(p[3]) * (lag == 2)), many(function(z) c(v + z[1], 0.3 + 0.05 * z[2], 0.1 + 0.05 * z[3]))),
    "heterogeneous-toeplitz(2)" = list(function(p) { s <- scale(p[1:4]); s %*% banded(tanh(p[5])^lag, 2) %*% s }, many(function(z) c(v + z[1:4] / 4, 0.3 + 0.05 * z[5]))),
    "spatial-power" = list(function(p) exp(p[1]) * plogis(p[2])^d, many(function(z) c(v + z[1], z[2]))),
    "random-intercept + autoregressive" = list(function(p) exp(p[1]) + exp(p[2]) * ar(p[3]), many(function(z) c(v - 1 + z[1], v - 1 + z[2], 0.3 + 0.2 * z[3]))),
    "random-intercept + heterogeneous-autoregressive" = list(function(p) { s <- scale(p[2:5]); exp(p[1]) + s %*% ar(p[6]) %*% s }, many(function(z) c(v - 1 + z[1], v - 1 + z[2:5] / 2, 0.3 + 0.2 * z[6]))),
    "random-intercept-slope + autoregressive" = list(function(p) { Z <- cbind(1, which$places); L <- matrix(c(exp(p[1]), p[2], 0, exp(p[3])), 2); tcrossprod(Z %*% L) + exp(p[4]) * ar(p[5]) }, many(function(z) c(v / 2 - 0.5 + z[1] / 2, 0.1 * z[2], v / 2 - 1.5 + z[3] / 2, v - 1 + z[4] / 2, 0.3 + 0.1 * z[5])))
  )
}

cases <- list()
add <- function(x) cases[[length(cases) + 1]] <<- x
for (name in names(data)) for (reml in c(TRUE, FALSE)) {
  if (name == "antidepressant" && !reml) next
  which <- data[[name]]
  id <- function(structure) paste(name, gsub("[^a-z0-9]+", "_", structure), if (reml) "reml" else "ml", sep = "_")
  add(with_gls(id("toeplitz"), which, "toeplitz", "toep", FALSE, reml))
  add(with_gls(id("heterogeneous-toeplitz"), which, "heterogeneous-toeplitz", "toep", TRUE, reml))
  add(with_gls(id("spatial-exponential"), which, "spatial-exponential", "exp", FALSE, reml))
  add(with_gls(id("spatial-gaussian"), which, "spatial-gaussian", "gaus", FALSE, reml))
  shape <- shapes(which)
  for (structure in names(shape)) {
    # Here the slope's variance vanishes, and logarithms do not reach zero.
    if (structure == "random-intercept-slope + autoregressive" && name == "antidepressant") next
    add(direct(id(structure), which, structure, shape[[structure]][[1]], shape[[structure]][[2]], reml))
  }
  # nlme::lme, a second opinion on the sum of a random intercept and an autoregression; it stops short of the top, so only its likelihood counts.
  # On the antidepressant trial its optimiser leaves the range of the autoregression and gives up.
  if (name == "antidepressant") next
  lme_fit <- lme(which$formula, random = as.formula(paste("~ 1 |", which$subject)), correlation = corAR1(form = as.formula(paste("~ visit_number |", which$subject))), data = which$d,
    method = if (reml) "REML" else "ML", control = lmeControl(maxIter = 500, msMaxIter = 2000, opt = "optim", returnObject = TRUE))
  written_out <- Filter(function(x) x$id == id("random-intercept + autoregressive"), cases)[[1]]
  message(id("lme"), ": lme ", as.numeric(logLik(lme_fit)), ", written out ", written_out$log_lik)
  stopifnot(abs(as.numeric(logLik(lme_fit)) - written_out$log_lik) < 1e-6)
}
write_reference(cases, "tests/references/structures/structures.json")
