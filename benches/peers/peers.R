# One case of the comparison by R's packages, timed. From the repository's root:
#   Rscript benches/peers/peers.R CASE SECONDS
# prints the median in seconds, the number of repeats, the memory of one run, versions and a number to check that the same was computed,
# as JSON. No seconds ask for one run, and its memory.
suppressPackageStartupMessages({
  library(jsonlite)
  source("tests/references/common.R")
})

arguments <- commandArgs(trailingOnly = TRUE)
case <- arguments[1]
seconds <- as.numeric(arguments[2])

read_bcva <- function() {
  d <- read.csv("data-samples/bcva/bcva.csv", stringsAsFactors = TRUE)
  d$USUBJID <- factor(d$USUBJID)
  d
}

# CAPS-5 of the synthetic sample, summed here from its items. For constrained longitudinal analysis a factor `cell` has one level for the
# baseline of both arms and one for every arm and visit after it.
read_imrs_gst <- function() {
  file <- read.csv("data-samples/imrs_gst/imrs_gst.csv", na.strings = c("", "?"))
  visits <- c("baseline", "3 months", "6 months", "9 months", "12 months")
  d <- data.frame(patient = factor(file$patient), arm = file$arm, site = factor(file$site), visit = factor(file$visit, levels = visits))
  d$y <- rowSums(file[sprintf("caps5_%02d", 1:20)])
  cells <- c("baseline", outer(c("ImRs", "ImRs+GST"), visits[-1], paste))
  d$cell <- factor(ifelse(d$visit == "baseline", "baseline", paste(d$arm, d$visit)), levels = cells)
  d[!is.na(d$y), ]
}

fev_formula <- FEV1 ~ RACE + SEX + ARMCD * AVISIT + us(AVISIT | USUBJID)
bcva_formula <- BCVA_CHG ~ RACE + BCVA_BL + ARMCD * AVISIT + us(AVISIT | USUBJID)

# A model by mmrm with all rows of its table of coefficients.
by_mmrm <- function(formula, data, ...) {
  function() {
    fit <- mmrm(formula, data = data, ...)
    list(check = as.numeric(logLik(fit)), coefficients = coef(summary(fit)))
  }
}

# CR2, and the df of one coefficient: mmrm takes minutes for each.
by_mmrm_cr2 <- function() {
  d <- read_bcva()
  function() {
    fit <- mmrm(bcva_formula, data = d, method = "Satterthwaite", vcov = "Empirical-Bias-Reduced")
    last <- as.numeric(seq_along(coef(fit)) == length(coef(fit)))
    list(check = as.numeric(logLik(fit)), coefficient = df_1d(fit, last))
  }
}

primary_analysis <- function(d) {
  baseline <- d[d$visit == "baseline", ]
  at <- function(arm, visit, sign) sign * (levels(d$cell) == paste(arm, visit))
  visits <- levels(d$visit)[-1]
  between <- lapply(visits, function(v) at("ImRs+GST", v, 1) + at("ImRs", v, -1))
  change <- unlist(lapply(c("ImRs", "ImRs+GST"), function(a) lapply(visits, function(v) at(a, v, 1) - (levels(d$cell) == "baseline"))), recursive = FALSE)
  names(between) <- visits
  names(change) <- outer(visits, c("ImRs", "ImRs+GST"), function(v, a) paste(a, v))
  function() {
    fit <- mmrm(y ~ site + cell + us(visit | patient), data = d, method = "Kenward-Roger")
    means <- emmeans(fit, "cell", nesting = NULL)
    differences <- as.data.frame(summary(contrast(means, between), infer = TRUE))
    changes <- as.data.frame(summary(contrast(means, change), infer = TRUE))
    sd <- sqrt(sum(tapply(baseline$y, baseline$arm, function(v) (length(v) - 1) * var(v))) / (nrow(baseline) - 2))
    list(check = as.numeric(logLik(fit)), table = as.data.frame(summary(means)), changes = changes, d = -differences$estimate / sd)
  }
}

by_lmer <- function(coefficients) {
  d <- read.csv("tests/references/data/sleepstudy.csv")
  d$Subject <- factor(d$Subject)
  fit <- if (coefficients) lmerTest::lmer else lme4::lmer
  function() {
    m <- fit(Reaction ~ Days + (1 + Days | Subject), d)
    list(check = as.numeric(logLik(m)), coefficients = if (coefficients) coef(summary(m)) else fixef(m))
  }
}

# Simulated data with clusters, written by the other side.
read_simulated <- function() {
  d <- read.csv(Sys.getenv("PEERS_DATA"), stringsAsFactors = TRUE)
  d$patient <- factor(d$patient)
  d
}

by_lmer_of <- function(formula, data, coefficients = FALSE) {
  fit <- if (coefficients) lmerTest::lmer else lme4::lmer
  function() {
    m <- fit(formula, data)
    list(check = as.numeric(logLik(m)), coefficients = if (coefficients) coef(summary(m)) else fixef(m))
  }
}

# Unclustered patients get group 1 and no part in its effect.
read_imrs_gst_clustered <- function() {
  file <- read.csv("data-samples/imrs_gst/imrs_gst.csv", na.strings = c("", "?"))
  file$y <- rowSums(file[sprintf("caps5_%02d", 1:20)])
  baseline <- file[file$visit == "baseline", c("patient", "y")]
  names(baseline)[2] <- "before"
  d <- merge(file[file$visit != "baseline", ], baseline)
  d <- d[!is.na(d$y) & !is.na(d$before), ]
  d$visit <- factor(d$visit, levels = c("3 months", "6 months", "9 months", "12 months"))
  d$gst <- as.numeric(!is.na(d$therapy_group))
  d$therapy_group[is.na(d$therapy_group)] <- d$therapy_group[!is.na(d$therapy_group)][1]
  d
}

by_pbkrtest <- function() {
  d <- read_imrs_gst_clustered()
  function() {
    m <- lmerTest::lmer(y ~ before + site + arm * visit + (1 | therapist) + (0 + gst | therapy_group) + (1 | patient), d)
    list(check = as.numeric(logLik(m)), coefficients = coef(summary(m, ddf = "Kenward-Roger")))
  }
}

by_gls <- function() {
  d <- read_fev()
  d <- d[!is.na(d$FEV1), ]
  function() {
    m <- gls(FEV1 ~ RACE + SEX + ARMCD * AVISIT, d, correlation = corSymm(form = ~ visit_number | USUBJID), weights = varIdent(form = ~ 1 | AVISIT))
    list(check = as.numeric(logLik(m)), coefficients = summary(m)$tTable)
  }
}

# Remission at the visits after the baseline.
by_geeglm <- function() {
  d <- read_imrs_gst()
  d <- droplevels(d[d$visit != "baseline", ])
  d$remission <- as.numeric(d$y < 23)
  d <- d[order(d$patient, d$visit), ]
  function() {
    m <- geeglm(remission ~ arm * visit, family = binomial, data = d, id = patient, corstr = "exchangeable",
      control = geese.control(epsilon = 1e-10, maxit = 100))
    list(check = sum(abs(coef(m))), coefficients = coef(summary(m)))
  }
}

by_glmer <- function(nodes) {
  d <- read_simulated()
  d$visit <- factor(d$time)
  d$arm <- factor(d$arm)
  function() {
    m <- glmer(y ~ arm * visit + (1 | patient), d, family = binomial, nAGQ = nodes)
    list(check = as.numeric(logLik(m)))
  }
}

# What bootMer does for each replicate: simulate, refit.
by_bootmer <- function() {
  d <- read_imrs_gst_clustered()
  m <- lmer(y ~ before + site + arm * visit + (1 | therapist) + (0 + gst | therapy_group) + (1 | patient), d)
  function() {
    again <- refit(m, simulate(m, 1)[[1]])
    list(check = as.numeric(length(fixef(again)) > 0))
  }
}

# One design of simr's kind; the packages that simr's files name are attached. What is tested is not what is timed: see
# tests/references/planning/simr.R for the power.
groups_of_six <- function() {
  design <- data.frame(group = factor(rep(1:20, each = 6)), arm = factor(rep(c("a", "b"), each = 60)))
  model <- lme4::lmer(y ~ arm + (1 | group), data = cbind(design, y = rnorm(nrow(design))))
  list(design = design, model = model)
}
by_simr <- function(trials) {
  directory <- Sys.getenv("SIMR")
  if (directory == "") stop("the variable SIMR does not name a directory of simr")
  # lme4 before 2.0 keeps no covariances beside theta, so that there are none to renew; simr.R names the package alone.
  for (f in setdiff(list.files(file.path(directory, "R"), full.names = TRUE), file.path(directory, "R", "simr.R")))
    source(exprs = parse(text = gsub("lme4::getReCovs(object)", "NULL", readLines(f, warn = FALSE), fixed = TRUE)))
  model <- groups_of_six()$model
  fixef(model) <- c("(Intercept)" = 0, armb = 0.6)
  VarCorr(model) <- 0.1
  sigma(model) <- sqrt(0.9)
  function() {
    found <- suppressMessages(powerSim(model, fixed("armb", "sa"), nsim = trials, progress = FALSE))
    list(check = (found$n - nrow(found$errors)) / trials, times = trials)
  }
}
by_lmertest_of_trials <- function(trials) {
  of <- groups_of_six()
  theta <- list(beta = c(0, 0.6), theta = sqrt(0.1 / 0.9), sigma = sqrt(0.9))
  function() {
    outcomes <- simulate(of$model, trials, newparams = theta)
    one <- function(y) summary(lmerTest::lmer(y ~ arm + (1 | group), data = data.frame(of$design, y = y)))$coefficients["armb", "Pr(>|t|)"]
    p <- suppressMessages(vapply(outcomes, one, 0))
    list(check = mean(is.finite(p)), times = trials)
  }
}

# Jump to reference of the antidepressant trial: draws, imputation, ANCOVA at each visit and pooling, as rbmi's own examples go. Events are dropout:
# the first visit after the last observed one.
by_rbmi <- function(method, check) {
  d <- read_antidepressant()
  patients <- unique(d[c("PATIENT", "THERAPY", "BASVAL")])
  data <- merge(merge(patients, data.frame(VISIT = factor(levels(d$VISIT), levels(d$VISIT)))), d[c("PATIENT", "VISIT", "CHANGE")], all.x = TRUE)
  data$THERAPY <- factor(data$THERAPY, levels = c("DRUG", "PLACEBO"))
  data <- data[order(data$PATIENT, data$VISIT), ]
  last <- tapply(seq_len(nrow(data)), data$PATIENT, function(r) max(which(!is.na(data$CHANGE[r]))))
  gone <- last[last < nlevels(d$VISIT)]
  ice <- data.frame(PATIENT = factor(names(gone), levels(data$PATIENT)), VISIT = levels(d$VISIT)[gone + 1], strategy = "JR")
  vars <- set_vars(outcome = "CHANGE", visit = "VISIT", subjid = "PATIENT", group = "THERAPY", covariates = c("BASVAL*VISIT", "THERAPY*VISIT"))
  at_analysis <- set_vars(outcome = "CHANGE", visit = "VISIT", subjid = "PATIENT", group = "THERAPY", covariates = "BASVAL")
  function() {
    drawn <- draws(data = data, data_ice = ice, vars = vars, method = method, quiet = TRUE)
    imputed <- impute(drawn, references = c(DRUG = "PLACEBO", PLACEBO = "PLACEBO"))
    pars <- pool(analyse(imputed, ancova, vars = at_analysis), conf.level = 0.95)$pars
    list(check = check(pars[paste0("trt_", levels(d$VISIT))]))
  }
}

# All differences and their standard errors, and the last difference alone where they are drawn.
all_of <- function(pars) sum(vapply(pars, function(p) abs(p$est) + p$se, 0))
last_of <- function(pars) abs(pars[[length(pars)]]$est)

mmrm_cases <- c("fev_fit", "fev_satterthwaite", "fev_kenward_roger", "bcva_satterthwaite", "bcva_kenward_roger", "bcva_cr2")
packages <- if (case %in% mmrm_cases) "mmrm" else switch(case,
  imrs_gst = c("mmrm", "emmeans"), sleepstudy_fit = "lme4", nested = "lme4", crossed = "lme4", nested_satterthwaite = c("lme4", "lmerTest"),
  imrs_gst_clusters = c("lme4", "lmerTest", "pbkrtest"), sleepstudy_satterthwaite = c("lme4", "lmerTest"), fev_gls = "nlme",
  rbmi_jackknife = c("rbmi", "mmrm"), rbmi_approximate = c("rbmi", "mmrm"), gee = "geepack", glmm_laplace = "lme4", glmm_15 = "lme4", bootmer = "lme4",
  simr = c("lme4", "lmerTest", "pbkrtest", "plyr", "stringr", "iterators"), power_lmertest = c("lme4", "lmerTest"),
  stop("no case `", case, "`"))
suppressPackageStartupMessages(for (p in packages) library(p, character.only = TRUE))

run <- switch(case,
  fev_fit = {
    d <- read_fev()
    function() list(check = as.numeric(logLik(mmrm(fev_formula, data = d))))
  },
  fev_satterthwaite = by_mmrm(fev_formula, read_fev(), method = "Satterthwaite"),
  fev_kenward_roger = by_mmrm(fev_formula, read_fev(), method = "Kenward-Roger"),
  bcva_satterthwaite = by_mmrm(bcva_formula, read_bcva(), method = "Satterthwaite"),
  bcva_kenward_roger = by_mmrm(bcva_formula, read_bcva(), method = "Kenward-Roger"),
  bcva_cr2 = by_mmrm_cr2(),
  imrs_gst = primary_analysis(read_imrs_gst()),
  sleepstudy_fit = by_lmer(FALSE),
  sleepstudy_satterthwaite = by_lmer(TRUE),
  nested = by_lmer_of(y ~ arm * time + (1 | group) + (1 | patient), read_simulated()),
  nested_satterthwaite = by_lmer_of(y ~ arm * time + (1 | group) + (1 | patient), read_simulated(), TRUE),
  crossed = by_lmer_of(y ~ time + (1 | patient) + (1 | therapist), read_simulated()),
  imrs_gst_clusters = by_pbkrtest(),
  fev_gls = by_gls(),
  gee = by_geeglm(),
  glmm_laplace = by_glmer(1),
  glmm_15 = by_glmer(15),
  bootmer = by_bootmer(),
  simr = by_simr(50),
  power_lmertest = by_lmertest_of_trials(100),
  rbmi_jackknife = by_rbmi(method_condmean(type = "jackknife"), all_of),
  rbmi_approximate = {
    set.seed(20261130)
    by_rbmi(method_approxbayes(n_samples = 500), last_of)
  }
)

timed <- function() {
  before <- Sys.time()
  result <- run()
  whole <- as.numeric(difftime(Sys.time(), before, units = "secs"))
  # Several repeats may be one run.
  list(whole = whole, seconds = whole / if (is.null(result$times)) 1 else result$times, check = result$check)
}

# Memory of the process, in megabytes: VmRSS now, VmHWM at most since the peak was reset. Systems other than Linux do not tell.
resident <- function(what) {
  status <- tryCatch(readLines("/proc/self/status"), error = function(e) character())
  line <- grep(paste0("^", what, ":"), status, value = TRUE)
  if (length(line) == 0) NA else as.numeric(sub("[^0-9]*([0-9]+).*", "\\1", line)) / 1e3
}
invisible(gc())
held <- tryCatch({
  cat("5", file = "/proc/self/clear_refs")
  resident("VmRSS")
}, error = function(e) NA, warning = function(w) NA)

# The first runs compile R's functions to byte code and fill caches, which tells in short cases only. What takes over a minute runs once.
first <- timed()
megabytes <- resident("VmHWM") - held
short <- first$whole < 2 && seconds > 0
if (short) for (i in 1:2) timed()
runs <- if (short) list() else list(first)
of <- function(name) vapply(runs, function(r) r[[name]], 0)
fewest <- if (first$whole > 60 || seconds == 0) 1 else 3
if (length(runs) == 0 && fewest == 1) runs <- list(first)
while (length(runs) < fewest || (sum(of("whole")) < seconds && length(runs) < 1000)) runs <- c(runs, list(timed()))
times <- of("seconds")

versions <- paste(packages, vapply(packages, function(p) as.character(packageVersion(p)), ""))
if (case == "simr") versions <- c(paste("simr", read.dcf(file.path(Sys.getenv("SIMR"), "DESCRIPTION"))[1, "Version"]), versions)
cat(toJSON(list(seconds = median(times), repeats = length(times), check = first$check, megabytes = megabytes, versions = paste(versions, collapse = ", "),
  r = paste0(R.version$major, ".", R.version$minor)), auto_unbox = TRUE, digits = I(16)), "\n")
