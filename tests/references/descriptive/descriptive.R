# Observed means, missing-data patterns and baseline characteristics by base R, for tests/suite/data/trial_tables.rs.
# Run in the folder of the repository: Rscript tests/references/descriptive/descriptive.R
library(jsonlite)

describe <- function(x) {
  x <- x[!is.na(x)]
  list(n = length(x), mean = mean(x), sd = sd(x), median = median(x), minimum = min(x), maximum = max(x))
}

by_arm_and_visit <- function(data, outcome, arm, visit) {
  cells <- expand.grid(visit = sort(unique(data[[visit]])), arm = sort(unique(data[[arm]])), stringsAsFactors = FALSE)
  lapply(seq_len(nrow(cells)), function(k) {
    here <- data[[arm]] == cells$arm[k] & data[[visit]] == cells$visit[k]
    c(list(arm = cells$arm[k], visit = as.character(cells$visit[k])), describe(data[[outcome]][here]))
  })
}

patterns <- function(data, outcome, patient, arm, visit) {
  observed <- tapply(!is.na(data[[outcome]]), list(data[[patient]], data[[visit]]), any, default = FALSE)
  arms <- data[[arm]][match(rownames(observed), data[[patient]])]
  text <- apply(observed, 1, function(o) paste(ifelse(o, "X", "."), collapse = ""))
  counts <- as.data.frame(table(arm = arms, pattern = text), stringsAsFactors = FALSE)
  counts <- counts[counts$Freq > 0, ]
  lapply(seq_len(nrow(counts)), function(k) list(arm = counts$arm[k], pattern = counts$pattern[k], n = counts$Freq[k]))
}

fev <- read.csv("data-samples/fev/fev.csv")
antidepressant <- read.csv("data-samples/antidepressant/antidepressant.csv")
first <- antidepressant[!duplicated(antidepressant$PATIENT), ]
first_fev <- fev[!duplicated(fev$USUBJID), ]

result <- list(
  engine = R.version.string,
  fev = list(
    means = by_arm_and_visit(fev, "FEV1", "ARMCD", "AVISIT"),
    patterns = patterns(fev, "FEV1", "USUBJID", "ARMCD", "AVISIT"),
    race = as.data.frame(table(arm = first_fev$ARMCD, level = first_fev$RACE), responseName = "n")
  ),
  antidepressant = list(
    means = by_arm_and_visit(antidepressant, "HAMDTL17", "THERAPY", "VISIT"),
    patterns = patterns(antidepressant, "HAMDTL17", "PATIENT", "THERAPY", "VISIT"),
    basval = lapply(c("DRUG", "PLACEBO"), function(a) c(list(arm = a), describe(first$BASVAL[first$THERAPY == a]))),
    basval_all = describe(first$BASVAL)
  )
)
write_json(result, "tests/references/descriptive/descriptive.json", auto_unbox = TRUE, digits = NA, pretty = TRUE)
