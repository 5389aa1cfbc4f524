# Reference-based imputation of the antidepressant trial by conditional means, from nlme::gls at the top of its likelihood: the strategies of
# Carpenter, Roger and Kenward (2013) patient by patient with explicit matrices, ANCOVA by lm; and Rubin's rules over 4000 drawn imputations, whose
# limit the closed form of the information-anchored variance is. Run from the repository's root: Rscript tests/references/imputation/imputation.R
source("tests/references/common.R")
source("tests/references/gls/tools.R")

d <- read_antidepressant()
formula <- CHANGE ~ THERAPY * VISIT + BASVAL * VISIT
s <- structures("VISIT", "PATIENT")[["us"]]
fit <- do.call(gls, list(model = formula, data = d, correlation = s$correlation, weights = varIdent(form = ~ 1 | VISIT), method = "REML", control = control))
fit <- to_the_top(fit, d, formula)
beta <- coef(fit); phi <- information_vcov(fit); sigma <- fitted_sigma(fit, d, "VISIT", "PATIENT")
visits <- levels(d$VISIT); T <- length(visits)

patients <- unique(d[c("PATIENT", "THERAPY", "BASVAL")])
patients <- patients[order(patients$PATIENT), ]
rows <- function(i, arm) {
  grid <- data.frame(CHANGE = 0, THERAPY = factor(arm, levels(d$THERAPY)), VISIT = factor(visits, visits), BASVAL = patients$BASVAL[i])
  model.matrix(formula, grid)
}
outcome <- t(sapply(seq_len(nrow(patients)), function(i) {
  own <- d[d$PATIENT == patients$PATIENT[i], ]
  own$CHANGE[match(visits, own$VISIT)]
}))

# The mean of a patient whose first visit after the event is `from`, T + 1 for none.
strategy_mean <- function(strategy, own, reference, from) {
  if (from > T) return(own)
  after <- from:T
  m <- own
  if (strategy == "jump-to-reference") m[after] <- reference[after]
  if (strategy == "copy-reference") m <- reference
  if (strategy == "copy-increments") m[after] <- if (from == 1) reference[after] else own[from - 1] + reference[after] - reference[from - 1]
  if (strategy == "last-mean-carried-forward" && from > 1) m[after] <- own[from - 1]
  if (strategy == "causal(0.5)") m[after] <- reference[after] + if (from == 1) 0 else 0.5 * (own[from - 1] - reference[from - 1])
  m
}

# What no draw changes: rows in both arms, the regression of missing on observed, the root of what is left.
unfinished <- lapply(which(apply(is.na(outcome), 1, any)), function(i) {
  missing <- which(is.na(outcome[i, ])); observed <- which(!is.na(outcome[i, ]))
  b <- sigma[missing, observed, drop = FALSE] %*% solve(sigma[observed, observed, drop = FALSE])
  v <- sigma[missing, missing, drop = FALSE] - b %*% sigma[observed, missing, drop = FALSE]
  list(i = i, missing = missing, observed = observed, from = max(c(0, observed)) + 1, b = b, root = t(chol(v)),
    own = rows(i, patients$THERAPY[i]), reference = rows(i, "PLACEBO"))
})

complete <- function(strategy, beta, draw = FALSE) {
  y <- outcome
  for (u in unfinished) {
    m <- strategy_mean(strategy, drop(u$own %*% beta), drop(u$reference %*% beta), u$from)
    values <- m[u$missing] + u$b %*% (outcome[u$i, u$observed] - m[u$observed])
    if (draw) values <- values + u$root %*% rnorm(length(u$missing))
    y[u$i, u$missing] <- values
  }
  y
}

x <- model.matrix(~ THERAPY + BASVAL, patients)
gram <- solve(crossprod(x))
ancova <- function(y) {
  b <- gram %*% crossprod(x, y)
  s2 <- colSums((y - x %*% b)^2) / (nrow(x) - ncol(x))
  list(estimate = b[2, ], variance = s2 * gram[2, 2])
}

set.seed(20261130)
M <- 4000
root <- t(chol(phi))
cases <- lapply(c("mar", "jump-to-reference", "copy-reference", "copy-increments", "last-mean-carried-forward", "causal(0.5)"), function(strategy) {
  drawn <- replicate(M, {
    a <- ancova(complete(strategy, beta + drop(root %*% rnorm(length(beta))), TRUE))
    c(a$estimate, a$variance)
  })
  estimates <- drawn[1:T, ]; within <- rowMeans(drawn[T + 1:T, ])
  between <- apply(estimates, 1, var)
  list(
    strategy = strategy, software = engine("nlme"), visit = visits, estimate = ancova(complete(strategy, beta))$estimate,
    rubin_se = sqrt(within + (1 + 1 / M) * between),
    # Of a variance from M draws, 1 / sqrt(2 M) of its root; the between part alone is drawn.
    monte_carlo = between / (within + between) / sqrt(2 * M), draws = M
  )
})
write_reference(cases, "tests/references/imputation/imputation.json")
