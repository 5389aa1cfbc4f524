# A linear mixed model written out: V as one dense matrix, its REML or ML likelihood with the gradient and the observed Hessian by their formulas
# (Harville 1977; Gilmour, Thompson and Cullis 1995), Newton to the top, Satterthwaite and Kenward and Roger (1997) from explicit matrices. No package
# fits therapists crossed with groups beside an unstructured covariance within patients and gives degrees of freedom; this does, slowly.
#
#   y = X b + sum_terms Z u + e,   V = sum_terms Z (I x G) Z' + blockdiag(Sigma_i),   theta = (Sigma group by group, G term by term)
suppressPackageStartupMessages({ library(Matrix); library(numDeriv) })

# A covariance among visits: names of parameters, start, Sigma, its first derivatives, its second ones (NULL where linear).
unit <- function(T, a, b) { m <- matrix(0, T, T); m[a, b] <- m[b, a] <- 1; m }
triangle <- function(T) do.call(rbind, lapply(seq_len(T), function(a) cbind(a, seq_len(a))))
linear <- function(basis, start, names) list(
  names = names, start = start, sigma = function(th) Reduce(`+`, Map(`*`, basis, th)), slopes = function(th) basis, bends = NULL
)
lag <- function(T) abs(outer(seq_len(T), seq_len(T), "-"))
structures <- list(
  # The covariance of independent residuals is sigma^2 I.
  independent = function(T, S) linear(list(diag(T)), mean(diag(S)), "sigma^2"),
  us = function(T, S) {
    at <- triangle(T)
    linear(lapply(seq_len(nrow(at)), function(k) unit(T, at[k, 1], at[k, 2])), S[at], sprintf("sigma(%d,%d)", at[, 1], at[, 2]))
  },
  cs = function(T, S) linear(list(matrix(1, T, T), diag(T)), c(0.4, 0.6) * mean(diag(S)), c("sigma_1", "sigma^2")),
  ar1 = function(T, S) list(
    names = c("sigma^2", "rho"), start = c(mean(diag(S)), 0.5),
    sigma = function(th) th[1] * th[2]^lag(T),
    slopes = function(th) list(th[2]^lag(T), th[1] * ifelse(lag(T) == 0, 0, lag(T) * th[2]^(lag(T) - 1))),
    bends = function(th) {
      cross <- ifelse(lag(T) == 0, 0, lag(T) * th[2]^(lag(T) - 1))
      twice <- th[1] * ifelse(lag(T) < 2, 0, lag(T) * (lag(T) - 1) * th[2]^(lag(T) - 2))
      list(list(NULL, cross), list(cross, twice))
    }
  ),
  csh = function(T, S) heterogeneous(T, S, function(r) { m <- matrix(r, T, T); diag(m) <- 1; m }, function(r) 1 - diag(T), function(r) NULL),
  ar1h = function(T, S) heterogeneous(T, S, function(r) r^lag(T), function(r) ifelse(lag(T) == 0, 0, lag(T) * r^(lag(T) - 1)),
    function(r) ifelse(lag(T) < 2, 0, lag(T) * (lag(T) - 1) * r^(lag(T) - 2)))
)
# theta = (variances, rho); Sigma_ab = sqrt(v_a v_b) R_ab(rho).
heterogeneous <- function(T, S, R, dR, ddR) {
  scale <- function(v) outer(sqrt(v), sqrt(v))
  # d sqrt(v_a v_b) / d v_k: half of it over v_k, once for each of a and b that is k.
  count <- function(k) outer(seq_len(T) == k, seq_len(T) == k, "+")
  list(
    names = c(sprintf("sigma^2(%d)", seq_len(T)), "rho"), start = c(diag(S), 0.5),
    sigma = function(th) scale(th[1:T]) * R(th[T + 1]),
    slopes = function(th) {
      v <- th[1:T]
      c(lapply(seq_len(T), function(k) scale(v) * R(th[T + 1]) * count(k) / (2 * v[k])), list(scale(v) * dR(th[T + 1])))
    },
    bends = function(th) {
      v <- th[1:T]; s <- scale(v)
      lapply(seq_len(T + 1), function(k) lapply(seq_len(T + 1), function(l) {
        if (k <= T && l <= T) s * R(th[T + 1]) * (count(k) * count(l) / (4 * v[k] * v[l]) - if (k == l) count(k) / (2 * v[k]^2) else 0)
        else if (k <= T || l <= T) s * dR(th[T + 1]) * count(min(k, l)) / (2 * v[min(k, l)])
        else if (is.null(ddR(th[T + 1]))) NULL else s * ddR(th[T + 1])
      }))
    }
  )
}

# residual: list(subject, visit = places 1..T, T, structure, by = NULL or a factor). terms: list(factor, effects = matrix of what multiplies the effects,
# correlated). An NA of the factor belongs to no level.
parts_of <- function(d, residual, terms, S) {
  n <- nrow(d)
  same <- sparseMatrix(i = seq_len(n), j = as.integer(residual$subject), x = 1, dims = c(n, nlevels(residual$subject)))
  pairs <- as(as(tcrossprod(same), "generalMatrix"), "TsparseMatrix")
  by <- if (is.null(residual$by)) factor(rep("all", n)) else residual$by
  blocks <- lapply(levels(by), function(g) {
    structure <- structures[[residual$structure]](residual$T, S[[g]])
    keep <- by[pairs@i + 1] == g & by[pairs@j + 1] == g
    at <- cbind(residual$visit[pairs@i[keep] + 1], residual$visit[pairs@j[keep] + 1])
    spread <- function(m) sparseMatrix(i = pairs@i[keep] + 1, j = pairs@j[keep] + 1, x = m[at], dims = c(n, n))
    c(structure, list(spread = spread, group = g, term = "residual"))
  })
  clusters <- lapply(terms, function(term) {
    k <- ncol(term$effects)
    f <- as.integer(term$factor); inside <- !is.na(f)
    Z <- lapply(seq_len(k), function(a) sparseMatrix(i = which(inside), j = f[inside], x = term$effects[inside, a], dims = c(n, nlevels(term$factor))))
    at <- if (term$correlated) triangle(k) else cbind(seq_len(k), seq_len(k))
    basis <- lapply(seq_len(nrow(at)), function(r) unit(k, at[r, 1], at[r, 2]))
    start <- ifelse(at[, 1] == at[, 2], 0.15 * mean(diag(S[[1]])) / colMeans(term$effects^2)[at[, 1]], 0)
    spread <- function(m) Reduce(`+`, lapply(seq_len(k), function(a) Reduce(`+`, lapply(seq_len(k), function(b) m[a, b] * tcrossprod(Z[[a]], Z[[b]])))))
    c(linear(basis, start, sprintf("%s,%s", colnames(term$effects)[at[, 1]], colnames(term$effects)[at[, 2]])), list(spread = spread, group = NA, term = term$name, Z = Z))
  })
  c(blocks, clusters)
}

dense <- function(y, X, parts, reml, start = NULL) {
  N <- length(y); p <- ncol(X)
  sizes <- vapply(parts, function(s) length(s$start), 1L)
  owner <- rep(seq_along(parts), sizes)
  split_theta <- function(th) unname(split(th, owner))
  V_of <- function(th) as.matrix(Reduce(`+`, Map(function(s, t) s$spread(s$sigma(t)), parts, split_theta(th))))
  definite <- function(th) all(mapply(function(s, t) {
    S <- suppressWarnings(as.matrix(s$sigma(t)))
    all(is.finite(S)) && min(eigen(S, TRUE, TRUE)$values) > 0
  }, parts, split_theta(th)))
  fixed_slopes <- lapply(parts, function(s) if (is.null(s$bends)) lapply(s$slopes(s$start), s$spread))
  slopes_of <- function(th) do.call(c, lapply(seq_along(parts), function(j) if (is.null(fixed_slopes[[j]])) lapply(parts[[j]]$slopes(split_theta(th)[[j]]), parts[[j]]$spread) else fixed_slopes[[j]]))
  bends_of <- function(th) {
    bends <- matrix(list(), length(th), length(th))
    for (j in seq_along(parts)) if (!is.null(parts[[j]]$bends)) {
      own <- which(owner == j); b <- parts[[j]]$bends(th[own])
      for (k in seq_along(own)) for (l in seq_along(own)) if (!is.null(b[[k]][[l]])) bends[[own[k], own[l]]] <- parts[[j]]$spread(b[[k]][[l]])
    }
    bends
  }
  at <- function(th) {
    if (!definite(th)) return(NULL)
    U <- tryCatch(chol(V_of(th)), error = function(e) NULL)
    if (is.null(U)) return(NULL)
    W <- chol2inv(U)
    WX <- W %*% X
    C <- chol(crossprod(X, WX))
    phi <- chol2inv(C)
    beta <- phi %*% crossprod(WX, y)
    r <- y - X %*% beta
    e <- W %*% r
    value <- 2 * sum(log(diag(U))) + sum(r * e) + if (reml) 2 * sum(log(diag(C))) + (N - p) * log(2 * pi) else N * log(2 * pi)
    # tr(P .) of REML, tr(W .) of ML; P y = W r in both.
    P <- W - WX %*% phi %*% t(WX)
    list(value = value, beta = drop(beta), phi = phi, W = W, WX = WX, e = drop(e), P = P)
  }
  f <- function(th) { now <- at(th); if (is.null(now)) Inf else now$value }
  gradient <- function(th) {
    now <- at(th); M <- if (reml) now$P else now$W
    vapply(slopes_of(th), function(D) sum(M * D) - sum(now$e * (D %*% now$e)), 1)
  }
  curvature <- function(th, expected = FALSE) {
    now <- at(th); M <- if (reml) now$P else now$W
    D <- slopes_of(th); B <- bends_of(th); K <- length(D)
    MD <- lapply(D, function(d) as.matrix(M %*% d))
    De <- lapply(D, function(d) as.vector(d %*% now$e))
    H <- matrix(0, K, K)
    for (k in seq_len(K)) for (l in seq_len(k)) {
      trace <- sum(MD[[k]] * t(MD[[l]]))
      h <- if (expected) trace else 2 * sum(De[[k]] * (now$P %*% De[[l]])) - trace
      if (!expected && !is.null(B[[k, l]])) h <- h + sum(M * B[[k, l]]) - sum(now$e * (B[[k, l]] %*% now$e))
      H[k, l] <- H[l, k] <- h
    }
    H
  }
  theta <- if (is.null(start)) unlist(lapply(parts, `[[`, "start")) else start
  scale <- pmax(abs(theta), 1e-3 * max(abs(theta)))
  search <- nlminb(theta / scale, function(x) f(x * scale), function(x) gradient(x * scale) * scale, function(x) curvature(x * scale) * outer(scale, scale),
    control = list(rel.tol = 1e-12, iter.max = 300, eval.max = 1000))
  theta <- search$par * scale
  for (step in 1:12) {
    g <- gradient(theta); H <- curvature(theta)
    move <- solve(H, g)
    while (is.null(at(theta - move))) move <- move / 2
    theta <- theta - move
    decrement <- sum(g * move)
    if (abs(decrement) < 1e-21) break
  }
  s <- 1 / sqrt(diag(H))
  stopifnot(min(eigen(H * outer(s, s), TRUE, TRUE)$values) > 0, decrement < 1e-18)
  # The formulas are held to Richardson-extrapolated differences.
  scale <- abs(theta) + 1e-2 * max(abs(theta))
  differences <- numDeriv::grad(function(x) f(x * scale), theta / scale * 1.001) / scale
  stopifnot(max(abs(differences - gradient(theta * 1.001)) * scale) < 1e-5)
  now <- at(theta)
  list(theta = theta, log_lik = -now$value / 2, decrement = decrement, beta = now$beta, phi = now$phi, observed = curvature(theta), expected = curvature(theta, TRUE), now = now,
    slopes = slopes_of(theta), bends = bends_of(theta), X = X, parts = parts, theta_of = split_theta, reml = reml, gradient = gradient)
}

# P_k, and Kenward and Roger's adjusted covariance of the coefficients, with the second derivatives of V.
adjusted <- function(fit, A, second = TRUE) {
  K <- length(fit$theta); X <- fit$X; W <- fit$now$W; WX <- fit$now$WX
  DWX <- lapply(fit$slopes, function(D) as.matrix(D %*% WX))
  P <- lapply(DWX, function(m) -crossprod(WX, m))
  WD <- lapply(DWX, function(m) W %*% m)
  total <- matrix(0, ncol(X), ncol(X))
  for (k in seq_len(K)) for (l in seq_len(K)) {
    Q <- crossprod(DWX[[k]], WD[[l]])
    R <- if (second && !is.null(fit$bends[[k, l]])) as.matrix(crossprod(WX, fit$bends[[k, l]] %*% WX)) else 0
    total <- total + A[k, l] * (Q - P[[k]] %*% fit$phi %*% P[[l]] - R / 4)
  }
  list(phi = fit$phi + 2 * fit$phi %*% total %*% fit$phi, P = P)
}

satterthwaite_df <- function(l, phi, P, A) {
  u <- drop(phi %*% l)
  g <- -vapply(P, function(m) sum(u * (m %*% u)), 1)
  2 * sum(l * u)^2 / drop(t(g) %*% A %*% g)
}

# The F test of L b = 0 by Satterthwaite, Fai and Cornelius (1996), with lmerTest's basis: eigenvectors of the hypothesis' covariance.
satterthwaite_test <- function(L, fit, P, A) {
  e <- eigen(L %*% fit$phi %*% t(L), TRUE)
  rows <- t(e$vectors) %*% L
  t2 <- drop(rows %*% fit$beta)^2 / e$values
  nu <- apply(rows, 1, satterthwaite_df, fit$phi, P, A)
  q <- nrow(L)
  E <- sum(ifelse(nu > 2, nu / (nu - 2), 0))
  list(f = mean(t2), num_df = q, denom_df = if (q == 1) nu else 2 * E / (E - q))
}

# Kenward and Roger (1997), section 2.
kr_test <- function(L, fit, P, A, phi_A) {
  q <- nrow(L); K <- length(P)
  theta <- t(L) %*% solve(L %*% fit$phi %*% t(L)) %*% L
  M <- lapply(P, function(m) theta %*% fit$phi %*% m %*% fit$phi)
  A1 <- A2 <- 0
  for (k in seq_len(K)) for (l in seq_len(K)) {
    A1 <- A1 + A[k, l] * sum(diag(M[[k]])) * sum(diag(M[[l]]))
    A2 <- A2 + A[k, l] * sum(M[[k]] * t(M[[l]]))
  }
  B <- (A1 + 6 * A2) / (2 * q)
  g <- ((q + 1) * A1 - (q + 4) * A2) / ((q + 2) * A2)
  bottom <- 3 * q + 2 * (1 - g)
  c1 <- g / bottom; c2 <- (q - g) / bottom; c3 <- (q + 2 - g) / bottom
  E <- 1 / (1 - A2 / q)
  V <- 2 / q * (1 + c1 * B) / ((1 - c2 * B)^2 * (1 - c3 * B))
  rho <- V / (2 * E^2)
  m <- 4 + (q + 2) / (q * rho - 1)
  lambda <- m / (E * (m - 2))
  b <- L %*% fit$beta
  list(f = lambda / q * drop(t(b) %*% solve(L %*% phi_A %*% t(L)) %*% b), num_df = q, denom_df = m)
}

# Everything that is inferred, for one information matrix.
inference_of <- function(fit, information, contrasts, tests) {
  A <- 2 * solve(information)
  kr <- adjusted(fit, A)
  p <- length(fit$beta)
  I <- diag(p)
  one <- function(l) { t <- kr_test(rbind(l), fit, kr$P, A, kr$phi); c(t$denom_df, sqrt(drop(t(l) %*% kr$phi %*% l))) }
  rows <- function(L) {
    k <- t(apply(L, 1, one))
    data.frame(estimate = drop(L %*% fit$beta), se = sqrt(rowSums((L %*% fit$phi) * L)), df = apply(L, 1, satterthwaite_df, fit$phi, kr$P, A), kr_se = k[, 2], kr_df = k[, 1])
  }
  list(
    theta_se = sqrt(diag(A)),
    coefficients = rows(I),
    contrasts = lapply(contrasts, function(l) c(list(l = l), as.list(rows(rbind(l))))),
    tests = lapply(tests, function(L) list(l = named_rows(L), satterthwaite = satterthwaite_test(L, fit, kr$P, A), kenward_roger = if (fit$reml) kr_test(L, fit, kr$P, A, kr$phi)))
  )
}

# Henderson's predictions of the effects of a term: G Z' W (y - X b), their spread given the coefficients (lme4's), and the standard error of prediction.
blups <- function(fit, part) {
  G <- as.matrix(part$sigma(fit$theta_of(fit$theta)[[match(TRUE, vapply(fit$parts, identical, TRUE, part))]]))
  Z <- do.call(cbind, part$Z)
  levels <- ncol(part$Z[[1]])
  GZ <- as.matrix(tcrossprod(kronecker(G, Diagonal(levels)), Z))
  variance <- function(M) diag(as.matrix(kronecker(G, Diagonal(levels)))) - rowSums((GZ %*% M) * GZ)
  matrix(c(drop(GZ %*% fit$now$e), sqrt(variance(fit$now$W)), sqrt(variance(fit$now$P))), ncol = 3)
}
