# Two outcomes stacked into one column; used by mmrm.R and kronecker.R.
source("tests/references/common.R")

# One row an observation: patient, response, visit, cell, arm (0/1), the covariate.
stack_responses <- function(d, responses, patient, visit, visits, arm, treated, covariate) {
  one <- function(r) data.frame(patient = d[[patient]], response = r, visit = d[[visit]], treated = as.numeric(d[[arm]] == treated), z = d[[covariate]], value = d[[r]])
  s <- do.call(rbind, lapply(responses, one))
  s <- s[!is.na(s$value), ]
  s$cell <- paste(s$response, s$visit)
  cells <- as.vector(t(outer(responses, visits, paste)))
  s$cell <- factor(s$cell, levels = cells[cells %in% s$cell])
  s$patient <- factor(s$patient, levels = unique(s$patient))
  s$response <- factor(s$response, levels = responses)
  s[order(s$patient, s$cell), ]
}

synthetic <- function() {
  d <- read.csv("tests/references/data/joint_synthetic.csv")
  stack_responses(d, c("y", "x"), "patient", "visit", paste("week", c(0, 4, 8, 12)), "arm", "active", "age")
}

antidepressant <- function() {
  stack_responses(read_antidepressant(), c("HAMATOTL", "HAMDTL17"), "PATIENT", "VISIT", c("4", "5", "6", "7"), "THERAPY", "DRUG", "BASVAL")
}

# A mean and an effect of the arm in every cell, a slope of the covariate in every response: the same as response-wise `z + arm * visit`, and with the same log|X'WX|.
mean_model <- value ~ 0 + cell + cell:treated + response:z
