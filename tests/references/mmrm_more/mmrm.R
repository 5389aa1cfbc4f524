# More cases of R mmrm in the shape of ../mmrm, each fitted to the very top of mmrm's likelihood (newton.R).
# Run from the repository's root, with mmrm 0.3.18 installed: Rscript tests/references/mmrm_more/mmrm.R
source("tests/references/common.R")
source("tests/references/mmrm_more/newton.R")
source("tests/references/mmrm_more/one_case.R")

fev <- read_fev()
anti <- read_antidepressant()
fev_formula <- function(structure, subject = "USUBJID") as.formula(sprintf("FEV1 ~ RACE + SEX + ARMCD * AVISIT + %s(AVISIT | %s)", structure, subject), globalenv())
anti_formula <- function(structure) as.formula(sprintf("CHANGE ~ BASVAL * VISIT + THERAPY * VISIT + %s(VISIT | PATIENT)", structure), globalenv())
save <- function(id, ...) write_reference(one_case(id, ...), file.path("tests/references/mmrm_more", paste0(id, ".json")))
short <- c(Satterthwaite = "satterthwaite", "Kenward-Roger" = "krlinear")
lin <- function(method) if (method == "Kenward-Roger") "Kenward-Roger-Linear"

structures <- c("us", "cs", "csh", "ar1", "ar1h", "toep", "toeph", "ad", "adh")
for (method in names(short)) for (structure in structures) {
  save(sprintf("fev_%s_reml_%s_top", structure, short[[method]]), "fev_data", fev, fev_formula(structure), "ARMCD", "AVISIT", method, lin(method))
  save(sprintf("antidepressant_%s_reml_%s_top", structure, short[[method]]), "antidepressant_data", anti, anti_formula(structure), "THERAPY", "VISIT", method, lin(method))
}
for (structure in structures) save(sprintf("fev_%s_ml_satterthwaite_top", structure), "fev_data", fev, fev_formula(structure), "ARMCD", "AVISIT", "Satterthwaite", reml = FALSE)
for (structure in structures) save(sprintf("fev_%s_grouped_reml_satterthwaite_top", structure), "fev_data", fev, fev_formula(structure, "ARMCD / USUBJID"), "ARMCD", "AVISIT", "Satterthwaite")
for (structure in c("us", "csh", "ar1", "toep", "adh")) save(sprintf("fev_%s_weighted_reml_satterthwaite_top", structure), "fev_data", fev, fev_formula(structure), "ARMCD", "AVISIT", "Satterthwaite", weight = "WEIGHT")
for (method in names(short)) save(sprintf("fev_us_grouped_reml_%s_top", short[[method]]), "fev_data", fev, fev_formula("us", "ARMCD / USUBJID"), "ARMCD", "AVISIT", method, lin(method))
# mmrm measures distances in a variable of the data; visits in weeks are 1, 2, 4 and 6.
spatial <- function(formula, distance, subject) as.formula(sprintf("%s + sp_exp(%s | %s)", formula, distance, subject), globalenv())
for (method in names(short)) {
  save(sprintf("fev_spexp_reml_%s_top", short[[method]]), "fev_data", fev, spatial("FEV1 ~ RACE + SEX + ARMCD * AVISIT", "VISITN", "USUBJID"), "ARMCD", "AVISIT", method, lin(method))
  save(sprintf("antidepressant_spexp_reml_%s_top", short[[method]]), "antidepressant_data", anti, spatial("CHANGE ~ BASVAL * VISIT + THERAPY * VISIT", "week", "PATIENT"), "THERAPY", "VISIT", method, lin(method))
}
