# Constrained longitudinal analysis beyond arm * visit: one effect of treatment at all visits, no arm, three arms, covariates that change by
# visit, an effect of treatment that depends on one. nlme::gls, unstructured; marginal means averaged row by row over a grid made here.
# Run from the repository's root: Rscript tests/references/clda/clda_means.R
source("tests/references/common.R")
source("tests/references/gls/tools.R")

two_arms <- function() {
  d <- read.csv("tests/references/data/clda_synthetic.csv")
  list(d = d, visits = c("baseline", "week 4", "week 8", "week 12"), arms = c("control", "active"), factors = list(), numbers = character())
}

three_arms <- function() {
  d <- read.csv("tests/references/design/trial.csv")
  d <- d[!is.na(d$y), ]
  factors <- list(sex = c("f", "m"), mood = sort(unique(d$mood)))
  list(d = d, visits = paste0("v", 1:4), arms = c("A", "B", "C"), factors = factors, numbers = "dose")
}

# `arm_<k>` is 1 for patients of arm k after baseline: before treatment everyone is in the first arm.
coded <- function(d, set) {
  d$visit <- factor(d$visit, levels = set$visits)
  for (name in names(set$factors)) d[[name]] <- factor(d[[name]], levels = set$factors[[name]])
  for (k in seq_along(set$arms)[-1]) d[[paste0("arm_", k)]] <- (d$arm == set$arms[k]) * (as.integer(d$visit) > 1)
  d
}

# The coefficients of means of `cells`: every other factor takes all its levels equally often, or as often as among the observations, and
# numbers are at their mean over the observations.
mean_row <- function(set, d, formula, cell, weights) {
  others <- c(list(arm = set$arms, visit = set$visits), set$factors)
  others <- others[setdiff(names(others), names(cell))]
  if (weights == "equal") {
    grid <- if (length(others)) expand.grid(others, stringsAsFactors = FALSE) else data.frame(row.names = 1)
  } else {
    grid <- data.frame(lapply(d[names(others)], as.character), row.names = NULL)
    if (!length(others)) grid <- data.frame(row.names = 1)
  }
  for (name in names(cell)) grid[[name]] <- cell[[name]]
  for (name in set$numbers) grid[[name]] <- mean(d[[name]])
  colMeans(model.matrix(formula[-2], coded(grid, set)))
}

one_case <- function(id, ours, right_hand_side, set) {
  d <- coded(set$d, set)
  d$patient <- factor(d$patient, levels = unique(d$patient))
  d$visit_number <- as.integer(d$visit)
  d <- d[order(d$patient, d$visit), ]
  formula <- as.formula(paste("y ~", right_hand_side), globalenv())
  used <- all.vars(formula)
  set$factors <- set$factors[intersect(names(set$factors), used)]
  set$numbers <- intersect(set$numbers, used)
  by_arm <- any(grepl("arm_", used))
  if (!by_arm) set$arms <- set$arms[1]
  fit <- do.call(gls, list(model = formula, data = d, correlation = corSymm(form = ~ visit_number | patient), weights = varIdent(form = ~ 1 | visit), method = "REML", control = control))
  fit <- to_the_top(fit, d, formula)
  b <- coef(fit)
  combine <- function(l) list(estimate = sum(l * b), se = sqrt(drop(t(l) %*% vcov(fit) %*% l)))
  means <- changes <- contrasts <- list()
  for (weights in c("equal", "proportional")) {
    row <- function(...) mean_row(set, d, formula, list(...), weights)
    for (v in set$visits) {
      means[[length(means) + 1]] <- c(list(weights = weights, visit = v), combine(row(visit = v)))
      if (by_arm) for (a in set$arms) means[[length(means) + 1]] <- c(list(weights = weights, arm = a, visit = v), combine(row(arm = a, visit = v)))
    }
    if (by_arm && weights == "equal") for (v in set$visits[-1]) {
      for (a in set$arms) changes[[length(changes) + 1]] <- c(list(arm = a, visit = v), combine(row(arm = a, visit = v) - row(arm = a, visit = set$visits[1])))
      for (a in set$arms[-1]) contrasts[[length(contrasts) + 1]] <- c(list(arm = a, visit = v), combine(row(arm = a, visit = v) - row(arm = set$arms[1], visit = v)))
    }
  }
  list(
    id = id, software = engine("nlme", "numDeriv"), formula = ours, n_obs = fit$dims$N, n_subjects = nlevels(d$patient), n_coefficients = length(b),
    log_lik = as.numeric(logLik(fit)), decrement = fit$decrement, means = means, changes = changes, contrasts = contrasts
  )
}

after <- function(set) paste(paste0("arm_", seq_along(set$arms)[-1]), collapse = " + ")
by_visit <- function(set) paste(outer(seq_along(set$arms)[-1], seq_along(set$visits)[-1], function(a, v) sprintf("I(arm_%d * (visit == '%s'))", a, set$visits[v])), collapse = " + ")
two <- two_arms()
three <- three_arms()
write_reference(list(
  one_case("one_effect_at_all_visits", "y ~ visit + arm", paste("visit +", after(two)), two),
  one_case("no_arm", "y ~ visit", "visit", two),
  one_case("three_arms", "y ~ visit + arm", paste("visit +", after(three)), three),
  one_case("covariates_by_visit", "y ~ sex + dose + mood + arm * visit", paste("sex + dose + mood + visit +", by_visit(three)), three),
  one_case("effect_by_covariate", "y ~ sex + visit + dose * arm", paste0("sex + visit + dose * (", after(three), ")"), three)
), "tests/references/clda/clda_means.json")
