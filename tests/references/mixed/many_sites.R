# A random intercept of 100 sites above an unstructured covariance of four visits, 400 patients with dropout:
# glmmTMB, taken to the top of its own likelihood. Synthetic: every number comes from a seeded generator.
# Run from the repository's root: Rscript tests/references/mixed/many_sites.R
source("tests/references/common.R")
source("tests/references/mixed/peers.R")

set.seed(20261130, kind = "Mersenne-Twister", normal.kind = "Inversion", sample.kind = "Rejection")
sites <- 100; patients <- 400; visits <- 4
site <- sample(rep(1:sites, length.out = patients))
arm <- rep(c("control", "active"), length.out = patients)
baseline <- round(rnorm(patients, 50, 10), 1)
root <- chol(outer(1:visits, 1:visits, function(a, b) (6 + a) * (6 + b) * 0.7^abs(a - b)))
effect <- rnorm(sites, 0, 4)
data <- do.call(rbind, lapply(seq_len(patients), function(i) {
  y <- 20 + 0.5 * baseline[i] - 2 * (1:visits) * (1 + 0.5 * (arm[i] == "active")) + effect[site[i]] + drop(rnorm(visits) %*% root)
  data.frame(patient = sprintf("p%03d", i), site = sprintf("s%03d", site[i]), arm = arm[i], baseline = baseline[i],
             visit = 1:visits, y = round(y, 2))
}))
gone <- runif(nrow(data)) < 0.05 * data$visit
data <- data[!gone, ]
write.csv(data, "tests/references/mixed/many_sites.csv", row.names = FALSE, quote = FALSE)

data$arm <- factor(data$arm, c("control", "active"))
data$visit <- factor(data$visit)
residual <- 2
tmb <- with_glmmtmb(y ~ baseline + arm * visit + us(visit + 0 | patient) + (1 | site), data, TRUE, function(report) {
  sd <- report$sd[[1]]
  S <- report$corr[[1]] * outer(sd, sd) + diag(residual, length(sd))
  c(S[upper.tri(S, TRUE)], report$sd[[2]]^2)
}, residual)
one <- function(found) list(engine = found$engine, log_lik = found$log_lik, decrement = found$decrement, estimate = unname(found$beta),
                            se = unname(sqrt(diag(found$vcov))), theta = unname(found$theta))
jsonlite::write_json(list(glmmTMB = one(tmb)), "tests/references/mixed/many_sites.json", digits = I(17), auto_unbox = TRUE,
                     pretty = TRUE)
