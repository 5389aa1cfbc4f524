# rbmi's conditional mean imputation with the jackknife: its R code for data, intercurrent events, strategies, imputation, ANCOVA and pooling as it
# is, with its fit of the mixed model replaced by one that goes to the top of the restricted likelihood (mmrm stops some 1e-6 before it, and each of
# the jackknife's fits stops elsewhere). rbmi is fetched and never committed: https://github.com/insightsengineering/rbmi, Apache License 2.0.
#   git clone https://github.com/insightsengineering/rbmi && Rscript tests/references/imputation/rbmi.R rbmi        (from the repository's root)
# With FIT=mmrm nothing is replaced: rbmi itself, which fits by the installed mmrm.
#   FIT=mmrm OUT=tests/references/imputation/rbmi_mmrm.json Rscript tests/references/imputation/rbmi.R rbmi
source("tests/references/common.R")
suppressPackageStartupMessages({ library(R6); library(assertthat); library(Matrix) })
folder <- commandArgs(trailingOnly = TRUE)[1]
for (file in list.files(file.path(folder, "R"), "[.]R$", full.names = TRUE)) if (!grepl("zzz|rbmi[.]R$", file)) source(file)

# --- REML of an unstructured covariance from sums by pattern of visits, by Newton's method in the log-Cholesky factor ---------------------------
fit_unstructured <- function(x, y, visit, id) {
  x <- as.matrix(x); p <- ncol(x); visits <- levels(visit); T <- length(visits)
  t <- as.integer(visit)
  rows <- split(seq_along(y), factor(id, unique(id)))
  pattern <- vapply(rows, function(r) paste(sort(t[r]), collapse = " "), "")
  sums <- lapply(split(rows, pattern), function(members) {
    o <- sort(t[members[[1]]])
    at <- vapply(members, function(r) r[order(t[r])], integer(length(o)))
    at <- matrix(at, nrow = length(o))
    z <- lapply(seq_along(o), function(a) cbind(x[at[a, ], , drop = FALSE], y[at[a, ]]))
    list(o = o, n = ncol(at), s = lapply(seq_along(o), function(a) lapply(seq_along(o), function(b) crossprod(z[[a]], z[[b]]))))
  })
  lower <- which(lower.tri(diag(T), TRUE))
  sigma_of <- function(theta) { l <- matrix(0, T, T); l[lower] <- theta; diag(l) <- exp(diag(l)); l %*% t(l) }
  solved <- function(theta) {
    sigma <- sigma_of(theta); m <- matrix(0, p + 1, p + 1); logdet <- 0
    for (u in sums) {
      root <- chol(sigma[u$o, u$o, drop = FALSE]); w <- chol2inv(root)
      logdet <- logdet + 2 * u$n * sum(log(diag(root)))
      for (a in seq_along(u$o)) for (b in seq_along(u$o)) m <- m + w[a, b] * u$s[[a]][[b]]
    }
    xx <- m[1:p, 1:p]; xy <- m[1:p, p + 1]; root <- chol(xx)
    beta <- backsolve(root, backsolve(root, xy, transpose = TRUE))
    list(beta = beta, sigma = sigma, phi = chol2inv(root), value = logdet + 2 * sum(log(diag(root))) + m[p + 1, p + 1] - sum(xy * beta))
  }
  value <- function(theta) solved(theta)$value
  # d(-2l)/dSigma of a pattern is n W - W (R + H) W: R of the residuals' products, H of what the estimation of the mean adds.
  slope <- function(theta) {
    at <- solved(theta); contrast <- c(-at$beta, 1); g <- matrix(0, T, T)
    for (u in sums) {
      w <- chol2inv(chol(at$sigma[u$o, u$o, drop = FALSE])); k <- length(u$o); r <- matrix(0, k, k)
      for (a in 1:k) for (b in 1:k) { m <- u$s[[a]][[b]]; r[a, b] <- sum(contrast * (m %*% contrast)) + sum(at$phi * m[1:p, 1:p]) }
      g[u$o, u$o] <- g[u$o, u$o] + u$n * w - w %*% r %*% w
    }
    l <- matrix(0, T, T); l[lower] <- theta; diag(l) <- exp(diag(l))
    d <- (g + t(g)) %*% l; diag(d) <- diag(d) * diag(l)
    d[lower]
  }
  # The first fit finds its way; those of the jackknife begin there, with its curvature.
  if (is.null(memory$theta) || length(memory$theta) != length(lower)) {
    residuals <- y - x %*% qr.coef(qr(x), y)
    wide <- matrix(NA, length(rows), T); for (i in seq_along(rows)) wide[i, t[rows[[i]]]] <- residuals[rows[[i]]]
    l <- t(chol(as.matrix(Matrix::nearPD(cov(wide, use = "pairwise.complete.obs"))$mat))); diag(l) <- log(diag(l))
    theta <- nlminb(l[lower], value, slope, control = list(rel.tol = 1e-14, x.tol = 1e-12, iter.max = 500, eval.max = 500))$par
    memory$hessian <- optimHess(theta, value, slope); memory$theta <- theta
  }
  theta <- memory$theta
  for (k in 1:60) { g <- slope(theta); step <- solve(memory$hessian, g); theta <- theta - step; if (sum(g * step) < 1e-20) break }
  stopifnot(sum(g * step) < 1e-16)
  c(solved(theta), list(theta = theta))
}
memory <- new.env()

fit_by_newton <- function(designmat, outcome, subjid, visit, group, cov_struct, REML = TRUE, same_cov = TRUE) {
  stopifnot(REML, same_cov, cov_struct == "us")
  group <- factor(group)
  fit <- fit_unstructured(designmat, outcome, factor(visit), as.character(subjid))
  of_groups <- function(value) stats::setNames(rep(list(value), nlevels(group)), levels(group))
  structure(list(beta = unname(fit$beta), sigma = of_groups(unname(fit$sigma)), theta = of_groups(fit$theta), failed = FALSE), cov_param_names = c("sigma", "theta"))
}

by_mmrm <- Sys.getenv("FIT") == "mmrm"
if (by_mmrm) suppressPackageStartupMessages(library(mmrm)) else fit_mmrm <- fit_by_newton

# --- the analyses -----------------------------------------------------------------------------------------------------------------------------
analysed <- function(data, ice, vars, references, at_analysis) {
  # Samples are independent of the strategy unless values after the event are there.
  drawn <- draws(data = data, data_ice = ice, vars = vars, method = method_condmean(type = "jackknife", covariance = "us"), quiet = TRUE)
  imputed <- impute(drawn, references = references)
  pool(analyse(imputed, ancova, vars = at_analysis), conf.level = 0.95)$pars
}

# A run may be parted: CASES="antidepressant" does those whose names begin so.
wanted <- function(name) { only <- Sys.getenv("CASES"); only == "" || startsWith(name, only) }

case <- function(name, data, ice, vars, references, covariates, visits) {
  if (!wanted(name)) return(NULL)
  pars <- analysed(data, ice, vars, references, set_vars(outcome = vars$outcome, visit = vars$visit, subjid = vars$subjid, group = vars$group, covariates = covariates))
  of <- function(what, field) vapply(visits, function(v) pars[[paste0(what, "_", v)]][[field]], 0)
  message(name, " ", format(Sys.time()))
  list(case = name, visit = visits, estimate = unname(of("trt", "est")), se = unname(of("trt", "se")), mean_reference = unname(of("lsm_ref", "est")),
    mean_reference_se = unname(of("lsm_ref", "se")), mean_alternative = unname(of("lsm_alt", "est")), mean_alternative_se = unname(of("lsm_alt", "se")))
}

fresh <- function() rm(list = ls(memory), envir = memory)

dropout <- function(data, vars, strategy) {
  last <- tapply(seq_len(nrow(data)), data[[vars$subjid]], function(r) { seen <- which(!is.na(data[[vars$outcome]][r])); if (length(seen)) max(seen) else 0 })
  visits <- levels(data[[vars$visit]]); gone <- last[last < length(visits)]
  ice <- data.frame(id = factor(names(gone), levels(data[[vars$subjid]])), visit = visits[gone + 1], strategy = rep_len(strategy, length(gone)))
  stats::setNames(ice, c(vars$subjid, vars$visit, vars$strategy))
}

grid <- function(d, keep) {
  patients <- unique(d[c("PATIENT", "THERAPY", keep)])
  whole <- merge(patients, data.frame(VISIT = factor(levels(d$VISIT), levels(d$VISIT))))
  whole <- merge(whole, d[c("PATIENT", "VISIT", "CHANGE")], all.x = TRUE)
  whole[order(whole$PATIENT, whole$VISIT), ]
}

d <- read_antidepressant()
d$THERAPY <- factor(d$THERAPY, levels = c("DRUG", "PLACEBO"))
data <- grid(d, "BASVAL")
vars <- set_vars(outcome = "CHANGE", visit = "VISIT", subjid = "PATIENT", group = "THERAPY", covariates = c("BASVAL*VISIT", "THERAPY*VISIT"))
references <- c(DRUG = "PLACEBO", PLACEBO = "PLACEBO")
strategies <- c(MAR = "mar", JR = "jump-to-reference", CR = "copy-reference", CIR = "copy-increments", LMCF = "last-mean-carried-forward")
cases <- list()
fresh()
for (s in names(strategies)) cases <- c(cases, list(case(paste("antidepressant", strategies[[s]]), data, dropout(data, vars, s), vars, references, "BASVAL", levels(d$VISIT))))

# Events with values observed after them, which rbmi keeps in the data, regresses on, and keeps from the fit unless the strategy is MAR.
position <- as.integer(data$PATIENT) - 1
stopped <- unique(data.frame(PATIENT = data$PATIENT, VISIT = ifelse(position %% 7 == 3, "6", ifelse(position %% 10 == 5, "5", NA))))
stopped <- stopped[!is.na(stopped$VISIT), ]
for (s in c("JR", "CIR")) {
  fresh()
  ice <- transform(stopped, strategy = s)
  cases <- c(cases, list(case(paste("events", strategies[[s]]), data, ice, vars, references, "BASVAL", levels(d$VISIT))))
}
fresh()
mixed <- transform(stopped, strategy = ifelse(VISIT == "6", "MAR", "CR"))
cases <- c(cases, list(case("events mixed", data, mixed, vars, references, "BASVAL", levels(d$VISIT))))

# The synthetic sample: CAPS-5 after treatment by the arm, the value before it and the site.
g <- read.csv("data-samples/imrs_gst/imrs_gst.csv", stringsAsFactors = FALSE)
g$CHANGE <- rowSums(g[sprintf("caps5_%02d", 1:20)])
g$PATIENT <- factor(g$patient, unique(g$patient)); g$THERAPY <- factor(g$arm, c("ImRs", "ImRs+GST"))
base <- g$CHANGE[g$visit == "baseline"][match(levels(g$PATIENT), g$patient[g$visit == "baseline"])]
g$BASE <- base[as.integer(g$PATIENT)]; g$SITE <- factor(g$site)
known <- levels(g$PATIENT)[!is.na(base)]
stopifnot(length(known) == nlevels(g$PATIENT))
after <- g[g$visit != "baseline", ]
after$VISIT <- factor(after$visit, c("3 months", "6 months", "9 months", "12 months"))
patients <- unique(g[c("PATIENT", "THERAPY", "BASE", "SITE")])
whole <- merge(patients, data.frame(VISIT = factor(levels(after$VISIT), levels(after$VISIT))))
whole <- merge(whole, after[c("PATIENT", "VISIT", "CHANGE")], all.x = TRUE)
whole <- whole[order(whole$PATIENT, whole$VISIT), ]
vars <- set_vars(outcome = "CHANGE", visit = "VISIT", subjid = "PATIENT", group = "THERAPY", covariates = c("BASE*VISIT", "THERAPY*VISIT", "SITE"))
references <- c("ImRs" = "ImRs", "ImRs+GST" = "ImRs")
fresh()
gone <- dropout(whole, vars, "MAR")
for (s in names(strategies)) {
  # LMCF is not defined by rbmi for a patient without any value after treatment.
  ice <- dropout(whole, vars, s)
  if (s == "LMCF") ice$strategy[ice$VISIT == "3 months"] <- "MAR"
  cases <- c(cases, list(case(paste("imrs_gst", strategies[[s]]), whole, ice, vars, references, c("BASE", "SITE"), levels(after$VISIT))))
}

write_reference(list(software = engine(c("Matrix", "R6", if (by_mmrm) c("mmrm", "TMB"))), rbmi = as.character(read.dcf(file.path(folder, "DESCRIPTION"), "Version")), cases = Filter(Negate(is.null), cases)),
  Sys.getenv("OUT", "tests/references/imputation/rbmi.json"))
