# lme4's parametric bootstrap of a random intercept model. Run from the repository's root.
source("tests/references/common.R")
suppressPackageStartupMessages(library(lme4))
s <- read.csv("tests/references/data/sleepstudy.csv")
model <- lmer(Reaction ~ Days + (1 | Subject), s)
statistics <- function(m) c(fixef(m), variance = as.data.frame(VarCorr(m))$vcov[1], residual = sigma(m)^2)
b <- bootMer(model, statistics, nsim = 4000, seed = 20261121, type = "parametric", use.u = FALSE)
write_reference(list(engine = engine("lme4"), formula = "Reaction ~ Days + (1 | Subject)", replicates = nrow(b$t), observed = unname(b$t0),
  mean = unname(colMeans(b$t)), se = unname(apply(b$t, 2, sd)), lower = unname(apply(b$t, 2, quantile, 0.05)), upper = unname(apply(b$t, 2, quantile, 0.95))),
  "tests/references/bootstrap/bootmer.json")
