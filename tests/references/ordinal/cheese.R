# Four cheese additives tasted by 52 people each, nine categories (McCullagh & Nelder 1989, Generalized Linear Models, 2nd ed.,
# p. 175), by ordinal::clm: cheese.json. Run in this folder: Rscript cheese.R
suppressMessages({library(ordinal); library(jsonlite)})
counts <- rbind(c(0, 0, 1, 7, 8, 8, 19, 8, 1), c(6, 9, 12, 11, 7, 6, 1, 0, 0), c(1, 1, 6, 8, 23, 7, 5, 1, 0), c(0, 0, 0, 1, 3, 7, 14, 16, 11))
d <- data.frame(additive = factor(rep(1:4, 9), levels = c(4, 1, 2, 3)), taste = factor(rep(1:9, each = 4)), n = as.vector(counts))
fit <- clm(taste ~ additive, data = d[d$n > 0, ], weights = n, control = clm.control(gradTol = 1e-12, maxIter = 200L))
write_json(list(engine = list(R = R.version.string, ordinal = as.character(packageVersion("ordinal"))), counts = counts,
  theta = unname(fit$alpha), beta = unname(fit$beta), se = unname(sqrt(diag(vcov(fit)))), log_likelihood = as.numeric(logLik(fit))),
  "cheese.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
