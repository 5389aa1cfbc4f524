# Intraclass correlations with profile-likelihood limits, design effects, and variance components with their profile limits.
# lme4's own deviance function where lme4 has the model (tests/references/mixed/nested3.csv); a likelihood written out by pattern of visits where the
# covariance within patients is unstructured (partially_nested.csv). Limits solve "profile deviance = minimum + qchisq(.95, 1)" by bisection, the deviance at
# each value being minimised over everything else.
# Run from the repository's root: Rscript tests/references/mixed/inference_icc.R
source("tests/references/common.R")
suppressPackageStartupMessages({ library(lme4); library(performance) })
folder <- "tests/references/mixed"
rise <- qchisq(0.95, 1)

read_mixed <- function(name, visits, arms) {
  d <- read.csv(file.path(folder, paste0(name, ".csv")), na.strings = "")
  d$visit <- factor(d$visit, levels = visits)
  d$patient <- factor(d$patient, levels = unique(d$patient))
  for (a in names(arms)) d[[a]] <- factor(d[[a]], levels = arms[[a]])
  d
}

# Both ends of a profile: `profile(x)` the deviance above its minimum at x, `at` the estimate; the ends lie between `from` and `to`.
ends <- function(profile, at, from, to) {
  f <- function(x) profile(x) - rise
  end <- function(edge) if (f(edge) < 0) edge else uniroot(f, sort(c(edge, at)), tol = 1e-12 * max(abs(to), 1))$root
  c(lower = end(from), upper = end(to))
}
# The least of a function of one or more variables, by restarted searches.
least <- function(f, start) {
  found <- nlminb(start, f, control = list(rel.tol = 1e-15, x.tol = 1e-12, iter.max = 500, eval.max = 2000))
  nlminb(found$par, f, control = list(rel.tol = 1e-15, x.tol = 1e-12, iter.max = 500, eval.max = 2000))$objective
}

# --- lme4: (1 | group) + (1 | patient) ---------------------------------------------------------------------------------------------------------
three_levels <- function(id, formula, fixed, outcome, d, reml, arm) {
  d <- d[!is.na(d[[outcome]]), ]
  control <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-12, maxfun = 1e5), calc.derivs = FALSE)
  fit <- lmer(fixed, d, REML = reml, control = control)
  devfun <- lmer(fixed, d, REML = reml, control = control, devFunOnly = TRUE)
  # theta: relative standard deviations of patients and groups, in lme4's order.
  order <- names(getME(fit, "cnms"))
  dev <- function(patient, group) devfun(c(patient = patient, group = group)[order])
  best <- optim(getME(fit, "theta"), devfun, method = "BFGS", control = list(reltol = 1e-16))
  best <- nlminb(best$par, devfun, control = list(rel.tol = 1e-15, x.tol = 1e-13))
  theta <- setNames(best$par, order)
  minimum <- best$objective
  shares <- theta^2 / (1 + sum(theta^2))
  own <- function(factor, other) function(icc) {
    one <- function(o) { v <- setNames(c(sqrt(icc / (1 - icc) * (1 + o^2)), o), c(factor, other)); dev(v[["patient"]], v[["group"]]) }
    least(one, theta[[other]]) - minimum
  }
  both <- function(icc) {
    r <- sqrt(icc / (1 - icc))
    least(function(a) dev(r * cos(a), r * sin(a)), atan2(theta[["group"]], theta[["patient"]])) - minimum
  }
  limits <- list(group = ends(own("group", "patient"), shares[["group"]], 0, 0.95), patient = ends(own("patient", "group"), shares[["patient"]], 1e-9, 0.99), all = ends(both, sum(shares), 1e-9, 0.999))
  # performance's ICC: all random effects together.
  stopifnot(abs(icc(fit)$ICC_adjusted - sum(shares)) < 1e-5)
  size <- function(a) { m <- table(unique(d[d[[arm]] == a, c("patient", "group")])$group); m <- m[m > 0]; sum(m^2) / sum(m) }
  # Residual variance and standard deviations with their profile limits, from the deviance with sigma free: lme4's own is profiled over it.
  n <- nrow(d) - if (reml) length(fixef(fit)) else 0
  # dev(theta) = constant + n log(pwrss/n): with sigma held, n log sigma^2 + pwrss/sigma^2 in place of n log(pwrss/n) + n.
  with_sigma <- function(th, sigma) {
    at <- dev(th[["patient"]], th[["group"]])
    s2 <- sigma2_at(th)
    at - n * log(s2) - n + n * log(sigma^2) + n * s2 / sigma^2
  }
  sigma2_at <- function(th) { devfun(th[order]); p <- environment(devfun)$pp; r <- environment(devfun)$resp; (r$wrss() + p$sqrL(1)) / n }
  sigma <- sqrt(sigma2_at(theta))
  sd_limits <- function(factor, other) {
    at <- theta[[factor]] * sigma
    ends(function(s) {
      least(function(x) with_sigma(setNames(c(s / exp(x[1]), x[2]), c(factor, other)), exp(x[1])), c(log(sigma), theta[[other]])) - minimum
    }, at, 1e-9, 5 * at)
  }
  residual <- ends(function(s) least(function(x) with_sigma(c(patient = x[[1]], group = x[[2]]), s), theta[c("patient", "group")]) - minimum, sigma, sigma / 3, 3 * sigma)
  components <- list(
    list(label = "group", sd = theta[["group"]] * sigma, limits = sd_limits("group", "patient")),
    list(label = "patient", sd = theta[["patient"]] * sigma, limits = sd_limits("patient", "group")),
    list(label = "residual", sd = sigma, limits = residual)
  )
  out <- list(id = id, engine = engine("lme4", "performance"), data = "nested3", formula = formula, reml = reml, log_lik = -minimum / 2,
    icc = lapply(names(limits), function(k) list(factor = k, icc = if (k == "all") sum(shares) else shares[[k]], lower = limits[[k]][["lower"]], upper = limits[[k]][["upper"]])),
    components = lapply(components, function(k) list(label = k$label, sd = k$sd, lower = k$limits[["lower"]], upper = k$limits[["upper"]])),
    design = lapply(levels(d[[arm]]), function(a) list(arm = a, patients = length(unique(d$patient[d[[arm]] == a])), cluster_size = size(a), design_effect = 1 + (size(a) - 1) * shares[["group"]])))
  if (!reml) {
    # lme4's confint, which interpolates its profile by splines.
    ci <- confint(profile(fit, which = "theta_", prof.scale = "sdcor"), level = 0.95)
    out$confint <- list(group = unname(ci[paste0(".sig0", match("group", order)), ]), patient = unname(ci[paste0(".sig0", match("patient", order)), ]), residual = unname(ci[".sigma", ]))
  }
  message(id); out
}

# --- an unstructured covariance within patients, groups in one arm -------------------------------------------------------------------------------
unstructured <- function() {
  d <- read_mixed("partially_nested", paste("week", c(4, 8, 16, 24)), list(arm = c("control", "GST")))
  d <- d[order(d$patient, d$visit), ]
  X <- model.matrix(~ baseline + arm * visit, d)
  Z <- outer(d$group, unique(na.omit(d$group)), function(a, b) as.numeric(!is.na(a) & a == b))
  N <- nrow(d); p <- ncol(X)
  # By pattern of visits: with M = [X Z y], the products M'WM over patients, W = Sigma^-1; then V^-1 = W - W Z (I/g + Z'WZ)^-1 Z'W.
  M <- cbind(X, Z, d$y); z <- p + seq_len(ncol(Z))
  t <- as.integer(d$visit)
  seen <- tapply(t, d$patient, paste, collapse = "")[as.character(d$patient)]
  patterns <- lapply(unique(seen), function(s) { rows <- which(seen == s); v <- as.integer(strsplit(s, "")[[1]]); list(visits = v, n = length(rows) / length(v), stacked = matrix(M[rows, ], length(v))) })
  deviance <- function(S, g) {
    A <- 0; logdet <- 0
    for (q in patterns) {
      U <- chol(S[q$visits, q$visits, drop = FALSE])
      A <- A + crossprod(matrix(backsolve(U, q$stacked, transpose = TRUE), ncol = ncol(M)))
      logdet <- logdet + 2 * q$n * sum(log(diag(U)))
    }
    inner <- diag(length(z)) + g * A[z, z]
    B <- A[-z, -z] - A[-z, z] %*% solve(inner, g * A[z, -z])
    C <- chol(B[1:p, 1:p]); beta <- backsolve(C, backsolve(C, B[1:p, p + 1], transpose = TRUE))
    logdet + determinant(inner)$modulus[1] + 2 * sum(log(diag(C))) + B[p + 1, p + 1] - sum(beta * B[1:p, p + 1]) + (N - p) * log(2 * pi)
  }
  sigma_of <- function(x) { L <- matrix(0, 4, 4); L[lower.tri(L, TRUE)] <- x; diag(L) <- exp(diag(L)); tcrossprod(L) }
  x_of <- function(S) { L <- t(chol(S)); diag(L) <- log(diag(L)); L[lower.tri(L, TRUE)] }
  start <- x_of(0.5 * var(residuals(lm(y ~ baseline + arm * visit, d))) * (0.5 + 0.5 * diag(4)))
  search <- function(f, x) { for (k in 1:3) { found <- nlminb(x, f, control = list(rel.tol = 1e-14, x.tol = 1e-10, iter.max = 300, eval.max = 1000)); x <- found$par }; found }
  top <- search(function(x) deviance(sigma_of(x[1:10]), exp(x[11])), c(start, log(20)))
  f <- function(x) deviance(sigma_of(x[1:10]), exp(x[11]))
  for (step in 1:4) top$par <- top$par - solve(numDeriv::hessian(f, top$par), numDeriv::grad(f, top$par))
  top$objective <- f(top$par)
  S <- sigma_of(top$par[1:10]); g <- exp(top$par[11])
  limits <- function(v) {
    profile <- function(icc) search(function(x) { S <- sigma_of(x); deviance(S, icc / (1 - icc) * S[v, v]) }, top$par[1:10])$objective - top$objective
    at <- g / (g + S[v, v])
    f <- function(x) profile(x) - rise
    lower <- if (f(1e-9) < 0) 0 else uniroot(f, c(1e-9, at), tol = 1e-7)$root
    list(visit = levels(d$visit)[v], icc = at, lower = lower, upper = uniroot(f, c(at, 0.9), tol = 1e-7)$root)
  }
  sizes <- function(v) { m <- table(d$group[d$visit == v & !is.na(d$group)]); list(visit = v, patients = sum(m), cluster_size = sum(m^2) / sum(m)) }
  list(id = "partially_nested_us_groups", engine = engine("numDeriv"), data = "partially_nested", formula = "y ~ baseline + arm * visit + (0 + gst | group) + us(visit | patient)", reml = TRUE, log_lik = -top$objective / 2,
    icc = lapply(c(1, 4), limits), design = lapply(levels(d$visit), sizes))
}

nested <- read_mixed("nested3", paste("month", c(1, 3, 6, 12)), list(arm_group = c("control", "active"), arm_patient = c("control", "active")))
three <- function(id, outcome, arm, reml) {
  right <- paste0(" ~ severity + ", arm, " * visit + (1 | group) + (1 | patient)")
  three_levels(id, paste0(outcome, right), as.formula(paste0(outcome, right)), outcome, nested, reml, arm)
}
write_reference(list(
  three("nested3_group_reml", "y_group", "arm_group", TRUE), three("nested3_group_ml", "y_group", "arm_group", FALSE), three("nested3_patient_reml", "y_patient", "arm_patient", TRUE),
  unstructured()
), file.path(folder, "inference_icc.json"))
