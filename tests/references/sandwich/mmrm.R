# Cluster-robust covariances (CR0, CR2, CR3) and between-within degrees of freedom of R mmrm, at the very top of its likelihood: several structures, a
# covariance by arm, observation weights, maximum likelihood, and bcva_data. Run from the repository's root: Rscript tests/references/sandwich/mmrm.R
source("tests/references/common.R")
source("tests/references/mmrm_more/newton.R")
source("tests/references/mmrm_more/one_case.R")

fev <- read_fev()
anti <- read_antidepressant()
fev_formula <- function(structure, subject = "USUBJID") as.formula(sprintf("FEV1 ~ RACE + SEX + ARMCD * AVISIT + %s(AVISIT | %s)", structure, subject), globalenv())
anti_formula <- function(structure) as.formula(sprintf("CHANGE ~ BASVAL * VISIT + THERAPY * VISIT + %s(VISIT | PATIENT)", structure), globalenv())
save <- function(id, ...) write_reference(one_case(id, ...), file.path("tests/references/sandwich/mmrm", paste0(id, ".json")))
short <- c(Empirical = "cr0", "Empirical-Bias-Reduced" = "cr2", "Empirical-Jackknife" = "cr3")

for (vcov in names(short)) {
  save(sprintf("antidepressant_us_reml_%s_top", short[[vcov]]), "antidepressant_data", anti, anti_formula("us"), "THERAPY", "VISIT", "Satterthwaite", vcov)
}
for (structure in c("cs", "ar1h")) {
  save(sprintf("fev_%s_reml_cr2_top", structure), "fev_data", fev, fev_formula(structure), "ARMCD", "AVISIT", "Satterthwaite", "Empirical-Bias-Reduced")
}
save("fev_ar1_reml_cr0_top", "fev_data", fev, fev_formula("ar1"), "ARMCD", "AVISIT", "Satterthwaite", "Empirical")
save("fev_us_ml_cr2_top", "fev_data", fev, fev_formula("us"), "ARMCD", "AVISIT", "Satterthwaite", "Empirical-Bias-Reduced", reml = FALSE)
for (vcov in names(short)) {
  save(sprintf("fev_us_grouped_reml_%s_top", short[[vcov]]), "fev_data", fev, fev_formula("us", "ARMCD / USUBJID"), "ARMCD", "AVISIT", "Satterthwaite", vcov)
  save(sprintf("fev_us_weighted_reml_%s_top", short[[vcov]]), "fev_data", fev, fev_formula("us"), "ARMCD", "AVISIT", "Satterthwaite", vcov, weight = "WEIGHT")
}
save("antidepressant_us_reml_betweenwithin_top", "antidepressant_data", anti, anti_formula("us"), "THERAPY", "VISIT", "Between-Within")
save("antidepressant_cs_reml_betweenwithin_cr3_top", "antidepressant_data", anti, anti_formula("cs"), "THERAPY", "VISIT", "Between-Within", "Empirical-Jackknife")
