# Stratified comparisons of two proportions, and the generalised Cochran-Mantel-Haenszel tests.
# Run: Rscript stratified.R SOURCES > stratified.json
# base R (stats), and from sources: tern (Apache-2.0), ratesci 0.4-0.9000 (GPL-3), DescTools 0.99.61.14 (GPL >= 2),
# contingencytables 3.0.0 (GPL-3). The variances of Sato and of Greenland and Robins, and the generalised statistics with scores,
# are written out here from their papers.
sources <- commandArgs(TRUE)[1]
load_into <- function(folder, env = new.env(parent = globalenv())) {
  for (f in list.files(file.path(sources, folder, "R"), pattern = "[.][rR]$", full.names = TRUE)) {
    text <- gsub("DescTools::", "", readLines(f, warn = FALSE))
    for (e in parse(text = text, keep.source = FALSE)) try(suppressWarnings(eval(e, env)), silent = TRUE)
  }
  env
}
rate <- load_into("PeteLaud+ratesci")
desc <- load_into("AndriSignorell+DescTools")
tern <- load_into("insightsengineering+tern")
tern$as_factor_keep_attributes <- function(x, ...) factor(x)
tern$check_diff_prop_ci <- function(...) invisible()

# x1 n1 x2 n2 by stratum: SAS's migraine data; three invented trials, of which one has an empty cell and one is sparse.
data <- list(
  migraine = rbind(c(16, 27, 5, 25), c(12, 28, 7, 26)),
  centres = rbind(c(10, 50, 5, 48), c(7, 30, 6, 31), c(21, 44, 12, 40), c(3, 9, 4, 14)),
  empty = rbind(c(5, 12, 0, 11), c(8, 20, 3, 22), c(2, 10, 1, 9)),
  sparse = rbind(c(1, 2, 0, 2), c(1, 1, 1, 3), c(2, 3, 1, 2), c(0, 2, 1, 4), c(3, 4, 1, 3), c(2, 2, 0, 1)))

one <- function(d) {
  k <- nrow(d)
  arr <- array(dim = c(2, 2, k))
  for (h in 1:k) arr[, , h] <- matrix(c(d[h, 1], d[h, 2] - d[h, 1], d[h, 3], d[h, 4] - d[h, 3]), 2, byrow = TRUE)
  m1 <- mantelhaen.test(arr, correct = TRUE)
  m0 <- mantelhaen.test(arr, correct = FALSE)
  x1 <- d[, 1]; n1 <- d[, 2]; x2 <- d[, 3]; n2 <- d[, 4]; n <- n1 + n2
  w <- n1 * n2 / n
  rd <- sum(w * (x1 / n1 - x2 / n2)) / sum(w)
  P <- sum((n1^2 * x2 - n2^2 * x1 + n1 * n2 * (n2 - n1) / 2) / n^2)
  Q <- sum((x1 * (n2 - x2) + x2 * (n1 - x1)) / (2 * n))
  sato <- (rd * P + Q) / sum(w)^2
  gr <- sum((x1 * (n1 - x1) * n2^3 + x2 * (n2 - x2) * n1^3) / (n1 * n2 * n^2)) / sum(w)^2
  rr <- sum(x1 * n2 / n) / sum(x2 * n1 / n)
  vrr <- sum((n1 * n2 * (x1 + x2) - x1 * x2 * n) / n^2) / (sum(x1 * n2 / n) * sum(x2 * n1 / n))
  ind <- do.call(rbind, lapply(1:k, function(h) data.frame(rsp = c(rep(TRUE, x1[h]), rep(FALSE, n1[h] - x1[h]), rep(TRUE, x2[h]), rep(FALSE, n2[h] - x2[h])),
    grp = c(rep("b", n1[h]), rep("a", n2[h])), s = h)))
  nc <- function(m) {
    r <- suppressWarnings(tern$prop_diff_strat_nc(ind$rsp, factor(ind$grp), factor(ind$s), weights_method = m))
    c(r$diff, r$diff_ci)
  }
  mn <- rate$scoreci(x1, n1, x2, n2, contrast = "RD", stratified = TRUE, weighting = "MH", skew = FALSE, precis = 10, warn = FALSE)
  # The summary score estimate, from ratesci's intervals by stratum.
  ci <- t(sapply(1:k, function(h) rate$scoreci(x1[h], n1[h], x2[h], n2[h], contrast = "RD", skew = FALSE, precis = 10)$estimates[1, c("Lower", "Upper")]))
  s <- (ci[, 2] - ci[, 1]) / (2 * qnorm(0.975)); mid <- rowMeans(ci)
  bd <- function(correct) { r <- desc$BreslowDayTest(arr, correct = correct); unname(c(r$statistic, r$parameter, r$p.value)) }
  z <- qnorm(0.975)
  list(strata = d,
    "odds-ratio" = c(unname(m1$estimate), m1$conf.int), cmh = unname(c(m0$statistic, m0$p.value)), "cmh-corrected" = unname(c(m1$statistic, m1$p.value)),
    "mantel-haenszel" = rd + c(0, -z, z) * sqrt(sato), "greenland-robins" = rd + c(0, -z, z) * sqrt(gr),
    ratio = rr * exp(c(0, -z, z) * sqrt(vrr)), newcombe = nc("cmh"), "newcombe-shortest" = nc("wilson_h"),
    "miettinen-nurminen" = unname(mn$estimates[1, c("MLE", "Lower", "Upper")]),
    "summary-score" = sum(mid / s^2) / sum(1 / s^2) + c(0, -z, z) / sqrt(sum(1 / s^2)),
    "breslow-day" = tryCatch(bd(FALSE), error = function(e) conditionMessage(e)), tarone = tryCatch(bd(TRUE), error = function(e) conditionMessage(e)))
}

# The generalised statistics from Landis, Heyman and Koch 1978, by Kronecker products of the whole table.
cmh <- function(arr, scores = c("table", "rank", "ridit", "modridit")) {
  scores <- match.arg(scores)
  r <- dim(arr)[1]; c <- dim(arr)[2]
  score <- function(m) {
    n <- sum(m); rk <- cumsum(c(0, m[-length(m)])) + (m + 1) / 2
    switch(scores, table = seq_along(m), rank = rk, ridit = rk / n, modridit = rk / (n + 1))
  }
  q <- lapply(1:3, function(i) list(G = 0, V = 0))
  for (h in seq_len(dim(arr)[3])) {
    t <- arr[, , h]; n <- sum(t)
    if (n < 2) next
    pr <- rowSums(t) / n; pc <- colSums(t) / n
    d <- as.vector(t(t - n * outer(pr, pc)))
    V <- n^2 / (n - 1) * kronecker(diag(pr) - pr %o% pr, diag(pc) - pc %o% pc)
    a <- score(rowSums(t)); b <- score(colSums(t))
    R <- cbind(diag(r - 1), -1); C <- cbind(diag(c - 1), -1)
    B <- list(kronecker(matrix(a, 1), matrix(b, 1)), kronecker(R, matrix(b, 1)), kronecker(R, C))
    for (i in 1:3) { q[[i]]$G <- q[[i]]$G + B[[i]] %*% d; q[[i]]$V <- q[[i]]$V + B[[i]] %*% V %*% t(B[[i]]) }
  }
  sapply(q, function(x) drop(t(x$G) %*% solve(x$V, x$G)))
}
job <- apply(JobSatisfaction <- array(c(1, 2, 0, 0, 3, 3, 1, 2, 11, 17, 8, 4, 2, 3, 5, 2, 1, 0, 0, 0, 1, 3, 0, 1, 2, 5, 7, 9, 1, 1, 3, 6), dim = c(4, 4, 2)), 3, identity)
general <- mantelhaen.test(JobSatisfaction)
kinds <- c("table", "rank", "ridit", "modridit")
out <- list(engine = R.version.string, stratified = lapply(data, one),
  job_satisfaction = list(table = lapply(1:2, function(h) JobSatisfaction[, , h]), mantelhaen = unname(c(general$statistic, general$parameter, general$p.value)),
    cmh = setNames(lapply(kinds, function(s) cmh(JobSatisfaction, s)), kinds)))
cat(jsonlite::toJSON(out, auto_unbox = TRUE, digits = NA, pretty = TRUE, null = "null", matrix = "rowmajor"), "\n")
