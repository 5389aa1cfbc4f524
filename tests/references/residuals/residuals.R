# Residuals of nlme::gls (AR(1), REML, fev data): response, Pearson and normalised. Run from the repository's root.
source("tests/references/common.R")
suppressPackageStartupMessages(library(nlme))
d <- subset(read_fev(), !is.na(FEV1))
fit <- gls(FEV1 ~ RACE + SEX + ARMCD * AVISIT, d, correlation = corAR1(form = ~ visit_number | USUBJID), method = "REML",
  control = glsControl(tolerance = 1e-12, msTol = 1e-14, msMaxIter = 500, opt = "nlminb"))
keep <- seq_len(100)
write_reference(list(
  engine = engine("nlme"), formula = "FEV1 ~ RACE + SEX + ARMCD * AVISIT", covariance = "ar1", estimation = "reml",
  rows = data.frame(patient = as.character(d$USUBJID), visit = as.character(d$AVISIT), fitted = as.numeric(fitted(fit)),
    response = as.numeric(residuals(fit, "response")), pearson = as.numeric(residuals(fit, "pearson")),
    normalised = as.numeric(residuals(fit, "normalized")))[keep, ]
), "tests/references/residuals/fev_ar1.json")
