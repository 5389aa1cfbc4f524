# The referee of small-sample methods: with two visits, one arm, complete data and an unstructured covariance, Satterthwaite and
# Kenward-Roger must both be the paired t test. Run from the repository's root: Rscript tests/references/paired_t/paired_t.R
source("tests/references/common.R")

case <- function(id, data, first, second) {
  t <- t.test(second, first, paired = TRUE)
  list(id = id, data = data, software = engine("stats"), n = length(first), estimate = unname(t$estimate), se = t$stderr, df = unname(t$parameter),
    t = unname(t$statistic), p = t$p.value, lower = t$conf.int[1], upper = t$conf.int[2], level = attr(t$conf.int, "conf.level"))
}

sleep <- read.csv("tests/references/data/sleep.csv")
sleep <- sleep[order(sleep$ID), ]
orthodont <- read.csv("tests/references/data/orthodont.csv")
orthodont <- orthodont[order(orthodont$Subject), ]
write_reference(list(
  case("sleep", "sleep.csv: extra, group 2 against group 1", sleep$extra[sleep$group == 1], sleep$extra[sleep$group == 2]),
  case("orthodont", "orthodont.csv: distance, age 14 against age 8", orthodont$distance[orthodont$age == 8], orthodont$distance[orthodont$age == 14])
), "tests/references/paired_t/paired_t.json")
