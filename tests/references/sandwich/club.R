# A second engine: R clubSandwich on nlme::gls, brought to the top of its likelihood. CR0 and CR3 are defined without a choice and must agree; clubSandwich's
# CR2 takes the root of another matrix than R mmrm and this library, and differs a little. Run from the repository's root:
# Rscript tests/references/sandwich/club.R
source("tests/references/common.R")
source("tests/references/gls/tools.R")
suppressPackageStartupMessages(library(clubSandwich))

one_case <- function(id, data, d, formula, visit, subject, structure, method) {
  s <- structures(visit, subject)[[structure]]
  variance <- if (s$heterogeneous) varIdent(form = as.formula(paste("~ 1 |", visit)))
  fit <- do.call(gls, list(model = formula, data = d, correlation = s$correlation, weights = variance, method = method, control = control))
  fit <- to_the_top(fit, d, formula)
  X <- model.matrix(formula, d)
  fit$fitted[] <- X %*% coef(fit)
  fit$residuals[] <- d[[all.vars(formula)[1]]] - fit$fitted
  robust <- lapply(c(Cr0 = "CR0", Cr2 = "CR2", Cr3 = "CR3"), function(type) {
    test <- coef_test(fit, vcov = type, cluster = d[[subject]], test = "Satterthwaite")
    data.frame(term = names(coef(fit)), estimate = unname(coef(fit)), se = test$SE, df = test$df_Satt)
  })
  list(id = id, software = engine("nlme", "clubSandwich"), data = data, formula = deparse1(formula), covariance_structure = structure, reml = method == "REML",
    decrement = fit$decrement, vcov = robust)
}

fev <- subset(read_fev(), !is.na(FEV1))
fev$USUBJID <- droplevels(fev$USUBJID)
anti <- read_antidepressant()
cases <- list()
for (structure in c("us", "ar1")) {
  cases[[length(cases) + 1]] <- one_case(paste("fev", structure, "reml", sep = "_"), "fev_data", fev, FEV1 ~ RACE + SEX + ARMCD * AVISIT, "AVISIT", "USUBJID", structure, "REML")
}
cases[[length(cases) + 1]] <- one_case("antidepressant_csh_reml", "antidepressant_data", anti, CHANGE ~ BASVAL * VISIT + THERAPY * VISIT, "VISIT", "PATIENT", "csh", "REML")
write_reference(cases, "tests/references/sandwich/club.json")
