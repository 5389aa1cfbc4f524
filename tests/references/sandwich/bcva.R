# CR2 with Satterthwaite degrees of freedom on bcva_data (1000 patients, 10 visits), by R mmrm. mmrm's own df_1d() takes four minutes a coefficient here,
# since it multiplies by a matrix of patients times (patients x coefficients); below the same product is taken from mmrm's own matrix G without the zeros,
# for three of the coefficients. Run from the repository's root: Rscript tests/references/sandwich/bcva.R
source("tests/references/common.R")
suppressPackageStartupMessages(library(mmrm))

d <- read.csv("data-samples/bcva/bcva.csv")
d$USUBJID <- factor(d$USUBJID, levels = unique(d$USUBJID))
d$AVISIT <- factor(d$AVISIT, levels = sprintf("VIS%02d", 1:10))
d$ARMCD <- factor(d$ARMCD, levels = c("CTL", "TRT"))
d$RACE <- factor(d$RACE, levels = c("Asian", "Black", "White"))
formula <- BCVA_CHG ~ RACE + BCVA_BL + ARMCD * AVISIT + us(AVISIT | USUBJID)
tight <- mmrm_control(method = "Residual", optimizer = "BFGS", optimizer_control = list(reltol = 1e-15, maxit = 2000))
fit <- mmrm(formula, d, control = tight)
b <- fit$beta_est
n <- component(fit, "n_subjects")
e <- mmrm:::h_get_empirical(fit$tmb_data, fit$theta_est, b, fit$beta_vcov, "Empirical-Bias-Reduced")
se <- sqrt(diag(e$cov))
df <- function(term) {
  own <- e$g_mat[, seq(match(term, names(b)), by = length(b), length.out = n)]
  square <- crossprod(own)
  sum(diag(square))^2 / sum(square^2)
}
terms <- c("BCVA_BL", "ARMCDTRT", "ARMCDTRT:AVISITVIS10")
write_reference(
  list(id = "bcva_us_reml_cr2", software = engine("mmrm", "TMB"), formula = deparse1(formula), n_obs = component(fit, "n_obs"), n_subjects = n, log_lik = as.numeric(logLik(fit)),
    se = data.frame(term = names(b), se = unname(se)), df = data.frame(term = terms, df = vapply(terms, df, 0), row.names = NULL)),
  "tests/references/sandwich/bcva.json")
