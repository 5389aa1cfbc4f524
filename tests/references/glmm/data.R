# Writes the data sets behind the references. Usage: Rscript data.R DIR, DIR with toenail.rda and respiratory.rda of HSAUR3.
from <- commandArgs(TRUE)[1]
load(file.path(from, "toenail.rda")); load(file.path(from, "respiratory.rda"))
write <- function(d, name) write.csv(d, paste0("../data/", name, ".csv"), row.names = FALSE, quote = FALSE)
write(with(toenail, data.frame(patient = patientID, treatment = treatment, visit = paste0("v", visit), time = time,
                               severe = as.integer(outcome != "none or mild"))), "toenail")
base <- subset(respiratory, month == "0")
after <- subset(respiratory, month != "0")
after$baseline <- as.integer(base$status[match(after$subject, base$subject)] == "good")
write(with(after, data.frame(patient = subject, centre = paste0("c", centre), treatment = treatment, sex = gender, age = age,
                             visit = paste0("month ", month), month = month, baseline = baseline, good = as.integer(status == "good"))), "respiratory")
# Beitler & Landis (1985): clinic, treatment, cured, treated.
cures <- matrix(c(1,1,11,36, 1,0,10,37, 2,1,16,20, 2,0,22,32, 3,1,14,19, 3,0,7,19, 4,1,2,16, 4,0,1,17,
                  5,1,6,17, 5,0,0,12, 6,1,1,11, 6,0,0,10, 7,1,1,5, 7,0,1,9, 8,1,4,6, 8,0,6,7), ncol = 4, byrow = TRUE)
rows <- do.call(rbind, apply(cures, 1, function(r) data.frame(clinic = paste0("clinic ", r[1]), treatment = c("control", "drug")[r[2] + 1],
                                                              cured = rep(c(1, 0), c(r[3], r[4] - r[3])))))
write(data.frame(patient = paste0("p", seq_len(nrow(rows))), clinic = rows$clinic, treatment = rows$treatment, visit = "end", cured = rows$cured), "infection")
# Invented: patients within therapists, a random slope of time; counts.
set.seed(20261130)
therapists <- 24; each <- 5; visits <- 4
d <- expand.grid(time = 0:(visits - 1), within = 1:each, therapist = 1:therapists)
d$patient <- paste0("p", (d$therapist - 1) * each + d$within)
d$arm <- c("A", "B")[(d$within %% 2) + 1]
u <- rnorm(therapists, 0, 0.7); b0 <- rnorm(therapists * each, 0, 1.1); b1 <- rnorm(therapists * each, 0, 0.5)
id <- (d$therapist - 1) * each + d$within
eta <- -0.8 + 0.3 * d$time + (d$arm == "B") * 0.25 * d$time + u[d$therapist] + b0[id] + b1[id] * d$time
d$event <- rbinom(nrow(d), 1, plogis(eta))
d$count <- rpois(nrow(d), exp(0.2 + 0.1 * d$time + 0.5 * u[d$therapist] + 0.4 * b0[id]))
d <- d[runif(nrow(d)) > 0.1 | d$time == 0, ]
write(with(d, data.frame(patient, therapist = paste0("t", therapist), arm, visit = paste0("week ", time), time, event, count)), "clustered_events")
# Remission (a CAPS-5 total below 20) in the sample trial of imagery rescripting and group schema therapy.
t <- read.csv("../../../data-samples/imrs_gst/imrs_gst.csv")
total <- rowSums(t[, sprintf("caps5_%02d", 1:20)])
keep <- !is.na(total) & t$visit != "baseline"
write(with(t[keep, ], data.frame(patient, arm, visit, therapist, below20 = as.integer(total[keep] < 20))), "imrs_below20")
