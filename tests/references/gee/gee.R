# Rscript tests/references/gee/gee.R, from the repository's root: respiratory.csv (from geepack's copy of the trial of Koch et
# al.), imrs_binary.csv (remission in the synthetic sample trial), and gee.json: the equations solved by explicit.R, by
# geepack and by gee.
source("tests/references/common.R")
source("tests/references/gee/explicit.R")
suppressPackageStartupMessages({ library(geepack); library(gee) })

r <- read.csv("tests/references/gee/respiratory.csv")
r$id <- as.integer(factor(r$patient, levels = unique(r$patient)))
XR <- model.matrix(~ I(treat == "A") + I(center == 2) + I(sex == "F") + age + baseline, r)

s <- read.csv("data-samples/imrs_gst/imrs_gst.csv")
items <- as.matrix(s[sprintf("caps5_%02d", 1:20)])
s$total <- rowSums(items)
levels_of_visits <- c("3 months", "6 months", "9 months", "12 months")
s <- s[s$visit %in% levels_of_visits & !is.na(s$total), ]
s$remission <- as.integer(s$total < 20)
s$visit <- factor(s$visit, levels = levels_of_visits)
s <- s[order(s$patient, s$visit), c("patient", "arm", "visit", "site", "age", "remission")]
write.csv(s, "tests/references/gee/imrs_binary.csv", row.names = FALSE, quote = FALSE)
s$id <- as.integer(factor(s$patient, levels = unique(s$patient)))
s$t <- as.integer(s$visit)
s$arm <- factor(s$arm, levels = c("ImRs", "ImRs+GST"))
XS <- model.matrix(~ site + age + arm * visit, s)

explicit <- function(X, d, y, visit, ...) {
  f <- gee_explicit(X, y, d$id, visit, 4, ...)
  a <- list(...)
  list(family = a$family, link = a$link, structure = a$structure, convention = a$convention, weighted = !is.null(a$w),
       beta = f$beta, alpha = as.list(f$alpha), phi = f$phi, se = lapply(f$vcov, function(v) sqrt(diag(v))), vcov = named_rows(f$vcov[["mancl-derouen"]]),
       pan_wall = f$pan_wall, qic = -2 * f$quasi + 2 * f$trace, qicu = -2 * f$quasi + 2 * ncol(X), quasi = f$quasi)
}
structures <- c("independence", "exchangeable", "ar1", "toeplitz", "unstructured")
cases <- list()
for (structure in structures) for (convention in c("sas", "geepack")) {
  cases <- c(cases, list(c(data = "respiratory", explicit(XR, r, r$outcome, r$visit, family = "binomial", link = "logit", structure = structure, convention = convention))))
  cases <- c(cases, list(c(data = "imrs", explicit(XS, s, s$remission, s$t, family = "binomial", link = "logit", structure = structure, convention = convention))))
}
others <- list(c("binomial", "identity"), c("poisson", "log"), c("gaussian", "identity"), c("gaussian", "log"))
for (o in others) for (structure in c("exchangeable", "toeplitz"))
  cases <- c(cases, list(c(data = "respiratory", explicit(XR[, 1:3], r, r$outcome, r$visit, family = o[1], link = o[2], structure = structure, convention = "sas"))))
cases <- c(cases, list(c(data = "respiratory", explicit(XR[, 1:3], r, r$outcome, r$visit, family = "binomial", link = "log", structure = "exchangeable", convention = "sas"))))
r$w <- 1 + (r$visit %% 2) + r$age / 100
for (structure in c("exchangeable", "unstructured"))
  cases <- c(cases, list(c(data = "respiratory", explicit(XR, r, r$outcome, r$visit, family = "binomial", link = "logit", structure = structure, convention = "sas", w = r$w))))

tight <- geese.control(epsilon = 1e-12, maxit = 200)
of_geepack <- function(data, formula, d, waves, structure) {
  d$waves <- waves
  f <- geeglm(formula, id = id, waves = waves, data = d, family = binomial, corstr = structure, control = tight)
  list(data = data, structure = structure, beta = unname(coef(f)), se = unname(sqrt(diag(f$geese$vbeta))), naive = unname(sqrt(diag(f$geese$vbeta.naiv))),
       alpha = as.list(unname(f$geese$alpha)), phi = unname(f$geese$gamma), qicu = unname(QIC(f)["QICu"]))
}
geepack <- list()
for (structure in c("independence", "exchangeable", "ar1", "unstructured")) {
  geepack <- c(geepack, list(of_geepack("respiratory", outcome ~ I(treat == "A") + I(center == 2) + I(sex == "F") + age + baseline, r, r$visit, structure)))
  # geepack 1.3.9 crashes with an unstructured correlation where visits are missing.
  if (structure != "unstructured") geepack <- c(geepack, list(of_geepack("imrs", remission ~ site + age + arm * visit, s, s$t, structure)))
}
of_gee <- function(structure, ...) {
  capture.output(f <- suppressMessages(gee(outcome ~ I(treat == "A") + I(center == 2) + I(sex == "F") + age + baseline, id = id, data = r, family = binomial, corstr = structure, tol = 1e-12, maxiter = 200, ...)))
  list(structure = structure, beta = unname(coef(f)), robust = unname(sqrt(diag(f$robust.variance))), naive = unname(sqrt(diag(f$naive.variance))),
       correlation = named_rows(f$working.correlation), phi = f$scale)
}
of_gee_all <- lapply(c("independence", "exchangeable"), of_gee)

write_reference(list(engine = engine("geepack", "gee"), cases = cases, geepack = geepack, gee = of_gee_all), "tests/references/gee/gee.json")
print(table(s$remission, s$visit, s$arm))
