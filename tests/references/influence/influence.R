# Leaving out one patient at a time. Covariance parameters held: the definitions written out, each patient's rows deleted, with the covariance that R mmrm
# finds at the top of its likelihood; for one visit R's cooks.distance, dfbeta and hat values of lm. Covariance parameters estimated again: mmrm fitted
# to the top without the patient, and lme4's influence() on sleepstudy. Run from the repository's root.
source("tests/references/common.R")
source("tests/references/mmrm_more/newton.R")
suppressPackageStartupMessages(library(lme4))

formula <- FEV1 ~ RACE + SEX + ARMCD * AVISIT + us(AVISIT | USUBJID)
fit_to <- function(d) mmrm(formula, d, reml = TRUE, control = mmrm_control(method = "Satterthwaite", optimizer_fun = newton, drop_visit_levels = FALSE))
d <- subset(read_fev(), !is.na(FEV1))
d$USUBJID <- droplevels(d$USUBJID)
fit <- fit_to(d)
x <- model.matrix(~ RACE + SEX + ARMCD * AVISIT, d)
sigma <- VarCorr(fit)
beta <- coef(fit)[colnames(x)]
p <- ncol(x)
blocks <- lapply(split(seq_len(nrow(d)), d$USUBJID), function(k) {
  v <- sigma[d$visit_number[k], d$visit_number[k], drop = FALSE]
  list(k = k, xwx = t(x[k, , drop = FALSE]) %*% solve(v, x[k, , drop = FALSE]), xwy = t(x[k, , drop = FALSE]) %*% solve(v, d$FEV1[k]))
})
xwx <- Reduce(`+`, lapply(blocks, `[[`, "xwx"))
phi <- solve(xwx)
held <- lapply(names(blocks), function(id) {
  others <- blocks[setdiff(names(blocks), id)]
  xwx_without <- Reduce(`+`, lapply(others, `[[`, "xwx"))
  beta_without <- solve(xwx_without, Reduce(`+`, lapply(others, `[[`, "xwy")))[, 1]
  change <- beta_without - beta
  k <- blocks[[id]]$k
  data.frame(patient = id, cooks_distance = as.numeric(t(change) %*% xwx %*% change) / p, mdffits = as.numeric(t(change) %*% xwx_without %*% change) / p,
    covratio = det(xwx) / det(xwx_without), covtrace = abs(sum(diag(solve(xwx_without, xwx))) - p),
    press = sum((d$FEV1[k] - x[k, , drop = FALSE] %*% beta_without)^2), intercept = change[[1]], treatment = change[["ARMCDTRT"]], last = change[["ARMCDTRT:AVISITVIS4"]])
})
again <- lapply(c("PT2", "PT30", "PT80", "PT116", "PT198"), function(id) {
  without <- fit_to(subset(d, USUBJID != id))
  change <- coef(without)[names(beta)] - beta
  list(patient = id, change = unname(change), covratio = det(vcov(without)) / det(vcov(fit)), cooks_distance = as.numeric(t(change) %*% solve(vcov(fit), change)) / p,
    covariance = named_rows(VarCorr(without)))
})
write_reference(list(engine = engine("mmrm", "TMB"), formula = deparse1(formula), terms = names(beta), held = do.call(rbind, held), again = again),
  "tests/references/influence/fev_us.json")

last <- subset(read_fev(), AVISIT == "VIS4" & !is.na(FEV1))
line <- lm(FEV1 ~ RACE + SEX + ARMCD, last)
write_reference(list(engine = engine("stats"), formula = "FEV1 ~ RACE + SEX + ARMCD at VIS4", terms = names(coef(line)),
  rows = lapply(seq_len(nrow(last)), function(i) list(patient = as.character(last$USUBJID[i]), cooks_distance = cooks.distance(line)[[i]], hat = hatvalues(line)[[i]],
    change = unname(-dfbeta(line)[i, ]), press = (residuals(line)[[i]] / (1 - hatvalues(line)[[i]]))^2))[seq(1, nrow(last), by = 3)]),
  "tests/references/influence/fev_one_visit.json")

s <- read.csv("tests/references/data/sleepstudy.csv")
names(s) <- tolower(names(s))
tight <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhobeg = 0.05, rhoend = 1e-11, maxfun = 1e5), check.conv.grad = "ignore")
model <- lmer(reaction ~ days + (days | subject), s, control = tight)
without <- influence(model, groups = "subject")
write_reference(list(engine = engine("lme4"), formula = "reaction ~ days + (days | subject)", rows = lapply(seq_along(rownames(without[["fixed.effects[-subject]"]])), function(i)
  list(patient = rownames(without[["fixed.effects[-subject]"]])[i], change = unname(without[["fixed.effects[-subject]"]][i, ] - fixef(model)),
    se = unname(sqrt(diag(as.matrix(vcov(model))))), cooks_distance = cooks.distance(without)[[i]]))),
  "tests/references/influence/sleepstudy.json")
