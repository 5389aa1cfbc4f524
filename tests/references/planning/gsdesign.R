# Group-sequential bounds. Usage: R CMD SHLIB -o gsDesign.so gsDesign/src/*.c; Rscript gsdesign.R DIRECTORY-OF-gsDesign gsDesign.so > gsdesign.json
suppressMessages(library(jsonlite))
arguments <- commandArgs(TRUE)
dyn.load(arguments[2])
for (f in list.files(file.path(arguments[1], "R"), full.names = TRUE)) try(source(f), silent = TRUE)
# A grid three times its default; gsprob() of its type 3 knows the default alone.
r <- 60
tol <- 1e-7
one <- function(name, k, test.type, alpha, beta, sfu, sfupar, sfl = sfHSD, sflpar = -2, timing = 1) {
  d <- gsDesign(k = k, test.type = test.type, alpha = alpha, beta = beta, sfu = sfu, sfupar = sfupar, sfl = sfl, sflpar = sflpar, timing = timing, r = if (test.type == 3) 18 else r, tol = tol)
  drift <- d$theta[2] * sqrt(d$n.I[k])
  list(name = name, test_type = test.type, alpha = alpha, beta = beta, timing = d$timing, upper = d$upper$bound, lower = if (test.type == 1) NULL else d$lower$bound,
    inflation = d$n.I[k], drift = drift, null_up = d$upper$prob[, 1], alternative_up = d$upper$prob[, 2],
    alternative_down = if (test.type == 1) NULL else d$lower$prob[, 2], expected = d$en / d$n.I[k])
}
uneven <- c(.3, .55, .8, 1)
cases <- list()
add <- function(...) cases[[length(cases) + 1]] <<- one(...)
for (type in c(1, 2)) {
  for (k in c(2, 3, 5)) {
    add("obrien-fleming", k, type, .025, .1, sfLDOF, 0)
    add("pocock", k, type, .025, .2, sfLDPocock, 0)
    add("power(3)", k, type, .05, .1, sfPower, 3)
    add("hwang-shih-decani(-4)", k, type, .025, .1, sfHSD, -4)
    add("wang-tsiatis(0.25)", k, type, .025, .2, "WT", .25)
    add("wang-tsiatis(0)", k, type, .025, .1, "OF", 0)
    add("wang-tsiatis(0.5)", k, type, .025, .1, "Pocock", 0)
  }
  add("obrien-fleming", 4, type, .025, .1, sfLDOF, 0, timing = uneven)
  add("hwang-shih-decani(1)", 4, type, .025, .1, sfHSD, 1, timing = uneven)
}
for (type in c(3, 4)) {
  add("hwang-shih-decani(-4)", 3, type, .025, .1, sfHSD, -4)
  add("obrien-fleming", 4, type, .025, .2, sfLDOF, 0, timing = uneven)
  add("pocock", 2, type, .05, .1, sfLDPocock, 0)
}
cat(toJSON(list(engine = paste("gsDesign", read.dcf(file.path(arguments[1], "DESCRIPTION"))[1, "Version"], R.version.string), cases = cases), digits = I(17), auto_unbox = TRUE, null = "null"), "\n")
