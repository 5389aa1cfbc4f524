# Power of the two-sided t test in either direction. Usage: Rscript power_t_test.R > power_t_test.json
options(digits = 17)
rows <- c()
for (n in c(20, 50)) for (delta in c(0, .1, .3, .8)) {
  power <- power.t.test(n = n, delta = delta, sd = 1, sig.level = .05, strict = TRUE)$power
  rows <- c(rows, sprintf('  {"n": %d, "delta": %.1f, "power": %.16f}', n, delta, power))
}
cat(sprintf('{"engine": "%s, stats::power.t.test(strict = TRUE)", "rows": [\n%s\n]}\n', R.version.string, paste(rows, collapse = ",\n")))
