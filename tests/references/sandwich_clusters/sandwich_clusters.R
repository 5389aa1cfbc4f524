# Cluster-robust covariances whose clusters are above patients. Run from the repository's root:
# Rscript tests/references/sandwich_clusters/sandwich_clusters.R
#
# Engines: clubSandwich on lm, on nlme::gls and on lme4::lmer (both brought to the top of their likelihoods), geepack::geeglm; and the definitions
# written out in base R with matrices of all observations (`written_out`). With C = V - XMX', the covariance of a cluster's residuals, CR2 takes an A of
# ACA' = V. clubSandwich takes the symmetric one, D'(DCD')^-1/2 D for any D of D'D = V; R mmrm and this library whiten first, A = S^-1 (SCS')^-1/2 S for
# any S of S'S = V^-1, which makes SAS^-1 symmetric. The two are the same where V is a multiple of the identity; elsewhere `written_out` has ours.
source("tests/references/common.R")
source("tests/references/gls/tools.R")
gls_to_the_top <- to_the_top
source("tests/references/random_effects/tools.R")
suppressPackageStartupMessages(library(clubSandwich))
# What clubSandwich takes from package sandwich for lm: n (X'X)^-1.
registerS3method("bread", "lm", function(x, ...) nobs(x) * summary(x)$cov.unscaled, envir = asNamespace("sandwich"))
here <- "tests/references/sandwich_clusters/"

# A synthetic trial, nobody's data: 40 patients of the arm TAU, 38 of the arm GST in 8 groups within 5 sites, 6 therapists across them all, dropout.
make_trial <- function() {
  set.seed(20261)
  sizes <- c(6, 5, 3, 5, 4, 6, 4, 5)
  site_of_group <- c(1, 1, 2, 3, 3, 4, 5, 5)
  p <- data.frame(arm = rep(c("TAU", "GST"), c(40, sum(sizes))))
  p$id <- sprintf("P%02d", seq_len(nrow(p)))
  group <- c(rep(NA, 40), rep(seq_along(sizes), sizes))
  p$site <- c(sample(rep(1:5, 8)), site_of_group[group[-(1:40)]])
  p$therapist <- sample(rep(1:6, 13))
  p$baseline <- round(rnorm(nrow(p), 40, 8), 1)
  effect <- list(site = rnorm(5, 0, 2), group = rnorm(8, 0, 3), therapist = rnorm(6, 0, 1.5))
  level <- effect$site[p$site] + ifelse(is.na(group), 0, effect$group[group]) + effect$therapist[p$therapist] + rnorm(nrow(p), 0, 6)
  p$group <- ifelse(is.na(group), "", paste0("G", group))
  p$site <- paste0("S", p$site)
  p$therapist <- paste0("T", p$therapist)
  d <- do.call(rbind, lapply(1:4, function(t) {
    own <- data.frame(p[c("id", "arm", "site", "therapist", "group", "baseline")], visit = paste0("V", t))
    own$y <- round(20 + 0.5 * (p$baseline - 40) - t * ifelse(p$arm == "GST", 2, 1) + level + rnorm(nrow(p), 0, 4), 2)
    own
  }))
  last <- sample(c(1, 2, 3, 4, 4, 4, 4), nrow(p), replace = TRUE)
  d <- d[as.integer(sub("V", "", d$visit)) <= last[match(d$id, p$id)], ]
  gone <- sample(nrow(d), 8)
  d <- d[-gone, ]
  d$gst <- as.integer(d$arm == "GST")
  d[order(d$id, d$visit), ]
}
write.csv(make_trial(), paste0(here, "trial.csv"), row.names = FALSE, quote = FALSE)

d <- read.csv(paste0(here, "trial.csv"), stringsAsFactors = FALSE)
d$arm <- factor(d$arm, levels = c("TAU", "GST"))
d$visit <- factor(d$visit)
d$visit_number <- as.integer(d$visit)
d$id <- factor(d$id)
d$group <- factor(ifelse(d$group == "", as.character(d$id), d$group))
d$site <- factor(d$site)
d$therapist <- factor(d$therapist)
mean_model <- y ~ baseline + arm * visit
types <- c(Cr0 = "CR0", Cr2 = "CR2", Cr3 = "CR3")
X <- model.matrix(mean_model, d)
arm_terms <- grep("^armGST", colnames(X))

power <- function(m, k) {
  e <- eigen((m + t(m)) / 2, TRUE)
  e$vectors %*% (ifelse(e$values > 1e-9 * max(1, e$values), pmax(e$values, 1e-300)^k, 0) * t(e$vectors))
}

# V is the covariance of all observations under the working model, N x N.
written_out <- function(V, cluster) {
  W <- solve(V)
  M <- solve(t(X) %*% W %*% X)
  beta <- drop(M %*% t(X) %*% W %*% d$y)
  e <- d$y - drop(X %*% beta)
  residual <- V - X %*% M %*% t(X)
  lapply(types, function(type) {
    rows <- split(seq_along(e), cluster, drop = TRUE)
    weighted <- matrix(0, nrow(X), ncol(X))
    for (i in rows) {
      R <- power(V[i, i, drop = FALSE], -0.5)
      rest <- R %*% residual[i, i, drop = FALSE] %*% R
      A <- switch(type, CR0 = diag(length(i)), CR2 = power(rest, -0.5), CR3 = power(rest, -1))
      weighted[i, ] <- R %*% A %*% R %*% X[i, , drop = FALSE] %*% M
    }
    scores <- t(vapply(rows, function(i) drop(e[i] %*% weighted[i, , drop = FALSE]), numeric(ncol(X))))
    df <- vapply(seq_len(ncol(X)), function(j) {
      q <- vapply(rows, function(i) replace(numeric(length(e)), i, weighted[i, j]), numeric(length(e)))
      P <- t(q) %*% residual %*% q
      sum(diag(P))^2 / sum(P^2)
    }, 0)
    vcov <- crossprod(scores)
    list(rows = data.frame(term = colnames(X), estimate = unname(beta), se = sqrt(diag(vcov)), df = df, row.names = NULL), vcov = named_rows(vcov),
      wald = drop(beta[arm_terms] %*% solve(vcov[arm_terms, arm_terms], beta[arm_terms])) / length(arm_terms))
  })
}

club <- function(fit, cluster, coefficients = coef(fit)) {
  lapply(types, function(type) {
    v <- vcovCR(fit, cluster = cluster, type = type)
    test <- coef_test(fit, vcov = v, test = "Satterthwaite")
    wald <- Wald_test(fit, constraints = constrain_zero(arm_terms), vcov = v, test = "Naive-F")
    list(rows = data.frame(term = names(coefficients), estimate = unname(coefficients), se = test$SE, df = test$df_Satt, row.names = NULL),
      vcov = named_rows(as.matrix(v)), wald = wald$Fstat)
  })
}

one_case <- function(id, engines, working, random, cluster, sigma = NULL, V, fit = NULL, by_club = NULL, extra = list()) {
  c(list(id = id, software = engine(engines), formula = deparse1(mean_model), working = working, random = random, cluster = cluster,
    clusters = nlevels(droplevels(d[[cluster]])), sigma = sigma, club = by_club, written_out = written_out(V, d[[cluster]])), extra)
}

cases <- list()
add <- function(...) cases[[length(cases) + 1]] <<- one_case(...)

ols <- lm(mean_model, d)
for (cluster in c("group", "therapist", "site", "id")) {
  ordered <- d[order(as.integer(d[[cluster]])), ]
  gee <- geepack::geeglm(mean_model, data = ordered, id = as.integer(ordered[[cluster]]), corstr = "independence", std.err = "san.se")
  gee_vcov <- summary(gee)$cov.scaled
  add(paste0("ols_", cluster), c("clubSandwich", "geepack"), "independent", "", cluster, V = diag(sigma(ols)^2, nrow(d)), by_club = club(ols, d[[cluster]]),
    extra = list(geepack_cr0 = named_rows(as.matrix(gee_vcov))))
}

block <- function(sigma) {
  V <- matrix(0, nrow(d), nrow(d))
  for (i in split(seq_len(nrow(d)), d$id)) V[i, i] <- sigma[d$visit_number[i], d$visit_number[i]]
  V
}
for (structure in c("cs", "us")) {
  s <- structures("visit", "id")[[structure]]
  variance <- if (s$heterogeneous) varIdent(form = ~ 1 | visit)
  fit <- do.call(gls, list(model = mean_model, data = d, correlation = s$correlation, weights = variance, method = "REML", control = control))
  fit <- gls_to_the_top(fit, d, mean_model)
  fit$fitted[] <- X %*% coef(fit)
  fit$residuals[] <- d$y - fit$fitted
  sigma <- fitted_sigma(fit, d, "visit", "id")
  for (cluster in c("group", "site")) {
    by_club <- tryCatch(club(fit, d[[cluster]]), error = function(e) { message(structure, " ", cluster, ": ", conditionMessage(e)); NULL })
    add(paste0("gls_", structure, "_", cluster), c("nlme", "clubSandwich"), structure, "", cluster, named_rows(sigma), block(sigma), by_club = by_club,
      extra = list(decrement = fit$decrement))
  }
}

random <- list(
  list(id = "groups", formula = y ~ baseline + arm * visit + (0 + gst | group) + (1 | id), random = "(0 + gst | group)", cluster = "group"),
  list(id = "groups_in_sites", formula = y ~ baseline + arm * visit + (1 | site) + (0 + gst | group) + (1 | id), random = "(1 | site) + (0 + gst | group)", cluster = "site"),
  list(id = "slopes_of_sites", formula = y ~ baseline + arm * visit + (1 + gst || site) + (1 | id), random = "(1 + gst || site)", cluster = "site"))
for (r in random) {
  top <- to_the_top(r$formula, d, TRUE)
  fit <- as(top$fit, "lmerMod")
  Lambda <- as.matrix(getME(fit, "Lambda")); Z <- as.matrix(getME(fit, "Z"))
  V <- sigma(fit)^2 * (tcrossprod(Z %*% Lambda) + diag(nrow(d)))
  by_club <- tryCatch(club(fit, d[[r$cluster]], fixef(fit)), error = function(e) { message(r$id, ": ", conditionMessage(e)); NULL })
  parts <- as.data.frame(VarCorr(fit))
  add(paste0("lmer_", r$id), c("lme4", "clubSandwich"), "random intercept", r$random, r$cluster, V = V, by_club = by_club,
    extra = list(decrement = top$decrement, variances = parts[c("grp", "var1", "var2", "vcov")]))
}
write_reference(cases, paste0(here, "sandwich_clusters.json"))
