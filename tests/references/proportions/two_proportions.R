# Intervals and tests of two proportions by R's own stats and by five packages, for the tables below.
# Run: Rscript two_proportions.R SOURCES > two_proportions.json
# SOURCES is a folder with the packages' sources, of which the R files are sourced: DescTools 0.99.61.14 (GPL >= 2),
# ratesci 0.4-0.9000 (GPL-3), exact2x2 1.7.0 with exactci and ssanv (GPL-3), Exact (GPL-2), contingencytables 3.0.0 (GPL-3).
sources <- commandArgs(TRUE)[1]
# Every expression by itself, so that what needs a package that is not there does not take the rest with it.
load_into <- function(folder, env = new.env(parent = globalenv())) {
  for (f in list.files(file.path(sources, folder, "R"), pattern = "[.][rR]$", full.names = TRUE)) {
    text <- gsub("DescTools::", "", readLines(f, warn = FALSE))
    for (e in parse(text = text, keep.source = FALSE)) try(suppressWarnings(eval(e, env)), silent = TRUE)
  }
  env
}
desc <- load_into("AndriSignorell+DescTools")
rate <- load_into("PeteLaud+ratesci")
ex <- load_into("cran+exact2x2", load_into("cran+exactci", load_into("cran+ssanv")))
exact <- load_into("cran+Exact")
ct <- load_into("ocbe-uio+contingencytables")

tables <- list(c(36, 154, 12, 77), c(56, 70, 48, 80), c(9, 10, 3, 10), c(6, 7, 2, 7), c(5, 56, 0, 29), c(0, 10, 0, 20), c(0, 10, 0, 10),
               c(10, 10, 0, 20), c(10, 10, 0, 10), c(1, 34, 7, 34), c(7, 34, 1, 34), c(36, 40, 16, 80), c(10, 10, 20, 20), c(15, 15, 9, 21))
try_two <- function(expr) {
  v <- tryCatch(suppressWarnings(suppressMessages(as.numeric(expr))), error = function(e) NULL)
  if (length(v) != 2) NULL else v
}
try_one <- function(expr) {
  v <- tryCatch(suppressWarnings(suppressMessages(as.numeric(expr))), error = function(e) NULL)
  if (length(v) != 1) NULL else v
}
finite <- function(v) if (is.null(v)) NULL else lapply(v, function(x) if (is.na(x)) "NaN" else if (is.infinite(x)) (if (x > 0) "Inf" else "-Inf") else x)
of_one <- function(x, n) {
  m <- c(wald = "wald", "wald-corrected" = "waldcc", wilson = "wilson", "wilson-corrected" = "wilsoncc", "agresti-coull" = "agresti-coull",
         jeffreys = "jeffreys", "clopper-pearson" = "clopper-pearson", "mid-p" = "midp", logit = "logit", "likelihood-ratio" = "lik")
  all <- lapply(m, function(k) finite(try_two(desc$BinomCI(x, n, method = k, std_est = TRUE)[, c("lci", "uci")])))
  c(all, list(blaker = finite(try_two({ r <- ct$Blaker_exact_CI_1x2(x, n); c(r$lower, r$upper) }))))
}
of_two <- function(t) {
  x1 <- t[1]; n1 <- t[2]; x2 <- t[3]; n2 <- t[4]
  m <- matrix(c(x1, n1 - x1, x2, n2 - x2), 2, byrow = TRUE)
  ac <- c(wald = "wald", "wald-corrected" = "waldcc", "agresti-caffo" = "ac", "hauck-anderson" = "ha", newcombe = "score",
          "newcombe-corrected" = "scorecc")
  diff <- lapply(ac, function(k) finite(try_two(desc$BinomDiffCI(x1, n1, x2, n2, method = k)[, c("lci", "uci")])))
  score <- function(contrast, bcf) {
    finite(try_two(rate$scoreci(x1, n1, x2, n2, contrast = contrast, skew = FALSE, bcf = bcf, precis = 10, ORbias = FALSE)$estimates[1, c("Lower", "Upper")]))
  }
  unc <- function(parm, method, ts = "central") {
    finite(try_two(rev(-ex$uncondExact2x2(x1, n1, x2, n2, parmtype = parm, method = method, tsmethod = ts, conf.int = TRUE)$conf.int)))
  }
  small <- n1 * n2 <= 450
  list(
    counts = t, first = of_one(x1, n1), second = of_one(x2, n2),
    difference = diff,
    ratesci = list(
      difference = list("miettinen-nurminen" = score("RD", TRUE), mee = score("RD", FALSE)),
      ratio = list("miettinen-nurminen" = score("RR", TRUE), koopman = score("RR", FALSE)),
      "odds-ratio" = list("miettinen-nurminen" = score("OR", TRUE), score = score("OR", FALSE))),
    ratio = list(wald = finite(try_two(desc$BinomRatioCI(x1, n1, x2, n2, method = "katz.log")[, c("lci", "uci")])),
                 "wald-modified" = finite(try_two(desc$BinomRatioCI(x1, n1, x2, n2, method = "adj.log")[, c("lci", "uci")])),
                 koopman = finite(try_two(desc$BinomRatioCI(x1, n1, x2, n2, method = "koopman", tol = 1e-12)[, c("lci", "uci")]))),
    "odds-ratio" = list(
      exact = finite(try_two(fisher.test(m)$conf.int)),
      "mid-p" = finite(try_two({ r <- ct$Cornfield_midP_CI_2x2(m); c(r$lower, r$upper) })),
      woolf = finite(try_two({ r <- ct$Woolf_logit_CI_2x2(m); c(r$lower, r$upper) })),
      "woolf-modified" = finite(try_two({ r <- ct$Gart_adjusted_logit_CI_2x2(m); c(r$lower, r$upper) })),
      conditional = finite(try_one(fisher.test(m)$estimate))),
    # Minutes each for larger tables.
    exact = if (small) list("exact-score" = unc("difference", "score"), "exact-score-two-sided" = unc("difference", "score", "square"),
                 "exact-unstandardised" = unc("difference", "simple")),
    tests = list(
      pearson = finite(try_one(chisq.test(m, correct = FALSE)$p.value)), "pearson-corrected" = finite(try_one(chisq.test(m)$p.value)),
      fisher = finite(sapply(c("two.sided", "less", "greater"), function(a) fisher.test(m, alternative = a)$p.value)),
      "fisher-mid-p" = finite(try_one({ d <- dhyper(x1, n1, n2, x1 + x2); fisher.test(m)$p.value - d / 2 })),
      barnard = finite(sapply(c("two.sided", "less", "greater"), function(a) exact$exact.test(m, alternative = a, method = "z-pooled", npNumbers = 1000, to.plot = FALSE, model = "Binomial")$p.value)),
      boschloo = finite(sapply(c("two.sided", "less", "greater"), function(a) exact$exact.test(m, alternative = a, method = "boschloo", npNumbers = 1000, to.plot = FALSE, model = "Binomial")$p.value))))
}
out <- list(engine = R.version.string, tables = lapply(tables, of_two))
cat(jsonlite::toJSON(out, auto_unbox = TRUE, digits = NA, pretty = TRUE, null = "null"), "\n")
