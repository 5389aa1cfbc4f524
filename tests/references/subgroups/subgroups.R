# Differences between arms within levels of a factor and the test that they are the same, by emmeans on nlme::gls fits that
# are brought to the top of their likelihood; and by lm at one visit, whose degrees of freedom are exact. Run from the
# repository's root: Rscript tests/references/subgroups/subgroups.R
source("tests/references/common.R")
source("tests/references/gls/tools.R")
suppressPackageStartupMessages(library(emmeans))
emm_options(msg.interaction = FALSE, msg.nesting = FALSE)

# Differences of every arm from the first within each level, and the Wald test of arm by factor at one visit.
of_fit <- function(fit, d, v, df, arm, visit, at, factor) {
  where <- if (is.null(visit)) list() else setNames(list(at), visit)
  means <- do.call(emmeans, list(fit, as.formula(paste("~", arm, "|", factor)), at = where, data = d, vcov. = v, df = df))
  pairs <- as.data.frame(summary(contrast(means, "trt.vs.ctrl1", adjust = "none")))
  joint <- function(of) {
    # emmeans rounds its F and has a finite df for gls; the rows and the coefficients are its own.
    l <- of@linfct
    l <- l[qr(t(l))$pivot[seq_len(qr(l)$rank)], , drop = FALSE]
    b <- l %*% of@bhat
    f <- drop(t(b) %*% solve(l %*% of@V %*% t(l), b)) / nrow(l)
    list(df1 = nrow(l), F.ratio = f, p.value = pf(f, nrow(l), df, lower.tail = FALSE))
  }
  all <- contrast(emmeans(fit, as.formula(paste("~", arm, "*", factor)), at = where, data = d, vcov. = v, df = df),
    interaction = c("trt.vs.ctrl1", "trt.vs.ctrl1"), adjust = "none")
  arms <- levels(d[[arm]])[-1]
  own <- lapply(seq_along(arms), function(k) {
    rows <- which(as.data.frame(summary(all))[[paste0(arm, "_trt.vs.ctrl1")]] == paste(arms[k], "-", levels(d[[arm]])[1]))
    joint(all[rows])
  })
  list(
    differences = data.frame(subgroup = as.character(pairs[[factor]]), contrast = as.character(pairs$contrast), estimate = pairs$estimate, se = pairs$SE,
      p = pairs$p.value),
    interactions = data.frame(arm = arms, num_df = sapply(own, function(t) t$df1), f = sapply(own, function(t) t$F.ratio), p = sapply(own, function(t) t$p.value)),
    all_arms = { t <- joint(all); list(num_df = t$df1, f = t$F.ratio, p = t$p.value) }
  )
}

repeated <- function(id, data, d, formula, structure, arm, visit, at, factor, subject) {
  s <- structures(visit, subject)[[structure]]
  variance <- if (s$heterogeneous) varIdent(form = as.formula(paste("~ 1 |", visit)))
  fit <- do.call(gls, list(model = formula, data = d, correlation = s$correlation, weights = variance, method = "REML", control = control))
  fit <- to_the_top(fit, d, formula)
  v <- information_vcov(fit)
  fit$call$weights <- NULL
  c(list(id = id, software = engine("nlme", "emmeans"), data = data, formula = deparse1(formula), covariance_structure = structure, factor = factor, at = at,
    arm = arm, visit = visit, decrement = fit$decrement), of_fit(fit, d, v, Inf, arm, visit, at, factor))
}

one_visit <- function(id, data, d, formula, arm, at, factor) {
  fit <- lm(formula, d)
  c(list(id = id, software = engine("emmeans"), data = data, formula = deparse1(formula), factor = factor, at = at, arm = arm, df = fit$df.residual),
    of_fit(fit, d, vcov(fit), fit$df.residual, arm, NULL, at, factor))
}

fev <- subset(read_fev(), !is.na(FEV1))
anti <- read_antidepressant()
anti$GENDER <- factor(anti$GENDER, levels = unique(anti$GENDER))
anti$severity <- cut(anti$BASVAL, c(-Inf, 18, 24, Inf), right = FALSE, labels = c("mild", "moderate", "severe"))
three <- read.csv("tests/references/design/trial.csv", colClasses = c(patient = "character"))
three$patient <- factor(three$patient, levels = unique(three$patient))
three$arm <- factor(three$arm, levels = sort(unique(three$arm)))
three$visit <- factor(three$visit, levels = unique(three$visit))
three$visit_number <- as.integer(three$visit)
three$sex <- factor(three$sex, levels = sort(unique(three$sex)))
three <- subset(three, !is.na(y) & !is.na(age))

cases <- list(
  repeated("fev by sex", "fev", fev, FEV1 ~ RACE + ARMCD * AVISIT * SEX, "us", "ARMCD", "AVISIT", "VIS4", "SEX", "USUBJID"),
  repeated("fev by race", "fev", fev, FEV1 ~ SEX + ARMCD * AVISIT * RACE, "us", "ARMCD", "AVISIT", "VIS3", "RACE", "USUBJID"),
  repeated("antidepressant by gender", "antidepressant", anti, CHANGE ~ BASVAL * VISIT + THERAPY * VISIT * GENDER, "us", "THERAPY", "VISIT", "7", "GENDER",
    "PATIENT"),
  repeated("antidepressant by severity", "antidepressant", anti, CHANGE ~ BASVAL * VISIT + THERAPY * VISIT * severity, "cs", "THERAPY", "VISIT", "7",
    "severity", "PATIENT"),
  repeated("three arms by sex", "three arms", three, y ~ age + arm * visit + arm * sex, "cs", "arm", "visit", levels(three$visit)[2], "sex", "patient"),
  one_visit("fev at the last visit by race", "fev", subset(fev, AVISIT == "VIS4"), FEV1 ~ SEX + FEV1_BL + ARMCD * RACE, "ARMCD", "VIS4", "RACE")
)

# Degrees of freedom of the test of interaction: a random intercept model, by lmerTest (Satterthwaite) and pbkrtest (Kenward and Roger with
# expected information).
suppressPackageStartupMessages({ library(lme4); library(lmerTest); library(pbkrtest) })
tight <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-12, rhobeg = 1e-3, maxfun = 1e6))
fit <- lmerTest::lmer(CHANGE ~ BASVAL * VISIT + THERAPY * VISIT * severity + (1 | PATIENT), anti, control = tight)
grid <- emmeans(fit, ~ THERAPY * severity, at = list(VISIT = "7"), lmer.df = "asymptotic")
l <- contrast(grid, interaction = c("trt.vs.ctrl1", "trt.vs.ctrl1"))@linfct
by_level <- contrast(emmeans(fit, ~ THERAPY | severity, at = list(VISIT = "7"), lmer.df = "asymptotic"), "trt.vs.ctrl1")@linfct
satterthwaite <- lmerTest::contestMD(fit, l, ddf = "Satterthwaite")
kr <- KRmodcomp(fit, l)$stats
levels_kr <- apply(by_level, 1, function(row) { b <- sum(row * fixef(fit)); v <- drop(row %*% as.matrix(vcovAdj(fit)) %*% row); c(b, sqrt(v), Lb_ddf(row, vcov(fit), vcovAdj(fit))) })
levels_satterthwaite <- apply(by_level, 1, function(row) unlist(lmerTest::contest1D(fit, row)[c("Estimate", "Std. Error", "df")]))
mixed <- list(id = "random intercept by severity", software = engine("lme4", "lmerTest", "pbkrtest", "emmeans"), at = "7", subgroup = levels(anti$severity),
  satterthwaite = list(f = satterthwaite[["F value"]], num_df = satterthwaite[["NumDF"]], denom_df = satterthwaite[["DenDF"]], p = satterthwaite[["Pr(>F)"]],
    estimate = unname(levels_satterthwaite[1, ]), se = unname(levels_satterthwaite[2, ]), df = unname(levels_satterthwaite[3, ])),
  kenward_roger = list(f = kr$Fstat, num_df = kr$ndf, denom_df = kr$ddf, p = kr$p.value,
    estimate = unname(levels_kr[1, ]), se = unname(levels_kr[2, ]), df = unname(levels_kr[3, ])))
write_reference(mixed, "tests/references/subgroups/random_intercept.json")
write_reference(cases, "tests/references/subgroups/subgroups.json")
