# Makes trial.csv and separated.csv: invented patients with a fixed seed. Run in this folder: Rscript data.R
# trial.csv: three arms, 231 patients, permuted blocks within site x severity; a binary outcome and a count.
set.seed(20260713)
n <- 231
site <- sample(c("north", "south", "west"), n, TRUE, c(0.4, 0.35, 0.25))
severity <- ifelse(runif(n) < 0.45, "high", "low")
arm <- character(n)
for (s in unique(paste(site, severity))) {
  in_stratum <- which(paste(site, severity) == s)
  blocks <- unlist(lapply(seq_len(ceiling(length(in_stratum) / 3)), function(b) sample(c("control", "new", "other"))))
  arm[in_stratum] <- blocks[seq_along(in_stratum)]
}
base <- round(pmin(80, pmax(12, rnorm(n, 38 + 6 * (severity == "high"), 9))))
eta <- -0.7 + 0.8 * (arm == "new") + 0.35 * (arm == "other") - 0.05 * (base - 40) + 0.5 * (site == "south") - 0.4 * (severity == "high")
y <- rbinom(n, 1, plogis(eta))
count <- rpois(n, exp(0.6 - 0.4 * (arm == "new") + 0.02 * (base - 40)) * rgamma(n, 4, 4))
d <- data.frame(id = sprintf("p%03d", seq_len(n)), arm, visit = "month 12", site, severity, base, y, count)
write.csv(d, "trial.csv", row.names = FALSE, quote = FALSE)
# separated.csv: 60 patients of two arms; all who have the marker respond, which separates quasi-completely.
n <- 60
arm <- rep(c("control", "new"), n / 2)
marker <- as.integer(runif(n) < 0.15)
age <- round(rnorm(n, 45, 12))
y <- ifelse(marker == 1, 1, rbinom(n, 1, plogis(-1 + 0.9 * (arm == "new") + 0.03 * (age - 45))))
write.csv(data.frame(id = sprintf("q%02d", seq_len(n)), arm, visit = "month 12", marker, age, y), "separated.csv", row.names = FALSE, quote = FALSE)
