# lme4 taken to the top of its likelihood. Run from the repository's root, after tests/references/common.R.
suppressPackageStartupMessages({ library(lme4); library(lmerTest); library(pbkrtest) })

tight <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-12, maxfun = 100000), calc.derivs = FALSE)

# lme4 stops where bobyqa does; Newton steps on its own deviance function (theta only, sigma profiled) finish the work.
to_the_top <- function(formula, d, reml) {
  start <- lme4::lmer(formula, d, REML = reml, control = tight)
  devfun <- lme4::lmer(formula, d, REML = reml, control = tight, devFunOnly = TRUE)
  theta <- getME(start, "theta")
  for (step in 1:6) {
    g <- numDeriv::grad(devfun, theta)
    h <- numDeriv::hessian(devfun, theta)
    stopifnot(min(eigen(h, TRUE, TRUE)$values) > 0)
    theta <- theta - solve(h, g)
    decrement <- sum(g * solve(h, g))
    if (decrement < 1e-16) break
  }
  # The optimiser is handed the answer and told to stay there.
  stay <- function(fn, par, lower, upper, control) list(par = par, fval = fn(par), feval = 1, conv = 0, message = "start is the optimum")
  fit <- lmerTest::lmer(formula, d, REML = reml, start = theta, control = lmerControl(optimizer = stay, calc.derivs = FALSE))
  list(fit = fit, decrement = decrement)
}
