# Reliable and clinically significant change by the R package clinicalsignificance, of the patients observed at baseline and at the
# last visit: in the antidepressant trial (HAMD-17, lower is better) and in the FEV trial (FEV1, higher is better). Reliability and
# functional norms are invented. Index and class of each patient by every method, cut-offs a and c; the package's cut-off b has the
# clinical standard deviation where Jacobson and Truax have the functional one, and is left out.
# Classes of the arms compared by kruskal.test.
# Run from the root of the repository:
#   Rscript tests/references/change/individual_change.R > tests/references/change/individual_change.json
suppressMessages({
  library(clinicalsignificance)
  library(jsonlite)
})

long <- function(id, arm, before, after) {
  known <- !is.na(before) & !is.na(after)
  rbind(
    data.frame(id = id[known], arm = arm[known], time = 1, y = before[known]),
    data.frame(id = id[known], arm = arm[known], time = 2, y = after[known])
  )
}
hamd <- read.csv("data-samples/antidepressant/antidepressant.csv", colClasses = c(PATIENT = "character", VISIT = "character"))
hamd <- hamd[hamd$VISIT == "7", ]
fev <- read.csv("data-samples/fev/fev.csv")
fev <- fev[fev$AVISIT == "VIS4", ]
cases <- list(
  list(name = "hamd", data = long(hamd$PATIENT, hamd$THERAPY, hamd$BASVAL, hamd$HAMDTL17), better = "lower", reliability = 0.8, mean = 5, sd = 4),
  list(name = "fev", data = long(fev$USUBJID, fev$ARMCD, fev$FEV1_BL, fev$FEV1), better = "higher", reliability = 0.7, mean = 58, sd = 7)
)
order <- c("harmed", "deteriorated", "unchanged", "improved", "recovered")
results <- list()
for (case in cases) {
  before <- case$data[case$data$time == 1, ]
  after <- case$data[case$data$time == 2, ]
  wide <- data.frame(id = before$id, arm = before$arm, pre = before$y, post = after$y[match(before$id, after$id)])
  wide$change <- wide$post - wide$pre
  direction <- if (case$better == "lower") -1 else 1
  for (method in c("jt", "gln", "hll", "en", "ha")) {
    critical <- if (method == "ha") qnorm(0.95) else qnorm(0.975)
    data <- structure(list(data = wide), class = paste0("cs_", method))
    rci <- calc_rci(data,
      m_pre = mean(wide$pre), sd_pre = sd(wide$pre), m_post = mean(wide$post), sd_post = sd(wide$post),
      reliability = case$reliability, direction = direction, critical_value = critical
    )
    for (type in c("a", "c")) {
      cut <- calc_cutoff_from_data(data,
        m_clinical = mean(wide$pre), sd_clinical = sd(wide$pre), m_functional = case$mean, sd_functional = case$sd,
        m_post = mean(wide$post), sd_post = sd(wide$post), reliability = case$reliability, type = type, direction = direction,
        critical_value = critical
      )
      recovered <- if (method == "ha") clinicalsignificance:::.calc_recovered_ha else clinicalsignificance:::.calc_recovered
      classes <- as.data.frame(recovered(wide, cut$data, rci$data))
      class <- apply(classes[, order], 1, function(row) names(which(row)))
      test <- kruskal.test(match(class, order), factor(classes$arm))
      results[[length(results) + 1]] <- list(
        case = case$name, method = method, cut_off = type, better = case$better, reliability = case$reliability,
        functional = list(mean = case$mean, sd = case$sd), clinical = list(mean = mean(wide$pre), sd = sd(wide$pre)),
        value = cut$info$value, patients = as.character(classes$id), index = direction * classes$rci, classes = unname(class),
        test = list(statistic = unname(test$statistic), p = test$p.value)
      )
    }
  }
}
engine <- list(
  name = "R", version = paste(R.version$major, R.version$minor, sep = "."),
  package = paste("clinicalsignificance", packageVersion("clinicalsignificance"), "calc_rci, calc_cutoff_from_data")
)
cat(toJSON(list(engine = engine, results = results), auto_unbox = TRUE, digits = NA), "\n")
