# What R says of the models of trial.csv and separated.csv. Run in this folder:
#   Rscript reference.R BEECA ROBINCAR2 LOGISTF
# with the source directories of beeca (openpharma/beeca), RobinCar2 (openpharma/RobinCar2) and logistf
# (georgheinze/logistf, its C code built into src/logistf.so by R CMD SHLIB). Needs sandwich, checkmate, numDeriv, dplyr,
# lpSolve, jsonlite.
suppressPackageStartupMessages({ library(sandwich); library(jsonlite); library(checkmate); library(dplyr) })
paths <- commandArgs(TRUE)
version_of <- function(path) paste(read.dcf(file.path(path, "DESCRIPTION"))[1, c("Package", "Version")], collapse = " ")
source_all <- function(path, files, env) for (f in files) sys.source(file.path(path, "R", f), env)

d <- read.csv("trial.csv", stringsAsFactors = TRUE)
tight <- glm.control(epsilon = 1e-15, maxit = 200)
types <- c("HC0", "HC1", "HC2", "HC3")
fitted_model <- function(m) {
  se <- c(list(model = sqrt(diag(vcov(m)))), lapply(setNames(types, types), function(t) sqrt(diag(vcovHC(m, type = t)))))
  list(coefficients = unname(coef(m)), se = lapply(se, unname), log_likelihood = as.numeric(logLik(m)), fitted = unname(head(fitted(m), 5)))
}
models <- list(
  logistic = glm(y ~ arm + site + severity + base, binomial, d, control = tight),
  interaction = glm(y ~ arm * severity + base, binomial, d, control = tight),
  poisson = glm(y ~ arm + site + severity + base, poisson, d, control = tight),
  counts = glm(count ~ arm + severity + base, poisson, d, control = tight),
  log_binomial = glm(y ~ arm + severity, binomial("log"), d, start = c(-1, 0, 0, 0), control = tight),
  risk_difference = glm(y ~ arm + severity, binomial("identity"), d, start = c(0.35, 0.1, 0, 0), control = tight),
  linear = glm(base ~ arm + severity, gaussian, d, control = tight)
)

# beeca: treatment first in the formula.
beeca <- new.env(parent = globalenv())
source_all(paths[1], c("sanitize.R", "predict_counterfactuals.R", "average_predictions.R", "estimate_varcov.R", "apply_contrast.R"), beeca)
standardised <- function(method, type = "HC0", strata = NULL) {
  fit <- glm(y ~ arm + site + severity + base, binomial, d, control = tight)
  steps <- beeca$average_predictions(beeca$predict_counterfactuals(fit, "arm"))
  steps <- beeca$estimate_varcov(steps, strata, method, type)
  contrast <- function(kind) {
    found <- suppressWarnings(beeca$apply_contrast(steps, kind, "control"))
    list(estimate = unname(c(found$marginal_est)), se = unname(c(found$marginal_se)))
  }
  list(means = unname(steps$counterfactual.means), se = unname(sqrt(diag(steps$robust_varcov))),
       covariance = unname(lapply(seq_len(3), function(i) unname(steps$robust_varcov[i, ]))),
       difference = contrast("diff"), ratio = contrast("logrr"), odds_ratio = contrast("logor"))
}
ge <- c(list(model = standardised("Ge", "model-based")), lapply(setNames(types, types), function(t) standardised("Ge", t)))
ye <- list(simple = standardised("Ye"), permuted_block = standardised("Ye", strata = c("site", "severity")))

# RobinCar2, also of a model without a canonical link, and under minimisation.
robin <- new.env(parent = globalenv())
source_all(paths[2], c("utils.R", "bias.R", "find_data.R", "variance_hc.R", "variance_anhecova.R", "prediction_cf.R", "predict_couterfactual.R", "treatment_effect.R"), robin)
robust <- function(fit, treatment) {
  found <- robin$predict_counterfactual.lm(fit, treatment, d, vcov = robin$vcovG)
  list(means = unname(found$estimate), covariance = lapply(seq_len(3), function(i) unname(found$variance[i, ])))
}
no_covariates <- glm(y ~ arm, binomial, d, control = tight)
rc <- list(
  simple = robust(models$logistic, arm ~ 1),
  permuted_block = robust(models$logistic, arm ~ pb(site, severity)),
  minimisation = robust(models$logistic, arm ~ ps(site, severity)),
  log_binomial_simple = robust(models$log_binomial, arm ~ 1),
  log_binomial_minimisation = robust(models$log_binomial, arm ~ ps(site, severity)),
  counts_permuted_block = robust(models$counts, arm ~ pb(site, severity)),
  without_covariates = robust(no_covariates, arm ~ pb(site, severity))
)

# logistf, at its tightest.
firth <- new.env(parent = globalenv())
dyn.load(file.path(paths[3], "src", "logistf.so"))
source_all(paths[3], c("logistf.control.R", "logistf.mod.control.R", "logistpl.control.r", "logistf.fit.R", "logistpl.R", "logistf.R", "logistftest.R"), firth)
assign("uniquecombs", function(...) stop("not collapsed"), firth)
penalised <- function(formula, data) {
  control <- firth$logistf.control(maxit = 5000, maxstep = 0.5, lconv = 1e-14, gconv = 1e-13, xconv = 1e-14, collapse = FALSE)
  plcontrol <- firth$logistpl.control(maxit = 5000, maxstep = 0.5, lconv = 1e-13, xconv = 1e-13)
  fit <- suppressWarnings(firth$logistf(formula, data, control = control, plcontrol = plcontrol))
  # logistf 1.25 and later report the variance of the augmented data; here it is that of the information, as in SAS.
  x <- model.matrix(formula, data); fitted <- plogis(drop(x %*% fit$coefficients))
  list(coefficients = unname(fit$coefficients), se = unname(sqrt(diag(solve(crossprod(x * sqrt(fitted * (1 - fitted))))))), lower = unname(fit$ci.lower), upper = unname(fit$ci.upper),
       p = unname(fit$prob), log_likelihood = unname(fit$loglik[["full"]]), null = unname(fit$loglik[["null"]]))
}
e <- read.csv("separated.csv", stringsAsFactors = TRUE)
logistf <- list(separated = penalised(y ~ arm + marker + age, e), trial = penalised(y ~ arm + site + severity + base, d))

# Separation by Konis's linear program: max sum (2y - 1) x'd, (2y - 1) x'd >= 0, -1 <= d <= 1, d = u - 1.
konis <- function(formula, data) {
  x <- model.matrix(formula, data); y <- data$y; z <- (2 * y - 1) * x; p <- ncol(x)
  found <- lpSolve::lp("max", colSums(z), rbind(z, diag(p)), c(rep(">=", nrow(z)), rep("<=", p)), c(rowSums(z), rep(2, p)))
  unname(found$solution - 1)
}
separation <- list(separated = konis(~ arm + marker + age, e), trial = konis(~ arm + site + severity + base, d))

out <- list(
  engine = paste(c(R.version.string, paste("sandwich", packageVersion("sandwich")), version_of(paths[1]), version_of(paths[2]), version_of(paths[3]),
                   paste("lpSolve", packageVersion("lpSolve"))), collapse = ", "),
  models = lapply(models, fitted_model), ge = ge, ye = ye, robincar2 = rc, logistf = logistf, separation = separation)
writeLines(toJSON(out, digits = I(16), auto_unbox = TRUE, pretty = 1), "reference.json")
