# Marginal means, contrasts, joint tests and adjusted p-values of emmeans on nlme::gls, for tests/suite/means.rs. Run from the repository's root:
#   Rscript tests/references/means/means.R
# The data are the synthetic trial of tests/references/design (three arms, unbalanced factors); the fit is compound symmetric, by REML.
source("tests/references/common.R")
source("tests/references/gls/tools.R")
suppressPackageStartupMessages(library(emmeans))
emm_options(msg.interaction = FALSE, msg.nesting = FALSE)

d <- read.csv("tests/references/design/trial.csv", stringsAsFactors = TRUE, na.strings = "")
d$visit_number <- as.integer(d$visit)
formula <- y ~ age + site * sex + arm * visit
d <- droplevels(d[complete.cases(d[, c("y", "age", "site", "sex")]), ])
fit <- gls(formula, d, correlation = corCompSymm(form = ~ visit_number | patient), method = "REML", control = control)
fit <- to_the_top(fit, d, formula)

means <- function(by, weights) {
  x <- as.data.frame(emmeans(fit, by, weights = weights, mode = "asymptotic", data = d))
  list(by = I(by), weights = weights, rows = lapply(seq_len(nrow(x)), function(i) list(
    levels = I(unname(vapply(x[i, by, drop = FALSE], as.character, ""))), estimate = x$emmean[i], se = x$SE[i])))
}
contrasts_of <- function(method, adjust, weights, by) {
  e <- emmeans(fit, ~ arm | visit, weights = weights, mode = "asymptotic", data = d)
  x <- as.data.frame(summary(contrast(e, method), adjust = adjust, by = by))
  data.frame(contrast = as.character(x$contrast), visit = as.character(x$visit), estimate = x$estimate, se = x$SE, p = x$p.value)
}
bys <- list(c("arm", "visit"), "arm", "site", c("sex", "site"))
weights <- c("equal", "proportional", "cells")
cases <- expand.grid(by = seq_along(bys), weights = weights, stringsAsFactors = FALSE)
# The Wald statistic of emmeans' own linear functions: joint_tests() makes the same, rounded to three decimals.
wald <- function(term) {
  by <- strsplit(term, ":")[[1]]
  l <- if (identical(by, "age")) 1 * t(names(coef(fit)) == "age") else contrast(emmeans(fit, by, mode = "asymptotic", data = d), interaction = "trt.vs.ctrl")@linfct
  value <- l %*% coef(fit)
  data.frame(term = term, num_df = nrow(l), f = sum(value * solve(l %*% vcov(fit) %*% t(l), value)) / nrow(l))
}
joint <- do.call(rbind, lapply(attr(terms(formula), "term.labels"), wald))
rounded <- joint_tests(fit, mode = "asymptotic", data = d)
stopifnot(abs(joint$f - rounded$F.ratio) < 6e-4, joint$num_df == rounded$df1)
e <- emmeans(fit, ~ arm | visit, mode = "asymptotic", data = d)
margin <- function(...) as.data.frame(test(contrast(e, "trt.vs.ctrl", adjust = "none"), adjust = "none", ...))$p.value

write_reference(list(
  software = engine("nlme", "emmeans"), formula = deparse1(formula), decrement = fit$decrement,
  means = lapply(seq_len(nrow(cases)), function(i) means(bys[[cases$by[i]]], cases$weights[i])),
  contrasts = list(
    with_reference = contrasts_of("trt.vs.ctrl", "none", "equal", "visit"), pairwise = contrasts_of("revpairwise", "none", "equal", "visit"),
    holm_by_table = contrasts_of("revpairwise", "holm", "equal", NULL), bh_by_visit = contrasts_of("revpairwise", "BH", "equal", "visit")),
  joint_tests = joint,
  margins = list(not_lower_by_2 = margin(delta = 2, side = "noninf"), within_4 = margin(delta = 4, side = "equivalence"))
), "tests/references/means/means.json")
