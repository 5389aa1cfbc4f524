# CR0, CR2, CR3 with Satterthwaite degrees of freedom of every coefficient on bcva_data (1000 patients, 10 visits), by R mmrm at the very top of its
# likelihood. mmrm's own df_1d() takes minutes for one coefficient here, since it multiplies by a matrix of patients times (patients x coefficients); the
# same product is taken below from mmrm's own matrix G without the zeros. Run from the repository's root: Rscript tests/references/sandwich/bcva.R
source("tests/references/common.R")
source("tests/references/mmrm_more/newton.R")

d <- read.csv("data-samples/bcva/bcva.csv")
d$USUBJID <- factor(d$USUBJID, levels = unique(d$USUBJID))
d$AVISIT <- factor(d$AVISIT, levels = sprintf("VIS%02d", 1:10))
d$ARMCD <- factor(d$ARMCD, levels = c("CTL", "TRT"))
d$RACE <- factor(d$RACE, levels = c("Asian", "Black", "White"))
formula <- BCVA_CHG ~ RACE + BCVA_BL + ARMCD * AVISIT + us(AVISIT | USUBJID)
fit <- mmrm(formula, d, control = mmrm_control(method = "Residual", optimizer_fun = newton))
b <- fit$beta_est
p <- length(b)
n <- component(fit, "n_subjects")

satterthwaite <- function(g) {
  vapply(seq_len(p), function(j) {
    own <- g[, seq(j, by = p, length.out = n)]
    square <- crossprod(own)
    sum(diag(square))^2 / sum(square^2)
  }, 0)
}
case <- function(type) {
  e <- mmrm:::h_get_empirical(fit$tmb_data, fit$theta_est, b, fit$beta_vcov, type)
  data.frame(term = names(b), estimate = unname(b), se = sqrt(diag(e$cov)), df = satterthwaite(e$g_mat))
}
types <- c(Cr0 = "Empirical", Cr2 = "Empirical-Bias-Reduced", Cr3 = "Empirical-Jackknife")
write_reference(
  list(id = "bcva_us_reml", software = engine("mmrm", "TMB"), formula = deparse1(formula), n_obs = component(fit, "n_obs"), n_subjects = n,
    log_lik = as.numeric(logLik(fit)), vcov = lapply(types, case)),
  "tests/references/sandwich/bcva.json")
