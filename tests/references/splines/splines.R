# Natural cubic splines of a covariate: R's splines::ns in a linear regression of one visit, with what it predicts within and beyond the
# ends. Knots are at quantiles of the rows that ns is given, so those without an outcome are left out beforehand.
# Run from the repository's root: Rscript tests/references/splines/splines.R
source("tests/references/common.R")
library(splines)

fev <- read_fev()
last <- fev[fev$AVISIT == "VIS4" & !is.na(fev$FEV1), ]
at <- c(10, 30, 40.5, 55, 90)

case <- function(df) {
  fit <- lm(as.formula(sprintf("FEV1 ~ ns(FEV1_BL, %d) + ARMCD", df)), last)
  rows <- summary(fit)$coefficients
  new <- data.frame(FEV1_BL = at, ARMCD = factor("TRT", levels = c("PBO", "TRT")))
  predicted <- predict(fit, new, se.fit = TRUE)
  list(columns = df, software = engine("splines"), n = nrow(last), estimate = unname(rows[, 1]), se = unname(rows[, 2]),
    sigma = summary(fit)$sigma, at = at, mean = unname(predicted$fit), mean_se = unname(predicted$se.fit))
}

write_reference(lapply(c(1, 2, 3, 5, 8), case), "tests/references/splines/splines.json")
