# Shared by the scripts of this folder: reading the data and writing results as JSON. Every script runs from the repository's root.
suppressPackageStartupMessages(library(jsonlite))

read_fev <- function() {
  d <- read.csv("data-samples/fev/fev.csv")
  d$USUBJID <- factor(d$USUBJID, levels = unique(d$USUBJID))
  d$AVISIT <- factor(d$AVISIT, levels = paste0("VIS", 1:4))
  d$ARMCD <- factor(d$ARMCD, levels = c("PBO", "TRT"))
  d$RACE <- factor(d$RACE, levels = c("Asian", "Black or African American", "White"))
  d$SEX <- factor(d$SEX, levels = c("Male", "Female"))
  d$visit_number <- as.integer(d$AVISIT)
  d[order(d$USUBJID, d$AVISIT), ]
}

# HAMD-17 at four visits after baseline; their nominal times are 1, 2, 4 and 6 weeks.
read_antidepressant <- function() {
  d <- read.csv("data-samples/antidepressant/antidepressant.csv", colClasses = c(PATIENT = "character", VISIT = "character"))
  d$PATIENT <- factor(d$PATIENT, levels = unique(d$PATIENT))
  d$VISIT <- factor(d$VISIT, levels = c("4", "5", "6", "7"))
  d$THERAPY <- factor(d$THERAPY, levels = c("PLACEBO", "DRUG"))
  d$visit_number <- as.integer(d$VISIT)
  d$week <- c(1, 2, 4, 6)[d$visit_number]
  d[order(d$PATIENT, d$VISIT), ]
}

engine <- function(...) {
  packages <- c(...)
  paste(c(R.version.string, paste(packages, vapply(packages, function(p) as.character(packageVersion(p)), ""))), collapse = ", ")
}

named_rows <- function(m) {
  m <- unclass(m)
  dimnames(m) <- NULL
  lapply(seq_len(nrow(m)), function(i) m[i, ])
}

write_reference <- function(x, path) {
  writeLines(toJSON(x, digits = I(16), auto_unbox = TRUE, pretty = 1, null = "null", na = "null", dataframe = "rows"), path)
  message("wrote ", path)
}
