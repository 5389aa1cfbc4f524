# Model matrices and marginal-mean coefficients of R, for tests/suite/design/matrices.rs. Run from the repository's root:
#   Rscript tests/references/design/design.R
# Makes trial.csv (synthetic, fixed seed, nobody's data), model_matrices.json (stats::model.matrix) and grids.json (emmeans' linear functions).
source("tests/references/common.R")
suppressPackageStartupMessages(library(emmeans))

make_trial <- function() {
  set.seed(20261121)
  n <- 30
  d <- expand.grid(visit = paste0("v", 1:4), patient = sprintf("P%02d", 1:n))[2:1]
  p <- as.integer(d$patient)
  d$arm <- sample(c("A", "B", "C"), n, TRUE, c(.5, .3, .2))[p]
  d$site <- sample(c("east", "north", "west"), n, TRUE, c(.6, .3, .1))[p]
  d$sex <- sample(c("f", "m"), n, TRUE)[p]
  d$age <- round(rnorm(n, 40, 11))[p]
  d$month <- c(1, 2, 4, 8)[as.integer(d$visit)]
  d$dose <- round(runif(nrow(d), 0, 20))
  d$mood <- sample(c("high", "low"), nrow(d), TRUE, c(.7, .3))
  d$y <- round(rnorm(nrow(d), 20 - d$month, 3), 2)
  d$y[runif(nrow(d)) < .08 * as.integer(d$visit)] <- NA
  d$age[p == 3] <- NA
  d$site[p == 7] <- NA
  d
}

read_design_trial <- function() {
  d <- read.csv("tests/references/design/trial.csv", stringsAsFactors = TRUE, na.strings = "")
  d$time <- d$month
  d
}

matrix_of <- function(formula, d, data) {
  m <- model.matrix(as.formula(formula), d)
  list(data = data, formula = formula, columns = I(colnames(m)), n = nrow(m), rank = qr(m)$rank,
       # Sums over the rows, plain and weighted by row number and by its square: a misplaced entry changes one of them.
       sums = lapply(0:2, function(k) I(unname(colSums(m * seq_len(nrow(m))^k)))))
}

write.csv(make_trial(), "tests/references/design/trial.csv", row.names = FALSE, quote = FALSE, na = "")
trial <- read_design_trial()
fev <- read_fev()
antidepressant <- read_antidepressant()
antidepressant$POOLINV <- factor(sprintf("%03d", antidepressant$POOLINV))

formulas <- c(
  "y ~ arm * visit", "y ~ site + arm * visit", "y ~ age + site + arm * visit", "y ~ arm:visit", "y ~ 0 + arm:visit", "y ~ visit + arm:visit",
  "y ~ 0 + arm + visit", "y ~ 0 + age + arm * visit", "y ~ arm * age", "y ~ arm:age", "y ~ arm + arm:age", "y ~ age:arm:visit + visit",
  "y ~ site * sex * arm", "y ~ (site + sex + arm + visit)^2", "y ~ site:sex + sex:arm", "y ~ site * arm * visit - site:arm:visit",
  "y ~ dose + mood * arm + visit", "y ~ dose * visit + mood:visit", "y ~ arm * time", "y ~ arm / visit", "y ~ (arm + sex) / visit",
  "y ~ 1", "y ~ 0 + dose", "y ~ visit * arm - arm", "y ~ arm * visit - 1"
)
fev_formulas <- c("FEV1 ~ RACE + SEX + ARMCD * AVISIT", "FEV1 ~ 0 + ARMCD:AVISIT + RACE:FEV1_BL", "FEV1 ~ FEV1_BL * AVISIT + RACE * SEX * ARMCD")
antidepressant_formulas <- c("CHANGE ~ BASVAL * VISIT + THERAPY * VISIT", "CHANGE ~ BASVAL:VISIT + THERAPY + POOLINV")
write_reference(
  list(software = R.version.string, matrices = c(
    lapply(formulas, matrix_of, trial, "trial"), lapply(fev_formulas, matrix_of, fev, "fev"),
    lapply(antidepressant_formulas, matrix_of, antidepressant, "antidepressant"))),
  "tests/references/design/model_matrices.json")

# The coefficients emmeans gives to the columns; the fit behind them does not matter, so it is lm.
grid_of <- function(formula, by, weights, at = NULL) {
  fit <- lm(as.formula(formula), trial)
  e <- emmeans(fit, by, weights = weights, at = at)
  l <- e@linfct
  list(formula = formula, by = I(by), weights = weights, at = at, columns = names(coef(fit)),
       cells = lapply(seq_len(nrow(l)), function(i) list(levels = I(unname(vapply(e@grid[i, by, drop = FALSE], as.character, ""))), l = unname(l[i, ]))))
}
cases <- list(
  list("y ~ age + site + sex + arm * visit", c("arm", "visit")), list("y ~ age * visit + site * sex + arm * visit", c("arm", "visit")),
  list("y ~ age + site * arm + visit + dose + mood", "arm"), list("y ~ age + site * arm + visit + dose + mood", "site"),
  list("y ~ age * mood + site + sex:arm + visit", c("visit", "mood")), list("y ~ (site + sex + arm + visit)^2", c("arm", "visit"))
)
grids <- unlist(lapply(cases, function(case) lapply(c("equal", "proportional", "cells"), function(w) grid_of(case[[1]], case[[2]], w))), recursive = FALSE)
grids <- c(grids, list(grid_of("y ~ age * visit + arm * visit", c("arm", "visit"), "equal", list(age = 50))))
write_reference(list(software = engine("emmeans"), grids = grids), "tests/references/design/grids.json")
