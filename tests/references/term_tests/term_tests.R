# Joint tests of the terms by type I, II and III: lmerTest::anova on random-intercept and random-slope models, with Satterthwaite's and with
# pbkrtest's Kenward-Roger degrees of freedom.
# Run from the repository's root: Rscript tests/references/term_tests/term_tests.R
#
# F under Satterthwaite is the same in every basis of a hypothesis, its denominator df are not; Kenward-Roger's are. lmerTest's type I rows are
# those of the Doolittle decomposition of X'X, as in SAS. Its type II rows of terms contained in others come from a Doolittle decomposition too,
# where SAS makes them the identity in the term's own columns (SAS/STAT, "The Four Types of Estimable Functions"): `type_2_sas` are those,
# made here from the model matrix and tested by lmerTest::contestMD.
source("tests/references/common.R")
source("tests/references/random_effects/tools.R")

as_rows <- function(terms, table) data.frame(term = terms, num_df = table$NumDF, denom_df = table$DenDF, f = table$`F value`, p = table$`Pr(>F)`)

# [0 | I | (X1'MX1)^-1 X1'MX2], M projecting off the columns X0 of the terms that do not contain the term.
sas_type_2 <- function(fit, term) {
  X <- model.matrix(fit)
  labels <- attr(terms(fit), "term.labels")
  of <- c("(Intercept)", labels)[attr(X, "assign") + 1]
  containing <- lmerTest:::containment(fit)[[term]]
  own <- which(of == term); wide <- which(of %in% containing); rest <- setdiff(seq_along(of), c(own, wide))
  residual <- function(v) qr.resid(qr(X[, rest, drop = FALSE]), v)
  X1 <- residual(X[, own, drop = FALSE])
  L <- matrix(0, length(own), ncol(X))
  L[, own] <- diag(length(own))
  if (length(wide) > 0) L[, wide] <- solve(crossprod(X1), crossprod(X1, residual(X[, wide, drop = FALSE])))
  L
}

one_case <- function(id, data, d, formula) {
  fit <- to_the_top(formula, d, TRUE)$fit
  labels <- attr(terms(fit), "term.labels")
  table <- function(type, ddf) { a <- anova(fit, type = type, ddf = ddf); as_rows(rownames(a), a) }
  sas <- do.call(rbind, lapply(labels, function(term) as_rows(term, contestMD(fit, sas_type_2(fit, term), ddf = "Satterthwaite"))))
  list(id = id, software = engine("lme4", "lmerTest", "pbkrtest"), data = data, formula = deparse1(formula),
    satterthwaite = list(I = table("I", "Satterthwaite"), II = table("II", "Satterthwaite"), III = table("III", "Satterthwaite")),
    kenward_roger = list(I = table("I", "Kenward-Roger"), II = table("II", "Kenward-Roger"), III = table("III", "Kenward-Roger")),
    type_2_sas = sas)
}

anti <- read_antidepressant()
fev <- read_fev()
fev <- fev[!is.na(fev$FEV1), ]
cases <- list(
  one_case("antidepressant_intercept", "antidepressant_data", anti, CHANGE ~ BASVAL * VISIT + THERAPY * VISIT + (1 | PATIENT)),
  one_case("antidepressant_slope", "antidepressant_data", anti, CHANGE ~ BASVAL * VISIT + THERAPY * VISIT + (1 + week | PATIENT)),
  one_case("fev_intercept", "fev_data", fev, FEV1 ~ RACE + SEX + ARMCD * AVISIT + (1 | USUBJID)),
  one_case("fev_crossed", "fev_data", fev, FEV1 ~ RACE * ARMCD + SEX * AVISIT + (1 | USUBJID))
)
write_reference(cases, "tests/references/term_tests/term_tests.json")
