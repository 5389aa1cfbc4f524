# Cumulative logit models by MASS::polr and ordinal::clm, clmm, on invented patients with a fixed seed: trial.csv (three arms,
# 180 patients, one outcome of four ordered categories), visits.csv (120 patients, four visits) and ordinal.json. Standardised
# probabilities, the robust covariance and the score test are computed here from their definitions, on clm's fits.
# Run in this folder: Rscript ordinal.R
suppressMessages({library(MASS); library(ordinal); library(numDeriv); library(jsonlite)})
set.seed(20261203)
logistic <- function(n) qlogis(runif(n))
n <- 180
arm <- sample(rep(c("control", "new", "other"), n / 3)); site <- sample(c("north", "south"), n, TRUE); age <- round(rnorm(n, 42, 11))
eta <- 0.8 * (arm == "new") + 0.3 * (arm == "other") - 0.03 * (age - 42) + 0.4 * (site == "south")
score <- findInterval(eta + logistic(n), c(-0.9, 0.5, 1.8))
words <- c("severe", "moderate", "mild", "none")
d <- data.frame(patient = sprintf("p%03d", 1:n), arm, visit = "week 12", site, age, score, state = words[score + 1])
write.csv(d, "trial.csv", row.names = FALSE, quote = FALSE)
m <- 120
w <- expand.grid(visit = 1:4, patient = 1:m)
u <- rnorm(m, 0, 1.4); a <- sample(rep(c("control", "new"), m / 2))
w$arm <- a[w$patient]
w$score <- findInterval(0.25 * (w$visit - 1) * (1 + (w$arm == "new")) + u[w$patient] + logistic(nrow(w)), c(-1, 0.6, 2)) + 1
w <- w[w$visit == 1 | runif(nrow(w)) > 0.1, ]
w$patient <- sprintf("q%03d", w$patient)
write.csv(w[, c("patient", "arm", "visit", "score")], "visits.csv", row.names = FALSE, quote = FALSE)

formula <- factor(score) ~ arm + site + age
tight <- clm.control(gradTol = 1e-12, maxIter = 200L)
fit <- clm(formula, data = d, control = tight)
theta <- unname(fit$alpha); beta <- unname(fit$beta); K <- length(theta) + 1; q <- length(theta)
x <- model.matrix(~ arm + site + age, d)[, -1]
probability <- function(par, x, k) {          # P(Y <= k)
  if (k == 0) return(rep(0, nrow(x))); if (k == K) return(rep(1, nrow(x)))
  plogis(par[k] - as.vector(x %*% par[-(1:q)]))
}
of_rows <- function(par) { y <- d$score + 1
  below <- sapply(0:K, function(k) probability(par, x, k)); log(below[cbind(1:n, y + 1)] - below[cbind(1:n, y)]) }
par <- c(theta, beta)
bread <- unname(vcov(fit)); scores <- jacobian(of_rows, par)
robust <- bread %*% crossprod(scores) %*% bread
standardised <- function(par) unlist(lapply(levels(factor(d$arm)), function(a) {
  as_if <- transform(d, arm = factor(a, levels(factor(d$arm)))); xa <- model.matrix(~ arm + site + age, as_if)[, -1]
  cumulative <- sapply(1:q, function(k) mean(probability(par, xa, k)))
  c(diff(c(0, cumulative, 1)), cumulative)
}))
J <- jacobian(standardised, par)
by <- function(v) { s <- sqrt(diag(J %*% v %*% t(J))); matrix(s, 3, byrow = TRUE) }
difference <- function(v) { D <- J[(2 * K):(2 * (2 * K - 1)), , drop = FALSE] - J[1:(2 * K - 1), , drop = FALSE]; sqrt(diag(D %*% v %*% t(D))) }
means <- matrix(standardised(par), 3, byrow = TRUE)

# The score test of slopes that differ by category: score and expected information of the larger model at the smaller's optimum.
score_test <- function() {
  r <- ncol(x); wide <- c(theta, rep(beta, q))
  cumulative <- function(par, i) plogis(par[1:q] - sapply(1:q, function(k) sum(x[i, ] * par[q + (k - 1) * r + 1:r])))
  each <- function(par, i) diff(c(0, cumulative(par, i), 1))
  U <- 0; I <- 0
  for (i in 1:n) {
    p <- each(wide, i); G <- jacobian(function(par) each(par, i), wide)     # K x parameters
    U <- U + G[d$score[i] + 1, ] / p[d$score[i] + 1]; I <- I + crossprod(G / sqrt(p))
  }
  list(chi_squared = as.numeric(t(U) %*% solve(I, U)), df = r * (q - 1))
}

by_polr <- polr(formula, d, Hess = TRUE, control = list(reltol = 1e-15, maxit = 1000))
w$y <- factor(w$score); w$v <- factor(w$visit); w$id <- factor(w$patient)
of_clmm <- function(nAGQ) {
  f <- clmm(y ~ arm * v + (1 | id), w, nAGQ = nAGQ, Hess = TRUE, control = clmm.control(gradTol = 1e-8, innerCtrl = "noWarn"))
  list(nAGQ = nAGQ, theta = unname(f$alpha), beta = unname(f$beta), sd = unname(as.numeric(f$ST[[1]])), log_likelihood = as.numeric(logLik(f)),
       se = unname(sqrt(diag(vcov(f)))), gradient = max(abs(f$gradient)))
}
# The same likelihood by the trapezoidal rule over the standard normal deviate, whose error is far below rounding at this step;
# score and Newton's method by numerical differences of the score. Parameters: thresholds, coefficients, standard deviation.
explicit <- function(start, step = 0.05) {
  v <- seq(-9, 9, by = step); prior <- dnorm(v, log = TRUE) + log(step)
  X <- model.matrix(~ arm * v, w)[, -1]; y <- as.integer(w$y); q <- nlevels(w$y) - 1; p <- ncol(X)
  score <- function(psi, value = FALSE) {
    th <- c(-Inf, psi[1:q], Inf); fixed <- as.vector(X %*% psi[q + 1:p]); sd <- psi[q + p + 1]
    total <- 0; g <- numeric(length(psi))
    for (i in split(seq_along(y), w$id)) {
      eta <- outer(fixed[i], sd * v, "+")
      hi <- th[y[i] + 1] - eta; lo <- th[y[i]] - eta
      pr <- plogis(hi) - plogis(lo)
      s <- colSums(log(pr)) + prior; top <- max(s); post <- exp(s - top); total <- total + top + log(sum(post)); post <- post / sum(post)
      a <- dlogis(hi) / pr; b <- dlogis(lo) / pr; r <- b - a               # dl/deta
      g[q + 1:p] <- g[q + 1:p] + colSums(X[i, , drop = FALSE] * as.vector(r %*% post))
      g[q + p + 1] <- g[q + p + 1] + sum(colSums(r) * v * post)
      for (k in seq_along(i)) { if (y[i[k]] <= q) g[y[i[k]]] <- g[y[i[k]]] + sum(a[k, ] * post)
                                if (y[i[k]] > 1) g[y[i[k]] - 1] <- g[y[i[k]] - 1] - sum(b[k, ] * post) }
    }
    if (value) total else g
  }
  at <- start
  for (k in 1:6) { h <- jacobian(score, at); at <- at - as.vector(solve(h, score(at))) }
  h <- jacobian(score, at); h <- (h + t(h)) / 2; V <- solve(-h)
  # Probabilities of the population: a plain average over the arms, no covariate, at the last visit in each arm.
  share <- function(psi) { vv <- seq(-9, 9, by = 0.01); wt <- dnorm(vv) / sum(dnorm(vv)); th <- c(-Inf, psi[1:q], Inf)
    row <- function(new) { r <- numeric(p); names(r) <- colnames(X); r["v4"] <- 1; if (new) { r["armnew"] <- 1; r["armnew:v4"] <- 1 }; r }
    unlist(lapply(c(FALSE, TRUE), function(new) { eta <- sum(row(new) * psi[q + 1:p]) + psi[q + p + 1] * vv
      sapply(1:(q + 1), function(k) sum(wt * (plogis(th[k + 1] - eta) - plogis(th[k] - eta)))) })) }
  J <- jacobian(share, at); m <- share(at)
  list(theta = at[1:q], beta = at[q + 1:p], sd = at[q + p + 1], se = sqrt(diag(V)), log_likelihood = score(at, TRUE),
       decrement = {g <- score(at); sqrt(abs(sum(g * (V %*% g))))}, control = m[1:(q + 1)], new = m[q + 1 + 1:(q + 1)],
       se_control = sqrt(diag(J %*% V %*% t(J)))[1:(q + 1)], se_new = sqrt(diag(J %*% V %*% t(J)))[q + 1 + 1:(q + 1)],
       se_difference = {D <- J[q + 1 + 1:(q + 1), ] - J[1:(q + 1), ]; sqrt(diag(D %*% V %*% t(D)))})
}
fifteen <- of_clmm(15)
versions <- sapply(c("MASS", "ordinal", "numDeriv"), function(p) as.character(packageVersion(p)))
write_json(list(
  engine = c(R = R.version.string, as.list(versions)),
  clm = list(theta = theta, beta = beta, se = unname(sqrt(diag(bread))), robust_se = sqrt(diag(robust)), log_likelihood = as.numeric(logLik(fit))),
  polr = list(theta = unname(by_polr$zeta), beta = unname(coef(by_polr)), se = unname(sqrt(diag(vcov(by_polr))))),
  standardised = list(means = means, se = by(bread), robust_se = by(robust),
                      difference = list(estimate = means[2, ] - means[1, ], se = difference(bread), robust_se = difference(robust))),
  score_test = score_test(),
  clmm = lapply(c(1, 5, 15), of_clmm),
  explicit = explicit(c(fifteen$theta, fifteen$beta, fifteen$sd))
), "ordinal.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
