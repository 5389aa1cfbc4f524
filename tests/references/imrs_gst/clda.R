# Change to 12 months in the synthetic sample trial over the raw baseline SD pooled over arms, by constrained longitudinal analysis with
# hand-made dummies: nlme::gls, unstructured, REML. Totals are summed here from the items.
# Run from the repository's root: Rscript tests/references/imrs_gst/clda.R
source("tests/references/common.R")
source("tests/references/gls/tools.R")
source("tests/references/clda/tools.R")

visits <- c("baseline", "3 months", "6 months", "9 months", "12 months")
file <- read.csv("data-samples/imrs_gst/imrs_gst.csv", na.strings = c("", "?"))
totals <- list(caps5 = rowSums(file[sprintf("caps5_%02d", 1:20)]), scid5pd = rowSums(file[grep("^scid_", names(file))]))

one_outcome <- function(y) {
  d <- data.frame(patient = file$patient, arm = file$arm, visit = file$visit, y = y)[!is.na(y), ]
  first <- d[d$visit == "baseline", ]
  sd <- sqrt(sum(tapply(first$y, first$arm, function(v) (length(v) - 1) * var(v))) / (nrow(first) - 2))
  d <- with_dummies(d, visits, c("ImRs", "ImRs+GST"))
  formula <- reformulate(c("visit", dummy_names(visits)), "y")
  fit <- do.call(gls, list(model = formula, data = d, correlation = corSymm(form = ~ visit_number | patient), weights = varIdent(form = ~ 1 | visit), method = "REML", control = control))
  fit <- to_the_top(fit, d, formula)
  change <- unname(coef(fit)["visit12 months"])
  difference <- unname(coef(fit)["treated_5"])
  list(
    n_obs = fit$dims$N, observed_at_12_months = sum(d$visit == "12 months"), log_lik = as.numeric(logLik(fit)), baseline_mean = unname(coef(fit)[1]), baseline_sd = sd,
    d_imrs = -change / sd, d_imrs_gst = -(change + difference) / sd, d_between = -difference / sd
  )
}

write_reference(c(list(software = engine("nlme", "numDeriv")), lapply(totals, one_outcome)), "tests/references/imrs_gst/clda.json")
