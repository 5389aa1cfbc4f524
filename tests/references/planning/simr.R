# Power by simulation with simr's own code over lme4. Usage: Rscript simr.R DIRECTORY-OF-simr > simr.json
# One design: two arms of 10 groups of 6 patients, one visit after treatment, a random intercept of groups with intraclass
# correlation 0.1, an effect of 0.6 standard deviations, and none; t test with Satterthwaite's degrees of freedom (lmerTest) and
# F test with those of Kenward and Roger (pbkrtest).
suppressMessages({library(jsonlite); library(lme4); library(lmerTest); library(pbkrtest); library(plyr); library(stringr); library(iterators)})
directory <- commandArgs(TRUE)[1]
for (f in list.files(file.path(directory, "R"), full.names = TRUE)) source(f)
trials <- 2000
set.seed(20261130)
data <- data.frame(group = factor(rep(1:20, each = 6)), arm = factor(rep(c("a", "b"), each = 60)))
one <- function(effect, method) {
  model <- makeLmer(y ~ arm + (1 | group), fixef = c(0, effect), VarCorr = 0.1, sigma = sqrt(0.9), data = data)
  test <- if (method == "kr") fixed("arm", method) else fixed("armb", method)
  seconds <- system.time(found <- powerSim(model, test, nsim = trials, progress = FALSE))[["elapsed"]]
  list(effect = effect, method = method, trials = found$n, successes = found$x, failures = nrow(found$errors), seconds_per_trial = seconds / trials)
}
cases <- list(one(0.6, "sa"), one(0.6, "kr"), one(0, "sa"), one(0, "kr"))
version <- function(name) paste(name, packageVersion(name))
engine <- paste(c(paste("simr", read.dcf(file.path(directory, "DESCRIPTION"))[1, "Version"]), version("lme4"), version("lmerTest"), version("pbkrtest"), R.version.string), collapse = ", ")
cat(toJSON(list(engine = engine, cases = cases), digits = I(17), auto_unbox = TRUE, pretty = TRUE), "\n")
