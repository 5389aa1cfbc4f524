# Power by simulation with simr's own code over lme4. Usage: Rscript simr.R DIRECTORY-OF-simr > simr.json
# One design: two arms of 10 groups of 6 patients, one visit after treatment, a random intercept of groups with intraclass
# correlation 0.1, an effect of 0.6 standard deviations, and none; t test with Satterthwaite's degrees of freedom (lmerTest).
suppressMessages({library(jsonlite); library(lme4); library(lmerTest); library(pbkrtest); library(plyr); library(stringr); library(iterators)})
directory <- commandArgs(TRUE)[1]
# lme4 before 2.0 keeps no covariances beside theta, so that there are none to renew; simr.R names the package alone.
for (f in setdiff(list.files(file.path(directory, "R"), full.names = TRUE), file.path(directory, "R", "simr.R")))
  source(exprs = parse(text = gsub("lme4::getReCovs(object)", "NULL", readLines(f, warn = FALSE), fixed = TRUE)))
design <- data.frame(group = factor(rep(1:20, each = 6)), arm = factor(rep(c("a", "b"), each = 60)))
start <- function(effect) {
  model <- lme4::lmer(y ~ arm + (1 | group), data = cbind(design, y = rnorm(nrow(design))))
  fixef(model) <- c("(Intercept)" = 0, armb = effect)
  VarCorr(model) <- 0.1
  sigma(model) <- sqrt(0.9)
  model
}
by_simr <- function(effect, trials) {
  model <- start(effect)
  seconds <- system.time(found <- powerSim(model, fixed("armb", "sa"), nsim = trials, progress = FALSE))[["user.self"]]
  list(by = "simr", effect = effect, trials = found$n, successes = found$x, failures = nrow(found$errors), cpu_seconds_per_trial = seconds / trials)
}
# The same test without simr: lme4 simulates, lmerTest fits and tests. (Not refit(): the degrees of freedom would be those of the
# data in the call.)
by_lme4 <- function(effect, trials) {
  model <- start(effect)
  one <- function(y) summary(lmerTest::lmer(y ~ arm + (1 | group), data = data.frame(design, y = y)))$coefficients["armb", "Pr(>|t|)"]
  seconds <- system.time(p <- sapply(simulate(model, trials), one))[["user.self"]]
  list(by = "lme4", effect = effect, trials = trials, successes = sum(p < 0.05), failures = 0, cpu_seconds_per_trial = seconds / trials)
}
set.seed(20261130)
cases <- suppressMessages(list(by_simr(0.6, 200), by_lme4(0.6, 1000), by_lme4(0, 1000)))
version <- function(name) paste(name, packageVersion(name))
engine <- paste(c(paste("simr", read.dcf(file.path(directory, "DESCRIPTION"))[1, "Version"]), version("lme4"), version("lmerTest"), version("pbkrtest"), R.version.string), collapse = ", ")
cat(toJSON(list(engine = engine, cases = cases), digits = I(17), auto_unbox = TRUE, pretty = TRUE), "\n")
