# Makes joint_synthetic.csv: nobody's data. Two outcomes of 80 invented patients in two arms; y at four visits, x at the first and the last only, both with gaps
# of their own, some patients with one outcome alone. Run from the repository's root: Rscript tests/references/joint/data.R
set.seed(20261121)
n <- 80
visits <- c("week 0", "week 4", "week 8", "week 12")
patient <- sprintf("P%02d", 1:n)
arm <- rep(c("control", "active"), length.out = n)
age <- round(rnorm(n, 45, 12))
among <- chol(matrix(c(64, 20, 20, 16), 2))
over <- chol(0.7^abs(outer(1:4, 1:4, "-")) * outer(c(1, 1.1, 1.25, 1.4), c(1, 1.1, 1.25, 1.4)))
rows <- list()
for (i in 1:n) {
  e <- t(over) %*% matrix(rnorm(8), 4) %*% among
  gain <- if (arm[i] == "active") c(0, 2, 4, 6) else 0
  y <- 40 + 0.1 * (age[i] - 45) - c(0, 3, 5, 7) - gain + e[, 1]
  x <- 12 - c(0, 0.5, 1, 1.5) - gain / 4 + e[, 2]
  y[runif(4) < 0.2] <- NA
  x[runif(4) < 0.2] <- NA
  x[2:3] <- NA
  rows[[i]] <- data.frame(patient = patient[i], arm = arm[i], age = age[i], visit = visits, week = c(0, 4, 8, 12), y = round(y, 2), x = round(x, 2))
}
d <- do.call(rbind, rows)
d$y[d$patient %in% patient[c(7, 20)]] <- NA
d$x[d$patient %in% patient[c(12, 31, 55)]] <- NA
write.csv(d, "tests/references/data/joint_synthetic.csv", row.names = FALSE, quote = FALSE, na = "")
