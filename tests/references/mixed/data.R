# Makes the synthetic data sets of this folder. Nobody's data: every number comes from a seeded generator.
# Run from the repository's root: Rscript tests/references/mixed/data.R
folder <- "tests/references/mixed"
seed <- function(s) set.seed(s, kind = "Mersenne-Twister", normal.kind = "Inversion", sample.kind = "Rejection")
codes <- function(prefix, n) sprintf(paste0(prefix, "%0", nchar(n), "d"), seq_len(n))
write_data <- function(d, name) {
  d[] <- lapply(d, function(x) if (is.numeric(x)) format_number(x) else as.character(x))
  write.csv(d, file.path(folder, name), row.names = FALSE, quote = FALSE, na = "")
}
format_number <- function(x) ifelse(is.na(x), NA, vapply(x, function(v) format(v, digits = 12), ""))

# --- groups > patients > visits: 12 groups of 3 to 8 patients, four visits, gaps; randomised by group and by patient --------------------------
nested3 <- function() {
  seed(4111)
  months <- c(1, 3, 6, 12)
  size <- c(3, 8, 5, 4, 7, 6, 3, 5, 8, 4, 6, 5)
  group <- rep(codes("G", 12), size)
  n <- length(group)
  p <- data.frame(patient = codes("P", n), group, arm_group = rep(rep(c("control", "active"), 6), size), arm_patient = sample(rep(c("control", "active"), length.out = n)),
    severity = round(rnorm(n, 40, 8), 1))
  at_group <- data.frame(level = rnorm(12, 0, 4), slope = rnorm(12, 0, 0.5))[match(group, codes("G", 12)), ]
  level <- rnorm(n, 0, 5); slope <- rnorm(n, 0, 0.5)
  d <- p[rep(seq_len(n), each = 4), ]
  d$visit <- rep(paste0("month ", months), n)
  d$months <- rep(months, n)
  i <- rep(seq_len(n), each = 4)
  course <- 5 + 0.6 * d$severity + c(8, 5, 3, 1)[match(d$months, months)]
  own <- at_group$level[i] + at_group$slope[i] * d$months + level[i] + slope[i] * d$months
  d$y_group <- round(course - 0.3 * d$months * (d$arm_group == "active") + own + rnorm(4 * n, 0, 3), 1)
  d$y_patient <- round(course - 0.4 * d$months * (d$arm_patient == "active") + own + rnorm(4 * n, 0, 3), 1)
  # Some leave for good, some miss a visit, some have a value missing in one outcome only.
  last <- sample(c(4, 4, 4, 4, 3, 2, 1), n, replace = TRUE)
  keep <- match(d$months, months) <= last[i] & runif(4 * n) > 0.06
  keep[match(codes("P", n), d$patient)] <- TRUE
  d$y_patient[sample(which(keep), 8)] <- NA
  write_data(d[keep, ], "nested3.csv")
}

# --- therapists across sites, irregular days, a therapist of each visit's own ----------------------------------------------------------------
crossed <- function() {
  seed(4252)
  n <- 60
  site <- sample(rep(codes("S", 5), 12))
  first <- sample(codes("T", 9), n, replace = TRUE)
  arm <- sample(rep(c("control", "active"), n / 2))
  effects <- list(site = setNames(rnorm(5, 0, 3), codes("S", 5)), therapist = setNames(rnorm(9, 0, 2.5), codes("T", 9)), both = rnorm(45, 0, 3.5))
  level <- rnorm(n, 0, 5); slope <- rnorm(n, 0, 0.04)
  rows <- lapply(seq_len(n), function(i) {
    visits <- sort(sample(6, sample(c(3, 4, 5, 6, 6), 1)))
    days <- pmax(1, round(visits * 30 + rnorm(length(visits), 0, 7)))
    therapist <- rep(first[i], length(visits))
    if (i %% 3 == 0) therapist[seq_along(visits) >= sample(2:length(visits), 1)] <- sample(setdiff(codes("T", 9), first[i]), 1)
    both <- effects$both[(match(site[i], codes("S", 5)) - 1) * 9 + match(therapist, codes("T", 9))]
    mean <- 40 - 0.05 * days - 0.03 * days * (arm[i] == "active") + level[i] + slope[i] * days + effects$site[site[i]] + effects$therapist[therapist] + both
    data.frame(patient = codes("P", n)[i], arm = arm[i], site = site[i], visit = visits, days, therapist, y = round(mean + rnorm(length(visits), 0, 3), 1))
  })
  write_data(do.call(rbind, rows), "crossed.csv")
}

# --- groups in one arm only, therapists in both ----------------------------------------------------------------------------------------------
partially_nested <- function() {
  seed(4354)
  weeks <- c(4, 8, 16, 24)
  size <- c(8, 7, 8, 9, 6, 8)
  treated <- sum(size); n <- treated + 48
  group <- c(rep(codes("G", 6), size), rep(NA, 48))
  gst <- as.numeric(!is.na(group))
  therapist <- sample(codes("T", 8), n, replace = TRUE)
  baseline <- round(rnorm(n, 42, 9), 1)
  u <- rnorm(6, 0, 5); v <- rnorm(8, 0, 5)
  # Between visits: a patient's level and an autoregression that spreads, wider in the treated.
  r <- 0.35 + 0.65 * 0.6^abs(outer(1:4, 1:4, "-"))
  root <- chol(r * outer(c(6, 7, 8.5, 9), c(6, 7, 8.5, 9)))
  rows <- lapply(seq_len(n), function(i) {
    e <- drop(rnorm(4) %*% root) * if (gst[i] == 1) 1.2 else 0.9
    y <- 12 + 0.55 * baseline[i] - c(2, 5, 7, 8) - gst[i] * c(0, 1, 2, 3) + e + (if (gst[i] == 1) u[match(group[i], codes("G", 6))] else 0) + v[match(therapist[i], codes("T", 8))]
    last <- sample(c(4, 4, 4, 4, 4, 3, 2, 1), 1)
    seen <- seq_len(4) <= last & (runif(4) > 0.05 | seq_len(4) == 1)
    data.frame(patient = sprintf("P%03d", i), arm = if (gst[i] == 1) "GST" else "control", gst = gst[i], group = group[i], therapist = therapist[i], baseline = baseline[i],
      visit = paste0("week ", weeks), weeks, y = round(y, 1))[seen, ]
  })
  d <- do.call(rbind, rows)
  write_data(d[order(match(d$patient, sample(unique(d$patient)))), ], "partially_nested.csv")
}

# --- complete and balanced: 2 arms x 5 groups x 4 patients x 3 visits --------------------------------------------------------------------------
balanced <- function() {
  seed(4414)
  d <- expand.grid(visit = 1:3, member = 1:4, group = 1:10)
  d$patient <- codes("P", 40)[(d$group - 1) * 4 + d$member]
  d$arm <- ifelse(d$group <= 5, "control", "active")
  i <- match(d$patient, codes("P", 40))
  d$y <- round(30 - 3 * d$visit - 1.5 * d$visit * (d$arm == "active") + rnorm(10, 0, 4)[d$group] + rnorm(30, 0, 2.5)[(d$group - 1) * 3 + d$visit] + rnorm(40, 0, 3)[i] + rnorm(120, 0, 2), 1)
  d$group <- codes("G", 10)[d$group]
  write_data(d[c("patient", "arm", "group", "visit", "y")], "balanced.csv")
}

# --- groups that differ by less than chance: the estimate of their variance is zero -------------------------------------------------------------
no_group_variance <- function() {
  seed(4505)
  d <- expand.grid(visit = 1:3, member = 1:5, group = 1:8)
  d$patient <- codes("P", 40)[(d$group - 1) * 5 + d$member]
  d$arm <- ifelse(d$group %% 2 == 0, "active", "control")
  i <- match(d$patient, codes("P", 40))
  level <- rnorm(40, 0, 5)
  # The patients' levels are moved so that the groups' means nearly agree.
  level <- level - 0.9 * ave(level, d$group[match(codes("P", 40), d$patient)])
  d$y <- round(30 - 2 * d$visit - 2 * (d$arm == "active") + level[i] + rnorm(120, 0, 3), 1)
  d <- d[runif(120) > 0.1, ]
  d$group <- codes("G", 8)[d$group]
  write_data(d[c("patient", "arm", "group", "visit", "y")], "no_group_variance.csv")
}

# --- clusters of one among others ----------------------------------------------------------------------------------------------------------------
small_clusters <- function() {
  seed(4606)
  size <- c(1, 1, 1, 1, 2, 2, 3, 4, 6, 9)
  group <- rep(codes("G", 10), size)
  n <- length(group)
  arm <- sample(rep(c("control", "active"), n / 2))
  i <- rep(seq_len(n), each = 3); visit <- rep(1:3, n)
  y <- 25 - 2 * visit - 1.5 * visit * (arm[i] == "active") + rnorm(10, 0, 4)[match(group[i], codes("G", 10))] + rnorm(n, 0, 4)[i] + rnorm(3 * n, 0, 2.5)
  d <- data.frame(patient = codes("P", n)[i], arm = arm[i], group = group[i], visit, y = round(y, 1))
  write_data(d[runif(3 * n) > 0.12 | visit == 1, ], "small_clusters.csv")
}

nested3(); crossed(); partially_nested(); balanced(); no_group_variance(); small_clusters()
