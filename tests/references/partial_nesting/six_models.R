# The six models of Candlish et al. (2018) in R, on trials of the simulation study: `sample.csv`, which
# `cargo run --example partial_nesting -- 2 table.csv sample.csv` writes.
#
# Linear regression by lm; models 2 to 5 by lme4 with the degrees of freedom of lmerTest (Satterthwaite) and pbkrtest (Kenward and Roger, whose
# information is the expected one); model 6, with a residual variance in each arm, by nlme, and its Satterthwaite degrees of freedom from a dense
# likelihood written out here, whose second derivatives are Richardson extrapolations. Where the variance between groups is zero, that of model 6 is
# a likelihood of the other two.
source("tests/references/common.R")
suppressMessages({library(lmerTest); library(pbkrtest); library(nlme); library(numDeriv)})

trials <- read.csv("tests/references/partial_nesting/sample.csv", colClasses = c(group = "character"))
control <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-12), calc.derivs = TRUE, check.conv.singular = "ignore",
                       check.conv.grad = "ignore")

coded <- function(d) {
  own <- seq_len(nrow(d))
  d$treated <- as.numeric(d$arm == "B")
  d$singletons <- ifelse(d$treated == 1, d$group, paste("A", d$patient))
  d$one_large <- ifelse(d$treated == 1, d$group, "A")
  d$pseudo <- ifelse(d$treated == 1, d$group, paste("A", (d$patient - 1) %/% 8 + 1))
  d[!is.na(d$last), ]
}

row <- function(model, estimate, se, df, between, residual, kr = NULL) {
  c(list(model = model, estimate = estimate, se = se, df = df, between = between, residual = residual), kr)
}

by_lmer <- function(model, term, d) {
  fit <- lmer(as.formula(paste("last ~ baseline + arm +", term)), d, control = control)
  s <- coef(summary(fit))["armB", ]
  kr <- coef(summary(fit, ddf = "Kenward-Roger"))["armB", ]
  row(model, s[["Estimate"]], s[["Std. Error"]], s[["df"]], as.data.frame(VarCorr(fit))$vcov[1], sigma(fit)^2,
      list(se_kr = kr[["Std. Error"]], df_kr = kr[["df"]]))
}

# Minus twice the restricted log-likelihood, and the variance of the contrast, as functions of (between, residual in A, residual in B).
dense <- function(d) {
  x <- model.matrix(~ baseline + arm, d)
  together <- outer(d$group, d$group, "==") * outer(d$treated, d$treated)
  parts <- list(together, diag(1 - d$treated), diag(d$treated))
  solved <- function(theta) {
    v <- Reduce(`+`, Map(`*`, theta, parts))
    w <- solve(v)
    phi <- solve(t(x) %*% w %*% x)
    list(v = v, w = w, phi = phi, beta = phi %*% t(x) %*% w %*% d$last)
  }
  list(
    deviance = function(theta) {
      s <- solved(theta)
      r <- d$last - x %*% s$beta
      as.numeric(determinant(s$v)$modulus - determinant(s$phi)$modulus + t(r) %*% s$w %*% r)
    },
    variance = function(theta) solved(theta)$phi[3, 3],
    estimate = function(theta) solved(theta)$beta[3]
  )
}

by_arm <- function(d) {
  d$any_group <- factor(ifelse(d$treated == 1, d$group, "none"))
  fit <- lme(last ~ baseline + arm, d, random = ~ 0 + treated | any_group, weights = varIdent(form = ~ 1 | arm),
             control = lmeControl(opt = "optim", msMaxIter = 500, maxIter = 500, reltol = 1e-14, returnObject = TRUE))
  ratio <- coef(fit$modelStruct$varStruct, unconstrained = FALSE, allCoef = TRUE)
  residual <- fit$sigma^2 * ratio[c("A", "B")]^2
  own <- dense(d)
  newton <- function(f, theta) {
    for (step in 1:5) theta <- theta - solve(hessian(f, theta), grad(f, theta))
    theta
  }
  # From nlme's optimum to that of the dense likelihood; where that lies below zero, the best with no variance between groups.
  theta <- tryCatch(newton(own$deviance, c(max(getVarCov(fit)[1, 1], 1e-3), residual)), error = function(e) c(-1, residual))
  df <- NA
  if (theta[1] > 0) {
    g <- grad(own$variance, theta)
    df <- 2 * own$variance(theta)^2 / (t(g) %*% (2 * solve(hessian(own$deviance, theta))) %*% g)
  } else {
    theta <- c(0, newton(function(residual) own$deviance(c(0, residual)), residual))
  }
  c(row("partially nested, heteroscedastic", own$estimate(theta), sqrt(own$variance(theta)), as.numeric(df), theta[[1]], theta[[3]]),
    residual_a = theta[[2]], nlme_estimate = fixef(fit)[["armB"]], nlme_se = sqrt(vcov(fit)["armB", "armB"]))
}

six <- function(d) {
  d <- coded(d)
  plain <- lm(last ~ baseline + arm, d)
  s <- coef(summary(plain))["armB", ]
  list(
    row("no clustering", s[["Estimate"]], s[["Std. Error"]], plain$df.residual, NA, sigma(plain)^2),
    by_lmer("controls as singletons", "(1 | singletons)", d),
    by_lmer("controls as one cluster", "(1 | one_large)", d),
    by_lmer("controls in pseudo-groups", "(1 | pseudo)", d),
    by_lmer("partially nested", "(0 + treated | one_large)", d),
    by_arm(d)
  )
}

keys <- unique(trials[c("variance_ratio", "icc", "replicate")])
answers <- lapply(seq_len(nrow(keys)), function(k) {
  d <- merge(trials, keys[k, ])
  c(as.list(keys[k, ]), list(patients = sum(!is.na(d$last)), models = six(d[order(d$patient), ])))
})
write_reference(list(engine = engine("lme4", "lmerTest", "pbkrtest", "nlme", "numDeriv"), trials = answers),
                "tests/references/partial_nesting/six_models.json")
