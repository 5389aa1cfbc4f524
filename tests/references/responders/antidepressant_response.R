# Response in the antidepressant trial (HAMD-17 at least halved since baseline) per visit, from the file by base R alone: who is observed, who
# responds, Wilson intervals by prop.test, and the drug against placebo by glm (log and logit link, Wald intervals).
# Run from the root of the repository:
#   Rscript tests/references/responders/antidepressant_response.R > tests/references/responders/antidepressant_response.json
suppressMessages(library(jsonlite))
data <- read.csv("data-samples/antidepressant/antidepressant.csv", colClasses = c(PATIENT = "character", VISIT = "character"))
patients <- unique(data[, c("PATIENT", "THERAPY")])
randomized <- table(patients$THERAPY)
arms <- c("PLACEBO", "DRUG")
z <- qnorm(0.975)

ratio <- function(x, n, link) {
  arm <- c(0, 1)
  start <- if (link == "log") log(c(x[1] / n[1], (x[2] / n[2]) / (x[1] / n[1]))) else NULL
  fit <- suppressWarnings(glm(cbind(x, n - x) ~ arm, family = binomial(link), start = start, control = glm.control(epsilon = 1e-15, maxit = 200)))
  exp(coef(fit)[["arm"]] + c(0, -z, z) * sqrt(vcov(fit)["arm", "arm"]))
}

rows <- list()
for (visit in sort(unique(data$VISIT))) {
  at <- data[data$VISIT == visit & !is.na(data$HAMDTL17), ]
  met <- sapply(arms, function(a) sum(at$THERAPY == a & at$HAMDTL17 <= at$BASVAL / 2))
  observed <- sapply(arms, function(a) sum(at$THERAPY == a))
  everyone <- sapply(arms, function(a) randomized[[a]])
  for (how in c("left out", "not met")) {
    n <- if (how == "left out") observed else everyone
    wilson <- lapply(1:2, function(i) as.numeric(prop.test(met[i], n[i], correct = FALSE)$conf.int))
    row <- list(visit = visit, unobserved = how, met = unname(met), of = unname(n), observed = unname(observed), randomized = unname(everyone), wilson = wilson)
    if (min(met) > 0) {
      row$risk_ratio <- ratio(met, n, "log")
      row$odds_ratio <- ratio(met, n, "logit")
    }
    rows[[length(rows) + 1]] <- row
  }
}
engine <- list(name = "R", version = paste(R.version$major, R.version$minor, sep = "."), functions = "prop.test, glm")
cat(toJSON(list(engine = engine, arms = arms, rows = rows), auto_unbox = TRUE, digits = NA, pretty = TRUE), "\n")
