# Intervals for proportions from base R, none of them from the formulas of the library:
#   wilson   prop.test(correct = FALSE), the inverted score test of one proportion
#   ratio    glm(binomial(link = "log")), Wald interval of the arm on the log scale: Katz et al. 1978
#   odds     glm(binomial(link = "logit")), Wald interval of the arm on the logit scale: Woolf 1955
# The glm intervals exist only where no cell is empty (and, for the ratio, where no arm is full).
# Run: Rscript two_proportions.R > two_proportions_r.json
suppressMessages(library(jsonlite))

cases <- rbind(
  c(56, 70, 48, 80), c(9, 10, 3, 10), c(6, 7, 2, 7), c(5, 56, 0, 29), c(0, 10, 0, 20), c(0, 10, 0, 10),
  c(10, 10, 0, 20), c(10, 10, 0, 10), c(28, 66, 19, 64), c(19, 66, 27, 64), c(1, 66, 1, 64), c(250, 533, 204, 412),
  c(33, 34, 27, 34), c(900, 1000, 850, 1100)
)
control <- glm.control(epsilon = 1e-15, maxit = 200)

wald <- function(x1, n1, x2, n2, link, level) {
  arm <- c(1, 0)
  start <- if (link == "log") log(c(x2 / n2, (x1 / n1) / (x2 / n2))) else NULL
  # Standard errors come from the information at the estimate; the deviance of a saturated fit is rounding alone, so the
  # fit is started at the estimate where the link needs it.
  fit <- suppressWarnings(glm(cbind(c(x1, x2), c(n1 - x1, n2 - x2)) ~ arm, family = binomial(link), control = control, start = start))
  estimate <- coef(fit)[["arm"]]
  se <- sqrt(vcov(fit)["arm", "arm"])
  z <- qnorm((1 + level) / 2)
  list(estimate = exp(estimate), lower = exp(estimate - z * se), upper = exp(estimate + z * se))
}

rows <- list()
for (level in c(0.9, 0.95, 0.99)) {
  for (i in seq_len(nrow(cases))) {
    x1 <- cases[i, 1]; n1 <- cases[i, 2]; x2 <- cases[i, 3]; n2 <- cases[i, 4]
    score <- function(x, n) as.numeric(suppressWarnings(prop.test(x, n, correct = FALSE, conf.level = level))$conf.int)
    row <- list(x1 = x1, n1 = n1, x2 = x2, n2 = n2, level = level, wilson1 = score(x1, n1), wilson2 = score(x2, n2))
    if (min(x1, x2) > 0 && x1 < n1 && x2 < n2) {
      row$ratio <- wald(x1, n1, x2, n2, "log", level)
      row$odds <- wald(x1, n1, x2, n2, "logit", level)
    }
    rows[[length(rows) + 1]] <- row
  }
}
engine <- list(name = "R", version = paste(R.version$major, R.version$minor, sep = "."), functions = "prop.test, glm")
cat(toJSON(list(engine = engine, rows = rows), auto_unbox = TRUE, digits = NA, pretty = TRUE), "\n")
