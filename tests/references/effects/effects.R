# Effect sizes by R: effectsize (d, g, Glass, noncentral limits), emmeans (delta method), boot (percentile and BCa limits), base R for the rest.
# Run from the repository's root: Rscript tests/references/effects/effects.R
source("tests/references/common.R")
suppressPackageStartupMessages({library(effectsize); library(emmeans); library(boot)})

d <- read_antidepressant()
at <- function(arm, visit) d[d$THERAPY == arm & d$VISIT == visit, ]
first <- d[!duplicated(d$PATIENT), ]
base <- split(first$BASVAL, first$THERAPY)

row <- function(x, method, ...) {
  names(x)[1] <- "effect"
  list(method = method, ..., effect = x$effect, lower = x$CI_low, upper = x$CI_high)
}

between <- lapply(c("4", "5", "6", "7"), function(visit) {
  drug <- at("DRUG", visit)$HAMDTL17
  placebo <- at("PLACEBO", visit)$HAMDTL17
  list(visit = visit, n_drug = length(drug), n_placebo = length(placebo), difference = mean(drug) - mean(placebo),
    cohens_d = row(cohens_d(drug, placebo), "cohens_d, pooled SD"),
    hedges_g = row(hedges_g(drug, placebo), "hedges_g, pooled SD"),
    glass = row(glass_delta(drug, placebo), "glass_delta, SD of placebo"),
    average = row(cohens_d(drug, placebo, pooled_sd = FALSE), "cohens_d, pooled_sd = FALSE"))
})

within <- do.call(c, lapply(levels(d$THERAPY), function(arm) lapply(c("4", "7"), function(visit) {
  x <- at(arm, visit)
  change <- x$HAMDTL17 - x$BASVAL
  v <- c(var(x$BASVAL), var(x$HAMDTL17))
  list(arm = arm, visit = visit, n = nrow(x), change = mean(change), se = sd(change) / sqrt(nrow(x)),
    d_z = row(cohens_d(x$HAMDTL17, x$BASVAL, paired = TRUE), "cohens_d, paired"),
    g_z = row(hedges_g(x$HAMDTL17, x$BASVAL, paired = TRUE), "hedges_g, paired"),
    d_av = mean(change) / sqrt(mean(v)), own_baseline = mean(change) / sd(base[[arm]]))
})))

# The delta method: emmeans::eff_size takes sigma and its degrees of freedom.
pooled <- sqrt(sum(sapply(base, function(b) (length(b) - 1) * var(b))) / (nrow(first) - length(base)))
delta <- lapply(c("4", "7"), function(visit) {
  fit <- lm(HAMDTL17 ~ BASVAL + THERAPY, d[d$VISIT == visit, ])
  contrast <- pairs(emmeans(fit, "THERAPY"), reverse = TRUE)
  raw <- summary(contrast)
  effect <- summary(eff_size(contrast, sigma = pooled, edf = nrow(first) - 2, method = "identity"))
  list(visit = visit, estimate = raw$estimate, se = raw$SE, df = raw$df, sd = pooled, sd_df = nrow(first) - 2, effect = effect$effect.size,
    effect_se = effect$SE)
})

# Limits of the noncentrality: the roots of stats::pt (exact), and effectsize's conversion of a t statistic to d = 2t/sqrt(df), whose
# Nelder-Mead search can stop early (by 0.007 for t = 7.7 on 128 df).
root <- function(t, df, p) uniroot(function(ncp) suppressWarnings(pt(t, df, ncp)) - p, c(t - 8, t + 8), tol = 1e-13)$root
conversions <- Map(function(t, df) {
  x <- t_to_d(t, df)
  list(t = t, df = df, lower = root(t, df, 0.975), upper = root(t, df, 0.025), effectsize_lower = x$CI_low * sqrt(df) / 2,
    effectsize_upper = x$CI_high * sqrt(df) / 2)
}, c(-3.1, 0.4, 2.5, 7.7, 19.7), c(12, 30, 30, 128, 65))

# The bootstrap: replicates and jackknife values go into the file, so that the same limits can be read off them.
set.seed(20260101)
change <- with(at("DRUG", "7"), HAMDTL17 - BASVAL)
statistic <- function(x, i) mean(x[i]) / sd(x[i])
one <- boot(change, statistic, R = 499)
last <- d[d$VISIT == "7", c("HAMDTL17", "THERAPY")]
statistic2 <- function(x, i) {
  y <- split(x$HAMDTL17[i], x$THERAPY[i])
  (mean(y$DRUG) - mean(y$PLACEBO)) / sd(y$PLACEBO)
}
two <- boot(last, statistic2, R = 499, strata = last$THERAPY)
without <- function(data, statistic) sapply(seq_len(NROW(data)), function(i) statistic(data, setdiff(seq_len(NROW(data)), i)))
jack1 <- without(change, statistic)
jack2 <- without(last, statistic2)
n2 <- table(last$THERAPY)[last$THERAPY]
# boot.ci's acceleration is meant for one stratum; influences scaled by 1/n of their stratum give the stratified one.
influence2 <- as.numeric((n2 - 1) * (two$t0 - jack2) / n2)
limits <- function(b, level, L = NULL) {
  ci <- if (is.null(L)) boot.ci(b, level, c("perc", "basic", "bca"), L = empinf(b, type = "jack")) else boot.ci(b, level, c("perc", "basic", "bca"), L = L)
  list(level = level, percentile = ci$percent[4:5], basic = ci$basic[4:5], bca = ci$bca[4:5])
}
bootstrap <- list(
  list(observed = one$t0, se = sd(one$t), replicates = as.numeric(one$t), jackknife = list(jack1), limits = lapply(c(0.9, 0.95), function(l) limits(one, l))),
  list(observed = two$t0, se = sd(two$t), replicates = as.numeric(two$t), jackknife = unname(split(jack2, last$THERAPY)),
    limits = lapply(c(0.9, 0.95), function(l) limits(two, l, influence2))))

write_reference(list(software = engine("effectsize", "emmeans", "boot"), data = "antidepressant.csv: HAMDTL17, baseline BASVAL", between = between,
  within = within, baseline_pooled_sd = pooled, delta = delta, conversions = conversions, bootstrap = bootstrap), "tests/references/effects/effects.json")
