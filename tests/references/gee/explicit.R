# Generalized estimating equations by explicit matrices, written from the papers: one dense V_i per patient, no formula in
# common with the library. Working correlations by moments with the divisors of SAS's PROC GENMOD (K - p) or plain
# means (geepack); covariances of Liang & Zeger 1986, Kauermann & Carroll 2001, Mancl & DeRouen 2001, Fay & Graubard 2001;
# degrees of freedom of Pan & Wall 2002.

families <- list(
  binomial = list(variance = function(m) m * (1 - m)),
  poisson = list(variance = function(m) m),
  gaussian = list(variance = function(m) rep(1, length(m))))
links <- list(
  logit = list(inverse = plogis, slope = function(e) dlogis(e)),
  log = list(inverse = exp, slope = exp),
  identity = list(inverse = function(e) e, slope = function(e) rep(1, length(e))))

principal_root_inverse <- function(M) { # of a matrix that is similar to a symmetric one
  e <- eigen(M)
  Re(e$vectors %*% diag(1 / sqrt(e$values), nrow(M)) %*% solve(e$vectors))
}

working <- function(structure, alpha, T) {
  R <- diag(T)
  if (structure == "exchangeable") R[row(R) != col(R)] <- alpha
  if (structure == "ar1") R <- alpha^abs(row(R) - col(R))
  if (structure == "toeplitz") for (k in seq_len(T - 1)) R[abs(row(R) - col(R)) == k] <- alpha[k]
  if (structure == "unstructured") { R[upper.tri(R)] <- alpha; R <- t(R); R[upper.tri(R)] <- alpha }
  R
}

# alpha from the table of sums of products of residuals and that of their numbers
moments <- function(structure, S, n, phi, p, convention) {
  lost <- if (convention == "sas") p else 0
  up <- upper.tri(S); lag <- abs(row(S) - col(S)); T <- nrow(S)
  switch(structure,
    independence = numeric(0),
    exchangeable = sum(S[up]) / ((sum(n[up]) - lost) * phi),
    toeplitz = sapply(seq_len(T - 1), function(k) sum(S[up & lag == k]) / ((sum(n[up & lag == k]) - lost) * phi)),
    unstructured = S[up] / ((n[up] - lost) * phi),
    ar1 = if (convention == "sas") sum(S[up & lag == 1]) / ((sum(n[up & lag == 1]) - lost) * phi) else {
      z <- function(a) sum((lag * a^(lag - 1) * (S / phi - n * a^lag))[up])
      uniroot(z, c(-0.99, 0.99), tol = 1e-15)$root
    })
}

gee_explicit <- function(X, y, id, visit, T, family = "binomial", link = "logit", structure = "exchangeable",
                         convention = "sas", w = rep(1, length(y)), b = 0.75) {
  f <- families[[family]]; l <- links[[link]]
  rows <- split(seq_along(y), id); p <- ncol(X); N <- length(y); K <- length(rows)
  start <- if (link == "logit") rep(0, p) else qr.solve(X, rep(if (link == "log") log(mean(y)) else mean(y), N))
  beta <- start; alpha <- NULL
  for (iteration in 1:500) {
    eta <- drop(X %*% beta); mu <- l$inverse(eta); s <- l$slope(eta); v <- f$variance(mu)
    e <- (y - mu) / sqrt(v / w)
    phi <- sum(e^2) / (N - if (convention == "sas") p else 0)
    S <- n <- matrix(0, T, T)
    for (r in rows) { t <- visit[r]; S[t, t] <- S[t, t] + outer(e[r], e[r]); n[t, t] <- n[t, t] + 1 }
    alpha <- moments(structure, S, n, phi, p, convention)
    if (iteration < 4) alpha <- alpha * 0
    R <- working(structure, alpha, T)
    H <- matrix(0, p, p); U <- rep(0, p)
    for (r in rows) {
      A <- diag(sqrt(v[r] / w[r]), length(r)); V <- A %*% R[visit[r], visit[r]] %*% A
      D <- s[r] * X[r, , drop = FALSE]; Q <- t(D) %*% solve(V)
      H <- H + Q %*% D; U <- U + Q %*% (y[r] - mu[r])
    }
    step <- drop(solve(H, U)); beta <- beta + step
    if (iteration > 5 && max(abs(step)) < 1e-15 * (1 + max(abs(beta)))) break
  }
  bread <- solve(H)
  meat <- list(robust = 0, "kauermann-carroll" = 0, "mancl-derouen" = 0, "fay-graubard" = 0)
  contributions <- list()
  for (i in seq_along(rows)) {
    r <- rows[[i]]
    A <- diag(sqrt(v[r] / w[r]), length(r)); V <- A %*% R[visit[r], visit[r]] %*% A
    D <- s[r] * X[r, , drop = FALSE]; Q <- t(D) %*% solve(V); res <- y[r] - mu[r]
    G <- D %*% bread %*% Q; I <- diag(length(r))
    q <- diag(Q %*% D %*% bread)
    u <- list(robust = Q %*% res, "kauermann-carroll" = Q %*% principal_root_inverse(I - G) %*% res,
              "mancl-derouen" = Q %*% solve(I - G, res),
              "fay-graubard" = (1 / sqrt(1 - pmin(b, q))) * (Q %*% res))
    for (k in names(u)) { meat[[k]] <- meat[[k]] + u[[k]] %*% t(u[[k]]); contributions[[k]] <- rbind(contributions[[k]], t(u[[k]])) }
  }
  vcov <- lapply(meat, function(m) bread %*% m %*% bread)
  vcov[["model-based"]] <- phi * bread
  pan_wall <- sapply(seq_len(p), function(k) {
    a <- drop(contributions$robust %*% bread[, k])^2
    2 * sum(a)^2 / (K / (K - 1) * sum((a - mean(a))^2))
  })
  quasi <- switch(family, binomial = sum(w * (y * log(mu) + (1 - y) * log(1 - mu))),
                  poisson = sum(w * (y * log(mu) - mu)), gaussian = -sum(w * (y - mu)^2) / 2)
  omega <- t(X) %*% (X * (w * s^2 / v))
  list(beta = beta, alpha = alpha, phi = phi, R = R, vcov = vcov, pan_wall = pan_wall, quasi = quasi, iterations = iteration,
       trace = sum(diag(omega %*% vcov$robust)))
}
