# The two data sets of this folder and the hand-made dummies of constrained longitudinal analysis; used by clda.R and clda_mmrm.R.

# A small synthetic trial, written beside the result: 60 patients, baseline and three visits, dropout, six patients with only a baseline,
# one patient without a baseline.
synthetic <- function() {
  set.seed(20240611, kind = "Mersenne-Twister", normal.kind = "Inversion", sample.kind = "Rejection")
  n <- 60
  arm <- rep(c("control", "active"), n / 2)
  sigma <- outer(1:4, 1:4, function(s, t) 0.7^abs(s - t)) * outer(c(8, 9, 10, 12), c(8, 9, 10, 12))
  y <- matrix(rnorm(4 * n), n) %*% chol(sigma)
  mean <- rbind(control = c(40, 36, 33, 31), active = c(40, 33, 28, 24))
  y <- round(y + mean[arm, ], 1)
  # Who drops out was lower than others at the visit before.
  for (i in 1:n) for (t in 2:4) if (is.na(y[i, t - 1]) || runif(1) < 0.12 + 0.01 * max(0, 40 - y[i, t - 1])) if (t > 2) y[i, t] <- NA
  y[c(3, 10, 21, 32, 44, 59), 2:4] <- NA
  y[17, 1] <- NA
  d <- data.frame(patient = sprintf("P%02d", rep(1:n, each = 4)), arm = rep(arm, each = 4), visit = rep(c("baseline", "week 4", "week 8", "week 12"), n), y = c(t(y)))
  d <- d[!is.na(d$y), ]
  write.csv(d, "tests/references/data/clda_synthetic.csv", row.names = FALSE, quote = FALSE)
  d
}

antidepressant <- function() {
  d <- read_antidepressant()
  first <- d[!duplicated(d$PATIENT), ]
  long <- rbind(
    data.frame(patient = first$PATIENT, arm = first$THERAPY, visit = "baseline", y = first$BASVAL),
    data.frame(patient = d$PATIENT, arm = d$THERAPY, visit = as.character(d$VISIT), y = d$HAMDTL17)
  )
  long
}

# One column a visit and one column for treatment at each visit after baseline: no column for treatment at baseline.
with_dummies <- function(d, visits, arms) {
  d$visit <- factor(d$visit, levels = visits)
  d$patient <- factor(d$patient, levels = unique(d$patient))
  d$visit_number <- as.integer(d$visit)
  d <- d[order(d$patient, d$visit), ]
  for (t in seq_along(visits)[-1]) d[[paste0("treated_", t)]] <- (d$arm == arms[2]) * (d$visit_number == t)
  d
}

dummy_names <- function(visits) paste0("treated_", seq_along(visits)[-1])

both <- function(one_case) {
  list(
    one_case("clda_synthetic", "clda_synthetic.csv", synthetic(), c("baseline", "week 4", "week 8", "week 12"), c("control", "active")),
    one_case("clda_antidepressant", "antidepressant_data: BASVAL as visit `baseline`, HAMDTL17 at visits 4 to 7", antidepressant(), c("baseline", "4", "5", "6", "7"),
      c("PLACEBO", "DRUG"))
  )
}
