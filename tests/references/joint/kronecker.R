# Product covariances UN@UN, UN@CS, UN@AR(1), UN@ARH(1) by a direct REML/ML optimisation in base R: nlminb, then Newton steps with the gradient by its formula
# and the Hessian as its Richardson-extrapolated derivative. Satterthwaite and Kenward & Roger (1997) by their formulas, patient by patient with dense matrices, in SAS's natural parameters.
# Run from the repository's root: Rscript tests/references/joint/kronecker.R
source("tests/references/joint/tools.R")
suppressPackageStartupMessages(library(numDeriv))

symmetric <- function(theta, n) { m <- matrix(0, n, n); m[upper.tri(m, TRUE)] <- theta; m[lower.tri(m)] <- t(m)[lower.tri(m)]; m }
# V of its natural parameters; the first variance is 1. The triangle is taken row by row, which upper.tri does for the transpose.
among_visits <- list(
  un = function(rho, n) symmetric(c(1, rho), n),
  cs = function(rho, n) { m <- matrix(rho, n, n); diag(m) <- 1; m },
  ar1 = function(rho, n) rho^abs(outer(1:n, 1:n, "-")),
  ar1h = function(rho, n) { s <- sqrt(c(1, rho[-n])); outer(s, s) * rho[n]^abs(outer(1:n, 1:n, "-")) }
)
# Their derivatives.
lag <- function(n) abs(outer(1:n, 1:n, "-"))
slope_ar1 <- function(rho, n) ifelse(lag(n) == 0, 0, lag(n) * rho^(lag(n) - 1))
among_visits_slopes <- list(
  un = function(rho, n) lapply(seq_along(rho), function(k) symmetric(as.numeric(seq_along(c(1, rho)) == k + 1), n)),
  cs = function(rho, n) list(matrix(1, n, n) - diag(n)),
  ar1 = function(rho, n) list(slope_ar1(rho, n)),
  ar1h = function(rho, n) {
    s <- sqrt(c(1, rho[-n])); r <- rho[n]^lag(n)
    of_variance <- function(k) { d <- numeric(n); d[k] <- 1 / (2 * s[k]); (outer(d, s) + outer(s, d)) * r }
    c(lapply(2:n, of_variance), list(outer(s, s) * slope_ar1(rho[n], n)))
  }
)
starts <- list(
  un = function(n) { m <- 0.5^abs(outer(1:n, 1:n, "-")); m[upper.tri(m, TRUE)][-1] },
  cs = function(n) 0.4, ar1 = function(n) 0.6, ar1h = function(n) c(rep(1, n - 1), 0.6)
)

one_case <- function(id, s, structure, reml) {
  X <- model.matrix(mean_model, s)
  y <- s$value
  visits <- unique(s$visit[order(match(s$visit, sub("^[^ ]+ ", "", levels(s$cell))))])
  cells <- do.call(rbind, lapply(levels(s$cell), function(cell) { row <- s[s$cell == cell, ][1, ]; c(as.integer(row$response), match(row$visit, visits)) }))
  sigma <- function(theta) {
    among <- symmetric(theta[1:3], 2)
    v <- among_visits[[structure]](theta[-(1:3)], length(visits))
    among[cells[, 1], cells[, 1]] * v[cells[, 2], cells[, 2]]
  }
  rows <- split(seq_along(y), s$patient)
  at <- lapply(rows, function(i) as.integer(s$cell)[i])
  N <- length(y); p <- ncol(X)
  solve_at <- function(theta) {
    S <- sigma(theta)
    if (min(eigen(S, TRUE, TRUE)$values) <= 0) return(NULL)
    xwx <- matrix(0, p, p); xwy <- numeric(p); ywy <- 0; ld <- 0
    for (k in seq_along(rows)) {
      R <- chol(S[at[[k]], at[[k]], drop = FALSE])
      xs <- backsolve(R, X[rows[[k]], , drop = FALSE], transpose = TRUE); ys <- backsolve(R, y[rows[[k]]], transpose = TRUE)
      xwx <- xwx + crossprod(xs); xwy <- xwy + crossprod(xs, ys); ywy <- ywy + sum(ys^2); ld <- ld + 2 * sum(log(diag(R)))
    }
    C <- chol(xwx)
    b <- backsolve(C, backsolve(C, xwy, transpose = TRUE))
    value <- ld + ywy - sum(b * xwy) + if (reml) 2 * sum(log(diag(C))) + (N - p) * log(2 * pi) else N * log(2 * pi)
    list(value = value, beta = drop(b), phi = chol2inv(C))
  }
  f <- function(theta) { at <- solve_at(theta); if (is.null(at)) 1e10 else at$value }
  variances <- tapply(residuals(lm(mean_model, s)), s$response, var)
  theta <- c(variances[1], 0.4 * sqrt(prod(variances)), variances[2], starts[[structure]](length(visits)))
  theta <- unname(theta)
  scale <- pmax(abs(theta), 0.1)
  best <- nlminb(theta / scale, function(x) f(x * scale), control = list(rel.tol = 1e-14, iter.max = 2000, eval.max = 5000))
  theta <- best$par * scale
  size <- nrow(cells)
  slopes <- function(theta) {
    rho <- theta[-(1:3)]
    among <- symmetric(theta[1:3], 2); v <- among_visits[[structure]](rho, length(visits))
    at_cells <- function(a, b) a[cells[, 1], cells[, 1]] * b[cells[, 2], cells[, 2]]
    c(lapply(1:3, function(k) at_cells(symmetric(as.numeric(1:3 == k), 2), v)), lapply(among_visits_slopes[[structure]](rho, length(visits)), function(d) at_cells(among, d)))
  }
  gradient <- function(theta) {
    S <- sigma(theta); dS <- slopes(theta); now <- solve_at(theta)
    Reduce(`+`, lapply(split(seq_along(rows), vapply(at, paste, "", collapse = " ")), function(members) {
      own <- at[[members[1]]]
      W <- solve(S[own, own, drop = FALSE])
      squares <- Reduce(`+`, lapply(members, function(k) {
        x <- X[rows[[k]], , drop = FALSE]
        tcrossprod(y[rows[[k]]] - x %*% now$beta) + if (reml) x %*% now$phi %*% t(x) else 0
      }))
      vapply(dS, function(d) { d <- d[own, own, drop = FALSE]; length(members) * sum(W * d) - sum((W %*% d %*% W) * squares) }, numeric(1))
    }))
  }
  curvature <- function(theta) { h <- numDeriv::jacobian(function(x) gradient(x * scale) * scale, theta / scale, method.args = list(d = 1e-3)); (h + t(h)) / 2 }
  for (step in 1:8) {
    g <- gradient(theta) * scale; h <- curvature(theta)
    stopifnot(min(eigen(h, TRUE, TRUE)$values) > 0)
    move <- solve(h, g)
    theta <- theta - move * scale
    if (sum(g * move) < 1e-20) break
  }
  top <- solve_at(theta)
  A <- 2 * solve(curvature(theta)) * outer(scale, scale)
  n <- length(theta)
  dS <- slopes(theta)
  bends <- numDeriv::jacobian(function(x) unlist(slopes(x)), theta, method.args = list(d = 1e-3))
  second <- function(k, l) matrix(bends[(k - 1) * size^2 + seq_len(size^2), l], size)
  P <- rep(list(matrix(0, p, p)), n)
  total <- matrix(0, p, p)
  weighted <- Reduce(`+`, lapply(seq_len(n), function(k) Reduce(`+`, lapply(seq_len(n), function(l) A[k, l] * second(k, l)))))
  S <- sigma(theta)
  for (k in seq_along(rows)) {
    own <- at[[k]]
    W <- solve(S[own, own, drop = FALSE]); x <- X[rows[[k]], , drop = FALSE]
    D <- lapply(dS, function(d) d[own, own, drop = FALSE])
    inner <- -0.25 * weighted[own, own, drop = FALSE]
    for (a in seq_len(n)) {
      P[[a]] <- P[[a]] - t(x) %*% W %*% D[[a]] %*% W %*% x
      for (b in seq_len(n)) inner <- inner + A[a, b] * D[[a]] %*% W %*% D[[b]]
    }
    total <- total + t(x) %*% W %*% inner %*% W %*% x
  }
  for (a in seq_len(n)) for (b in seq_len(n)) total <- total - A[a, b] * P[[a]] %*% top$phi %*% P[[b]]
  adjusted <- top$phi + 2 * top$phi %*% total %*% top$phi
  effects <- match(paste0("cell", levels(s$cell), ":treated"), colnames(X))
  df <- vapply(effects, function(e) {
    g <- vapply(P, function(m) -drop(top$phi[e, ] %*% m %*% top$phi[, e]), numeric(1))
    2 * top$phi[e, e]^2 / drop(t(g) %*% A %*% g)
  }, numeric(1))
  list(
    id = id, software = engine("numDeriv"), structure = structure, reml = reml, log_lik = -top$value / 2, decrement = sum(g * move), n_obs = N, n_subjects = nlevels(s$patient), cells = levels(s$cell), theta = theta,
    theta_vcov = named_rows(A), covariance = named_rows(S), vcov = named_rows(top$phi[effects, effects]),
    effects = data.frame(cell = levels(s$cell), estimate = top$beta[effects], se = sqrt(diag(top$phi)[effects]), df = df, kr_se = sqrt(diag(adjusted)[effects]))
  )
}

data <- list(synthetic = synthetic(), antidepressant = antidepressant())
cases <- list()
for (name in names(data)) for (structure in names(among_visits)) for (reml in c(TRUE, FALSE)) {
  if (!reml && structure != "ar1") next
  cases[[length(cases) + 1]] <- one_case(paste(name, structure, if (reml) "reml" else "ml", sep = "_"), data[[name]], structure, reml)
}
write_reference(cases, "tests/references/joint/kronecker.json")
