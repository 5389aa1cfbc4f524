# Rscript tests/references/gee/dropout.R, from the repository's root: respiratory.csv with visits after a seeded dropout
# taken out (dropout.csv), and weighted estimating equations by explicit matrices (dropout.json): weights by glm, one dense
# system per patient, and the sandwich with the regression on the scores of the model of dropout.
source("tests/references/common.R")
r <- read.csv("tests/references/gee/respiratory.csv")
set.seed(20)
T <- 4
keep <- rep(TRUE, nrow(r))
for (p in unique(r$patient)) {
  own <- which(r$patient == p)
  for (t in 2:T) {
    leaves <- runif(1) < plogis(-2.2 + 1.4 * (r$outcome[own[t - 1]] == 0) - 0.5 * (r$treat[own[1]] == "A"))
    if (leaves) { keep[own[t:T]] <- FALSE; break }
  }
}
d <- r[keep, ]
write.csv(d, "tests/references/gee/dropout.csv", row.names = FALSE, quote = FALSE)
d$id <- as.integer(factor(d$patient, levels = unique(d$patient)))
K <- max(d$id)
rows <- split(seq_len(nrow(d)), d$id)

# One row per patient and visit after the first at which there was a risk.
risk <- do.call(rbind, lapply(seq_len(K), function(i) {
  own <- d[rows[[i]], ]; seen <- nrow(own)
  if (seen == 0) return(NULL)
  at <- 2:min(T, seen + 1)
  data.frame(id = i, visit = at, observed = as.integer(at <= seen), previous = own$outcome[at - 1], A = as.integer(own$treat[1] == "A"), age = own$age[1])
}))
miss <- glm(observed ~ previous + A + age + factor(visit), family = binomial, data = risk, control = glm.control(epsilon = 1e-15, maxit = 100))
Z <- model.matrix(miss); lambda <- fitted(miss)
S <- rowsum((risk$observed - lambda) * Z, risk$id)

weights_of <- function(level) {
  w <- numeric(nrow(d))
  for (i in seq_len(K)) {
    l <- lambda[risk$id == i]; seen <- length(rows[[i]])
    until <- cumprod(c(1, l))[seq_len(seen)]
    if (level == "observation") w[rows[[i]]] <- 1 / until else {
      course <- until[seen] * if (seen < T) 1 - l[seen] else 1
      w[rows[[i]]] <- 1 / course
    }
  }
  w
}
wgee <- function(level, structure) {
  X <- cbind(1, d$treat == "A", d$center == 2, d$age, d$baseline); y <- d$outcome; w <- weights_of(level)
  N <- nrow(X); p <- ncol(X); beta <- rep(0, p); alpha <- 0
  for (it in 1:200) {
    mu <- plogis(drop(X %*% beta)); v <- mu * (1 - mu); e <- (y - mu) / sqrt(v)
    phi <- sum(w * e^2) / (N - p)
    products <- unlist(lapply(rows, function(r) if (length(r) > 1) combn(length(r), 2, function(k) prod(sqrt(w[r[k]]) * e[r[k]]))))
    if (structure == "exchangeable" && it > 3) alpha <- sum(products) / ((length(products) - p) * phi)
    H <- matrix(0, p, p); U <- matrix(0, K, p)
    for (i in seq_len(K)) {
      r <- rows[[i]]; n <- length(r)
      R <- matrix(alpha, n, n); diag(R) <- 1
      A <- diag(sqrt(v[r]), n); D <- v[r] * X[r, , drop = FALSE]
      Q <- t(D) %*% solve(A %*% R %*% A) %*% diag(w[r], n)
      H <- H + Q %*% D; U[i, ] <- Q %*% (y[r] - mu[r])
    }
    step <- solve(H, colSums(U)); beta <- beta + step
    if (it > 6 && max(abs(step)) < 1e-15) break
  }
  E <- U - S %*% solve(crossprod(S), crossprod(S, U))
  B <- solve(H); V <- B %*% crossprod(E) %*% t(B)
  list(level = level, structure = structure, beta = beta, se = sqrt(diag(V)), alpha = alpha, phi = phi, weights = w)
}
cases <- list(wgee("observation", "independence"), wgee("observation", "exchangeable"), wgee("patient", "independence"), wgee("patient", "exchangeable"))
write_reference(list(engine = R.version.string, dropout = list(beta = unname(coef(miss))), cases = cases), "tests/references/gee/dropout.json")
