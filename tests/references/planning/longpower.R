# Power and sample size by formula. Usage: Rscript longpower.R DIRECTORY-OF-LONGPOWER/R > longpower.json
suppressMessages(library(jsonlite))
source_of <- commandArgs(TRUE)[1]
for (f in c("power_mmrm.R", "diggle.linear.power.R", "edland.linear.power.R", "liu.liang.linear.power.R")) source(file.path(source_of, f))

un <- matrix(c(1, .7, .6, .5, .7, 1, .75, .6, .6, .75, 1, .8, .5, .6, .8, 1), 4)
other <- matrix(c(1, .5, .4, .3, .5, 1, .55, .4, .4, .55, 1, .6, .3, .4, .6, 1), 4)
cs <- matrix(.25, 4, 4); diag(cs) <- 1
kept <- list(c(1, .9, .8, .7), c(1, .76, .63, .52), c(1, .87, .81, .78), c(.95, .9, .9, .5), c(1, 1, 1, 1))
mmrm <- list()
add <- function(x) mmrm[[length(mmrm) + 1]] <<- x
for (R in list(cs, un)) for (ra in kept) for (lambda in c(1, 2, .5)) for (side in c("two.sided", "one.sided")) {
  rb <- kept[[3]]
  n <- power.mmrm(Ra = R, ra = ra, sigmaa = 1.3, Rb = other, rb = rb, lambda = lambda, delta = .5, power = .9, alternative = side)
  p <- power.mmrm(N = 300, Ra = R, ra = ra, sigmaa = 1.3, Rb = other, rb = rb, lambda = lambda, delta = .5, alternative = side)
  d <- power.mmrm(N = 300, Ra = R, ra = ra, sigmaa = 1.3, Rb = other, rb = rb, lambda = lambda, power = .9, alternative = side)
  add(list(correlation = c(t(R)), retention = ra, lambda = lambda, side = side, n1 = n$n1, n2 = n$n2, power = p$power, delta = d$delta))
}
# Lu, Luo and Chen (2008), Table 2: phi for AR(1), J visits, attrition a_J and rho^(J-1) = p.
phi <- list()
for (J in c(2, 4)) for (a in (1:4) / 10) for (p in c(0, c(1, 3, 5, 7, 9) / 10)) {
  x <- power.mmrm.ar1(rho = p^(1 / (J - 1)), ra = seq(1, 1 - a, length = J), sigmaa = 1, lambda = 1, times = 1:J, delta = 1, power = .8)
  phi[[length(phi) + 1]] <- list(visits = J, attrition = a, correlation = p, phi = x$phi1)
}
# Their Table 1: z test, and t test after one step.
phi1 <- c(rep(1, 6), 2, 2); phi2 <- c(1, 1, rep(2, 6)); lambda <- c(1, 2, sqrt(1 / 2), 1 / 2, 1, 2, 1, 2)
table1 <- lapply(1:8, function(i) {
  Na <- (phi1[i] + lambda[i] * phi2[i]) * (qnorm(0.05 / 2) + qnorm(1 - 0.90))^2 * (0.5^-2)
  z <- Na + Na / lambda[i]
  Na <- (phi1[i] + lambda[i] * phi2[i]) * (qt(0.05 / 2, df = z - 2) + qt(1 - 0.90, df = z - 2))^2 * (0.5^-2)
  list(phi = c(phi1[i], phi2[i]), lambda = lambda[i], z = z, t = Na + Na / lambda[i])
})
slopes <- list()
for (rho in c(.2, .5, .8)) for (s2 in c(100, 200, 300)) {
  x <- diggle.linear.power(delta = .5, t = c(0, 2, 5), sigma2 = s2, R = rho, alternative = "one.sided", power = .8)
  t <- c(0, 2, 5)
  u <- list(t, rep(0, 3)); v <- list(cbind(1, 1, t), cbind(1, 0, t))
  y <- liu.liang.linear.power(delta = .5, u = u, v = v, sigma2 = s2, R = rho, alternative = "one.sided", power = .8)
  slopes[[length(slopes) + 1]] <- list(rho = rho, variance = s2, diggle = x$n[1], liu_liang = y$N)
}
t <- seq(0, 1.5, .25)
random <- list()
for (lambda in c(1, 2)) for (side in c("two.sided", "one.sided")) for (p in list(c(0, 0, 0, 0, 0, 0, 1), c(0, .05, .05, .1, .05, .1, .65))) {
  ask <- function(...) edland.linear.power(t = t, lambda = lambda, sig2.int = 55, sig2.s = 24, sig.b0b1 = .8 * sqrt(55 * 24), sig2.e = 10, p = p, alternative = side, ...)
  n <- ask(delta = 1.5, power = .8)
  random[[length(random) + 1]] <- list(lambda = lambda, side = side, last = p, n = n$n, power = ask(n = 200, delta = 1.5)$power, delta = ask(n = 200, power = .8)$delta)
}
# Liu and Liang (1997), Tables 1 and 3.a: total sizes.
liu <- list()
one <- function(visits, rho, pi1) {
  R <- matrix(rho, visits, visits); diag(R) <- 1
  m <- liu.liang.linear.power(delta = .5, u = list(rep(1, visits), rep(0, visits)), v = list(rep(1, visits), rep(1, visits)), sigma2 = 1, R = R,
    Pi = c(pi1, 1 - pi1), power = .9)$N
  liu[[length(liu) + 1]] <<- list(visits = visits, rho = rho, share = pi1, total = m)
}
for (visits in c(4, 2)) for (rho in c(0, .3, .5, .8)) one(visits, rho, .5)
one(1, 0, .5)
for (pi1 in c(.8, .2)) for (rho in c(0, .3, .5, .8)) one(4, rho, pi1)
means <- lapply(list(c(1, .9), c(.5, .8), c(.25, .95), c(2, .5)), function(x) {
  list(delta = x[1], power = x[2], n = power.t.test(delta = x[1], sd = 1.2, power = x[2])$n,
    one_sided = power.t.test(delta = x[1], sd = 1.2, power = x[2], alternative = "one.sided", sig.level = .01)$n,
    power_of_20 = power.t.test(n = 20, delta = x[1], sd = 1.2)$power, delta_of_20 = power.t.test(n = 20, power = x[2], sd = 1.2, tol = 1e-12)$delta)
})
proportions <- lapply(list(c(.5, .75), c(.1, .2), c(.4, .3), c(.28, .43)), function(x) {
  list(reference = x[1], other = x[2], n = power.prop.test(p1 = x[1], p2 = x[2], power = .9, tol = 1e-12)$n, power_of_100 = power.prop.test(n = 100, p1 = x[1], p2 = x[2])$power)
})
cat(toJSON(list(engine = paste("longpower 1.0 sources,", R.version.string), mmrm = mmrm, phi = phi, table1 = table1, slopes = slopes, random = random, liu_liang = liu, means = means, proportions = proportions),
  digits = I(17), auto_unbox = TRUE, pretty = FALSE), "\n")
