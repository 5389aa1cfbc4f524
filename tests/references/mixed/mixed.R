# Random effects of clusters: every model of this folder, by the peers that have it and by the likelihood written out (dense.R), which has them all.
# The script stops where two of them disagree.
# Run from the repository's root: Rscript tests/references/mixed/mixed.R [data set ...]
source("tests/references/common.R")
source("tests/references/mixed/dense.R")
source("tests/references/mixed/peers.R")

# --- the data --------------------------------------------------------------------------------------------------------------------------------
in_order <- function(x) factor(x, levels = unique(x))
read_mixed <- function(name, visits, arm, arms, ...) {
  d <- read.csv(file.path("tests/references/mixed", paste0(name, ".csv")), na.strings = "")
  d$visit <- factor(d$visit, levels = visits)
  d$place <- as.integer(d$visit)
  d$patient <- in_order(d$patient)
  for (a in arm) d[[a]] <- factor(d[[a]], levels = arms)
  for (f in c(...)) d[[f]] <- factor(d[[f]])
  d
}
# Peers want a code for everyone: the unclustered become clusters of one, whose effects are multiplied by zero.
singletons <- function(group, patient) factor(ifelse(is.na(group), as.character(patient), as.character(group)))

nested3 <- read_mixed("nested3", paste("month", c(1, 3, 6, 12)), c("arm_group", "arm_patient"), c("control", "active"), "group")
crossed <- read_mixed("crossed", 1:6, "arm", c("control", "active"), "site", "therapist")
crossed$pair <- interaction(crossed$site, crossed$therapist, sep = ":", drop = TRUE)
partially <- read_mixed("partially_nested", paste("week", c(4, 8, 16, 24)), "arm", c("control", "GST"), "group", "therapist")
partially$cluster <- singletons(partially$group, partially$patient)
partially$arm_visit <- interaction(partially$arm, partially$visit)
balanced <- read_mixed("balanced", 1:3, "arm", c("control", "active"), "group")
no_variance <- read_mixed("no_group_variance", 1:3, "arm", c("control", "active"), "group")
small <- read_mixed("small_clusters", 1:3, "arm", c("control", "active"), "group")
read_imrs <- function() {
  file <- read.csv("data-samples/imrs_gst/imrs_gst.csv", na.strings = c("", "?"))
  file$caps5 <- rowSums(file[sprintf("caps5_%02d", 1:20)])
  first <- file[file$visit == "baseline", ]
  d <- file[file$visit != "baseline" & !is.na(file$caps5), c("patient", "arm", "visit", "site", "therapist", "therapy_group", "caps5")]
  d$baseline <- first$caps5[match(d$patient, first$patient)]
  d$arm <- factor(d$arm, levels = c("ImRs", "ImRs+GST"))
  d$visit <- factor(d$visit, levels = paste(c(3, 6, 9, 12), "months"))
  d$place <- as.integer(d$visit)
  d$patient <- in_order(d$patient)
  for (f in c("site", "therapist", "therapy_group")) d[[f]] <- factor(d[[f]])
  d$gst <- as.numeric(!is.na(d$therapy_group))
  d$cluster <- singletons(d$therapy_group, d$patient)
  d
}
imrs <- read_imrs()

# --- models ----------------------------------------------------------------------------------------------------------------------------------
# A random term: its factor, what multiplies its effects, and the name of the factor in the peer's call.
term <- function(factor, effects = ~1, correlated = TRUE, peer = factor, name = factor) list(factor = factor, effects = effects, correlated = correlated, peer = peer, name = name)

in_data <- function(t, d) {
  E <- model.matrix(t$effects, d)
  c(t[c("correlated", "peer", "name")], list(factor = droplevels(d[[t$factor]]), effects = E))
}

spread_of <- function(fit, d, T, by) {
  S <- function(rows) { v <- var(residuals(fit)[rows]); v * (0.4 + 0.6 * diag(T)) }
  if (is.null(by)) list(all = S(TRUE)) else lapply(split(seq_len(nrow(d)), by), S)
}

# The formula of trialstats: the mean, the random terms, the covariance within patients.
with_covariance <- function(formula, covariance, by) {
  if (covariance == "independent" && is.null(by)) formula else paste0(formula, " + ", covariance, "(visit | ", if (is.null(by)) "" else paste(by, "/ "), "patient)")
}

off <- function(a, b, scale) max(abs(a - b) / scale)

# One model. `peers`: functions of (d, reml, terms, parts) that return what the peers of peers.R return.
one_case <- function(id, data, d, fixed, formula, terms, covariance = "independent", by = NULL, visits = NULL, reml = TRUE, contrasts, tests, peers = list(), peer_tolerance = 2e-7) {
  outcome <- all.vars(fixed)[1]
  d <- droplevels(d[!is.na(d[[outcome]]), ])
  X <- model.matrix(fixed, d)
  terms <- lapply(terms, in_data, d)
  T <- nlevels(d$visit)
  by_arm <- if (!is.null(by)) d[[by]]
  residual <- list(subject = d$patient, visit = as.integer(d$visit), T = T, structure = covariance, by = by_arm)
  parts <- parts_of(d, residual, terms, spread_of(lm(fixed, d), d, T, by_arm))
  fit <- dense(d[[outcome]], X, parts, reml)
  contrasts <- lapply(contrasts, function(names) as.numeric(colnames(X) %in% names))
  tests <- lapply(tests, function(names) diag(ncol(X))[match(names, colnames(X)), , drop = FALSE])
  observed <- inference_of(fit, fit$observed, contrasts, tests)
  expected <- inference_of(fit, fit$expected, contrasts, tests)
  se <- sqrt(diag(fit$phi))
  sizes <- vapply(parts, function(s) length(s$start), 1L)
  both <- function(o, e, keep = TRUE) {
    row <- list(estimate = o$estimate, se = o$se, df = o$df, df_expected = e$df)
    if (reml) c(row, list(kr_se = o$kr_se, kr_df = o$kr_df, kr_se_expected = e$kr_se, kr_df_expected = e$kr_df)) else row
  }
  at <- function(rows, i) lapply(rows, function(x) x[[i]])
  out <- list(
    id = id, data = data, formula = with_covariance(formula, covariance, by), covariance = covariance, visits = visits, reml = reml, software = engine("Matrix", "numDeriv"),
    n_obs = nrow(d), n_patients = nlevels(d$patient), log_lik = fit$log_lik, decrement = fit$decrement,
    parameters = data.frame(term = rep(vapply(parts, `[[`, "", "term"), sizes), group = rep(vapply(parts, function(s) as.character(s$group), ""), sizes), name = unlist(lapply(parts, `[[`, "names")),
      estimate = unname(fit$theta), se = observed$theta_se, se_expected = expected$theta_se),
    coefficients = lapply(seq_along(se), function(i) c(list(term = colnames(X)[i]), both(at(observed$coefficients, i), at(expected$coefficients, i)))),
    vcov = named_rows(fit$phi),
    contrasts = lapply(names(contrasts), function(n) c(list(label = n, l = contrasts[[n]]), both(observed$contrasts[[n]], expected$contrasts[[n]]))),
    tests = lapply(names(tests), function(n) list(label = n, l = named_rows(tests[[n]]), observed = observed$tests[[n]][-1], expected = expected$tests[[n]][-1])),
    random_effects = lapply(seq_along(terms), function(j) {
      part <- parts[[length(parts) - length(terms) + j]]
      b <- blups(fit, part)
      k <- ncol(terms[[j]]$effects)
      data.frame(factor = terms[[j]]$name, level = rep(levels(terms[[j]]$factor), k), effect = rep(colnames(terms[[j]]$effects), each = nlevels(terms[[j]]$factor)), blup = b[, 1], conditional_sd = b[, 2], se = b[, 3])
    })
  )
  out$peers <- lapply(peers, function(peer) {
    found <- peer(d, reml, terms, parts)
    differences <- c(log_lik = abs(as.numeric(found$log_lik) - fit$log_lik), estimate = off(found$beta[colnames(X)], fit$beta, se), se = off(sqrt(diag(found$vcov))[match(colnames(X), names(found$beta))], se, se),
      theta = off(found$theta, fit$theta, observed$theta_se))
    result <- list(engine = found$engine, call = found$call, log_lik = as.numeric(found$log_lik), decrement = found$decrement, estimate = unname(found$beta[colnames(X)]),
      se = unname(sqrt(diag(found$vcov)))[match(colnames(X), names(found$beta))], theta = unname(found$theta))
    if (grepl("lme4", found$engine)) {
      df <- df_of_lme4(found$fit, reml, contrasts, tests)
      own <- c(observed$coefficients$df, vapply(observed$contrasts, `[[`, 1, "df"))
      differences["lmertest_df"] <- off(df$lmertest_df, own, own)
      if (reml) {
        own <- c(expected$coefficients$kr_df, vapply(expected$contrasts, `[[`, 1, "kr_df"))
        differences["pbkrtest_df"] <- off(df$pbkrtest_df, own, own)
      }
      # Tests: F and denominator df of lmerTest, and of pbkrtest by way of it.
      far <- function(theirs, ours) max(mapply(function(t, o) max(abs(t$f / o$f - 1), abs(t$denom_df / o$denom_df - 1)), theirs, ours))
      differences["lmertest_test"] <- far(df$lmertest_tests, lapply(observed$tests, `[[`, "satterthwaite"))
      if (reml) differences["pbkrtest_test"] <- far(df$pbkrtest_tests, lapply(expected$tests, `[[`, "kenward_roger"))
      r <- as.data.frame(ranef(found$fit, condVar = TRUE))
      ours <- do.call(rbind, out$random_effects)
      for (t in terms) {
        mine <- ours[ours$factor == t$name, ]
        theirs <- r[sub("\\.[0-9]+$", "", as.character(r$grpvar)) == t$peer, ]
        pairs <- match(paste(mine$level, mine$effect), paste(theirs$grp, sub("^gst$", colnames(t$effects)[1], as.character(theirs$term))))
        stopifnot(!anyNA(pairs))
        s <- max(mine$conditional_sd)
        differences["blup"] <- max(differences["blup"], off(theirs$condval[pairs], mine$blup, s), off(theirs$condsd[pairs], mine$conditional_sd, s), na.rm = TRUE)
      }
      result <- c(result, df)
    }
    result$differences <- as.list(differences)
    message(id, ": ", found$engine, ": ", paste(names(differences), signif(differences, 2), collapse = ", "))
    limit <- c(log_lik = 1e-9, estimate = peer_tolerance, se = peer_tolerance, theta = peer_tolerance, lmertest_df = 1e-6, lmertest_test = 1e-5, pbkrtest_df = peer_tolerance, pbkrtest_test = peer_tolerance, blup = 10 * peer_tolerance)
    stopifnot(differences < limit[names(differences)])
    result
  })
  message(id, ": logLik ", format(fit$log_lik, digits = 12), ", theta ", paste(signif(fit$theta, 4), collapse = " "))
  out
}

# --- calls of the peers --------------------------------------------------------------------------------------------------------------------------
lme4_with <- function(formula) function(d, reml, terms, parts) with_lme4(formula, d, reml, terms)

# The parameters of a structure from the whole Sigma.
of_sigma <- list(
  us = function(S) S[triangle(nrow(S))], cs = function(S) c(S[2, 1], S[1, 1] - S[2, 1]), ar1 = function(S) c(S[1, 1], S[2, 1] / S[1, 1]),
  csh = function(S) c(diag(S), S[2, 1] / sqrt(S[1, 1] * S[2, 2])), ar1h = function(S) c(diag(S), S[2, 1] / sqrt(S[1, 1] * S[2, 2]))
)
lme_with <- function(fixed, covariance, cluster, effects = ~1) function(d, reml, terms, parts) {
  by_patient <- as.formula(paste("~ place |", if (cluster != "patient") paste(cluster, "/"), "patient"))
  correlation <- switch(covariance, us = corSymm(form = by_patient), cs = , csh = corCompSymm(form = by_patient), ar1 = , ar1h = corAR1(form = by_patient))
  weights <- if (covariance %in% c("us", "csh", "ar1h")) varIdent(form = ~ 1 | visit)
  random <- as.formula(paste(deparse1(effects), "|", cluster))
  found <- with_lme(fixed, d, reml, random, correlation, weights, function(fit) {
    G <- unclass(getVarCov(fit)); c(of_sigma[[covariance]](sigma_of_lme(fit, levels(d$visit))), G[triangle(nrow(G))])
  })
  found$call <- paste0("lme(", deparse1(fixed), ", random = ", deparse1(random), ", correlation = ", covariance, ")")
  found
}
# The random terms of `formula` in its order; the first one (or, by arm, the first ones) within patients, with `residual` on its diagonal.
glmmtmb_with <- function(formula, covariance, residual, groups = 1) function(d, reml, terms, parts) {
  found <- with_glmmtmb(formula, d, reml, function(report) {
    matrices <- Map(function(s, r) { r <- as.matrix(r); outer(s, s) * if (nrow(r) == length(s)) r else diag(length(s)) }, report$sd, report$corr)
    within <- lapply(matrices[seq_len(groups)], function(S) of_sigma[[covariance]](S + residual * diag(nrow(S))))
    c(unlist(within), unlist(lapply(matrices[-seq_len(groups)], function(G) G[triangle(nrow(G))])))
  }, residual)
  found$call <- paste0("glmmTMB(", deparse1(formula), "), residual variance fixed at ", residual)
  found
}

# --- the cases -----------------------------------------------------------------------------------------------------------------------------------
arm_tests <- function(arm, visits) {
  interaction <- paste0(arm, ":", visits)
  list(contrasts = setNames(list(c(arm, tail(interaction, 1))), "treatment at the last visit"), tests = list(`treatment by visit` = interaction, `treatment at any visit` = c(arm, interaction)))
}
slope_tests <- function(arm, time) list(contrasts = setNames(list(paste0(arm, ":", time)), "treatment on the slope"), tests = list(`treatment` = c(arm, paste0(arm, ":", time))))

cases_of <- list()
cases_of$nested3 <- function() {
  months <- paste0("visitmonth ", c(3, 6, 12))
  by_group <- arm_tests("arm_groupactive", months); by_patient <- arm_tests("arm_patientactive", months)
  in_time <- slope_tests("arm_patientactive", "months")
  go <- function(id, ...) one_case(paste0("nested3_", id), "nested3", nested3, ...)
  case <- function(id, mean, random, terms, ..., on) go(id, as.formula(mean), paste(mean, "+", random), terms, ..., contrasts = on$contrasts, tests = on$tests)
  group <- "y_group ~ severity + arm_group * visit"; patient <- "y_patient ~ severity + arm_patient * visit"; slope <- "y_patient ~ severity + arm_patient * months"
  both <- list(term("group"), term("patient"))
  peer <- function(mean, random) list(lme4_with(as.formula(paste(mean, "+", random))))
  within <- function(covariance, ...) list(lme_with(as.formula(patient), covariance, "group"), ...)
  tmb <- function(covariance, name = covariance) glmmtmb_with(as.formula(paste0(patient, " + ", name, "(visit + 0 | patient) + (1 | group)")), covariance, 2)
  list(
    case("group_reml", group, "(1 | group) + (1 | patient)", both, peers = peer(group, "(1 | group) + (1 | patient)"), on = by_group),
    case("group_ml", group, "(1 | group) + (1 | patient)", both, reml = FALSE, peers = peer(group, "(1 | group) + (1 | patient)"), on = by_group),
    case("patient_reml", patient, "(1 | group) + (1 | patient)", both, peers = peer(patient, "(1 | group) + (1 | patient)"), on = by_patient),
    case("growth_reml", slope, "(1 | group) + (1 + months | patient)", list(term("group"), term("patient", ~months)), peers = peer(slope, "(1 | group) + (1 + months | patient)"), on = in_time),
    case("growth_ml", slope, "(1 | group) + (1 + months | patient)", list(term("group"), term("patient", ~months)), reml = FALSE, peers = peer(slope, "(1 | group) + (1 + months | patient)"), on = in_time),
    case("slopes_reml", slope, "(1 + months | group) + (1 + months | patient)", list(term("group", ~months), term("patient", ~months)),
      peers = peer(slope, "(1 + months | group) + (1 + months | patient)"), on = in_time),
    case("slopes_independent_reml", slope, "(1 + months || group) + (1 + months || patient)", list(term("group", ~months, FALSE), term("patient", ~months, FALSE)),
      peers = peer(slope, "(1 + months || group) + (1 + months || patient)"), on = in_time),
    case("us_reml", patient, "(1 | group)", list(term("group")), "us", peers = within("us", tmb("us")), on = by_patient),
    case("us_ml", patient, "(1 | group)", list(term("group")), "us", reml = FALSE, peers = within("us", tmb("us")), on = by_patient),
    case("us_by_group_reml", group, "(1 | group)", list(term("group")), "us", peers = list(lme_with(as.formula(group), "us", "group")), on = by_group),
    case("cs_reml", patient, "(1 | group)", list(term("group")), "cs", peers = within("cs"), on = by_patient),
    case("csh_reml", patient, "(1 | group)", list(term("group")), "csh", peers = within("csh"), on = by_patient),
    case("ar1_reml", patient, "(1 | group)", list(term("group")), "ar1", peers = within("ar1"), on = by_patient),
    case("ar1h_reml", patient, "(1 | group)", list(term("group")), "ar1h", peers = within("ar1h"), on = by_patient),
    case("ar1h_ml", patient, "(1 | group)", list(term("group")), "ar1h", reml = FALSE, peers = within("ar1h"), on = by_patient),
    case("ar1_slope_reml", slope, "(1 + months | group)", list(term("group", ~months)), "ar1", peers = list(lme_with(as.formula(slope), "ar1", "group", ~ 1 + months)), on = in_time),
    case("us_by_arm_reml", patient, "(1 | group)", list(term("group")), "us", by = "arm_patient", on = by_patient,
      peers = list(glmmtmb_with(y_patient ~ severity + arm_patient * visit + us(visit:I(as.numeric(arm_patient == "control")) + 0 | patient) + us(visit:I(as.numeric(arm_patient == "active")) + 0 | patient) + (1 | group), "us", 2, groups = 2)))
  )
}
cases_of$crossed <- function() {
  on <- slope_tests("armactive", "days")
  mean <- "y ~ arm * days"
  case <- function(id, random, terms, ...) one_case(paste0("crossed_", id), "crossed", crossed, as.formula(mean), paste(mean, "+", random), terms, ..., contrasts = on$contrasts, tests = on$tests)
  peer <- function(random) list(lme4_with(as.formula(paste(mean, "+", random))))
  three <- list(term("therapist"), term("site"))
  list(
    case("intercepts_reml", "(1 | therapist) + (1 | site) + (1 | patient)", c(three, list(term("patient"))), peers = peer("(1 | therapist) + (1 | site) + (1 | patient)")),
    case("intercepts_ml", "(1 | therapist) + (1 | site) + (1 | patient)", c(three, list(term("patient"))), reml = FALSE, peers = peer("(1 | therapist) + (1 | site) + (1 | patient)")),
    case("growth_reml", "(1 | therapist) + (1 | site) + (1 + days | patient)", c(three, list(term("patient", ~days))), peers = peer("(1 | therapist) + (1 | site) + (1 + days | patient)")),
    case("pairs_reml", "(1 | therapist) + (1 | site) + (1 | site:therapist) + (1 | patient)", c(three, list(term("pair", name = "site:therapist"), term("patient"))),
      peers = peer("(1 | therapist) + (1 | site) + (1 | pair) + (1 | patient)")),
    case("ar1_reml", "(1 | therapist) + (1 | site)", three, "ar1"),
    case("us_reml", "(1 | therapist) + (1 | site)", three, "us",
      peers = list(glmmtmb_with(y ~ arm * days + us(visit + 0 | patient) + (1 | therapist) + (1 | site), "us", 1)))
  )
}
# Slopes of patients on irregular days beside a covariance that is more than independence: what lme is known for.
cases_of$slopes <- function() {
  on <- slope_tests("armactive", "days")
  mean <- y ~ arm * days
  case <- function(id, terms, formula, ...) one_case(paste0("slopes_", id), "crossed", crossed, mean, formula, terms, ..., contrasts = on$contrasts, tests = on$tests)
  patients <- term("patient", ~days)
  by_arm <- function(d, reml, terms, parts) {
    found <- with_lme(mean, d, reml, ~ days | patient, NULL, varIdent(form = ~ 1 | arm), function(fit) {
      ratio <- coef(fit$modelStruct$varStruct, unconstrained = FALSE, allCoef = TRUE)[levels(d$arm)]
      c((fit$sigma * ratio)^2, getVarCov(fit)[triangle(2)])
    })
    found$call <- "lme(y ~ arm * days, random = ~ days | patient, weights = varIdent(form = ~ 1 | arm))"
    found
  }
  list(
    case("ar1_reml", list(patients), "y ~ arm * days + (1 + days | patient)", "ar1", peers = list(lme_with(mean, "ar1", "patient", ~days))),
    case("by_arm_reml", list(patients), "y ~ arm * days + (1 + days | patient)", by = "arm", peers = list(by_arm)),
    case("by_arm_therapists_reml", list(patients, term("therapist")), "y ~ arm * days + (1 + days | patient) + (1 | therapist)", by = "arm")
  )
}
cases_of$partially_nested <- function() {
  on <- arm_tests("armGST", paste0("visitweek ", c(8, 16, 24)))
  mean <- "y ~ baseline + arm * visit"
  case <- function(id, random, terms, ...) one_case(paste0("partially_nested_", id), "partially_nested", partially, as.formula(mean), paste(mean, "+", random), terms, ..., contrasts = on$contrasts, tests = on$tests)
  groups <- term("group", ~ 0 + gst, peer = "cluster")
  two <- list(term("therapist"), groups)
  tmb <- list(glmmtmb_with(y ~ baseline + arm * visit + us(visit + 0 | patient) + (1 | therapist) + (0 + gst | cluster), "us", 3))
  random <- "(1 | therapist) + (0 + gst | group)"
  one_visit <- droplevels(partially[partially$visit == "week 16", ])
  candlish <- function(id, by, weights) one_case(paste0("partially_nested_", id), "partially_nested", one_visit, y ~ baseline + arm, "y ~ baseline + arm + (0 + gst | group)", list(groups), "us", by = by, visits = I("week 16"),
    contrasts = list(treatment = "armGST"), tests = list(treatment = "armGST"), peers = list(function(d, reml, terms, parts) {
      found <- with_lme(y ~ baseline + arm, d, reml, ~ 0 + gst | cluster, NULL, weights, function(fit) {
        ratio <- if (is.null(weights)) 1 else coef(fit$modelStruct$varStruct, unconstrained = FALSE, allCoef = TRUE)[levels(d$arm)]
        c((fit$sigma * ratio)^2, getVarCov(fit)[1, 1])
      })
      found$call <- paste0("lme(y ~ baseline + arm, random = ~ 0 + gst | cluster", if (is.null(weights)) ")" else ", weights = varIdent(form = ~ 1 | arm))")
      found
    }))
  list(
    case("us_reml", random, two, "us", peers = tmb),
    case("us_ml", random, two, "us", reml = FALSE, peers = tmb),
    case("us_groups_reml", "(0 + gst | group)", list(groups), "us",
      peers = list(lme_with(as.formula(mean), "us", "cluster", ~ 0 + gst), glmmtmb_with(y ~ baseline + arm * visit + us(visit + 0 | patient) + (0 + gst | cluster), "us", 3))),
    case("us_by_arm_reml", random, two, "us", by = "arm",
      peers = list(glmmtmb_with(y ~ baseline + arm * visit + us(visit:I(1 - gst) + 0 | patient) + us(visit:gst + 0 | patient) + (1 | therapist) + (0 + gst | cluster), "us", 3, groups = 2))),
    case("ar1h_by_arm_reml", random, two, "ar1h", by = "arm"),
    case("intercepts_reml", "(1 | therapist) + (0 + gst | group) + (1 | patient)", c(two, list(term("patient"))), peers = list(lme4_with(y ~ baseline + arm * visit + (1 | therapist) + (0 + gst | cluster) + (1 | patient)))),
    candlish("one_visit_reml", NULL, NULL),
    candlish("one_visit_by_arm_reml", "arm", varIdent(form = ~ 1 | arm))
  )
}
cases_of$imrs_gst <- function() {
  on <- arm_tests("armImRs+GST", paste0("visit", c(6, 9, 12), " months"))
  mean <- "caps5 ~ baseline + site + arm * visit"
  case <- function(id, random, terms, ...) one_case(paste0("imrs_gst_", id), "imrs_gst", imrs, as.formula(mean), paste(mean, "+", random), terms, ..., contrasts = on$contrasts, tests = on$tests)
  groups <- term("therapy_group", ~ 0 + gst, peer = "cluster")
  two <- list(term("therapist"), groups)
  random <- "(1 | therapist) + (1 | therapy_group)"
  list(
    case("us_reml", random, two, "us", peers = list(glmmtmb_with(caps5 ~ baseline + site + arm * visit + us(visit + 0 | patient) + (1 | therapist) + (0 + gst | cluster), "us", 3))),
    case("us_by_arm_reml", random, two, "us", by = "arm",
      peers = list(glmmtmb_with(caps5 ~ baseline + site + arm * visit + us(visit:I(1 - gst) + 0 | patient) + us(visit:gst + 0 | patient) + (1 | therapist) + (0 + gst | cluster), "us", 3, groups = 2))),
    case("us_groups_reml", "(1 | therapy_group)", list(groups), "us", peers = list(lme_with(as.formula(mean), "us", "cluster", ~ 0 + gst))),
    case("intercepts_reml", "(1 | therapist) + (1 | therapy_group) + (1 | patient)", c(two, list(term("patient"))),
      peers = list(lme4_with(caps5 ~ baseline + site + arm * visit + (1 | therapist) + (0 + gst | cluster) + (1 | patient))))
  )
}
cases_of$balanced <- function() {
  on <- arm_tests("armactive", paste0("visit", 2:3))
  case <- function(id, random, terms, ...) one_case(paste0("balanced_", id), "balanced", balanced, y ~ arm * visit, paste("y ~ arm * visit +", random), terms, ..., contrasts = on$contrasts, tests = on$tests)
  list(
    case("intercepts_reml", "(1 | group) + (1 | patient)", list(term("group"), term("patient")), peers = list(lme4_with(y ~ arm * visit + (1 | group) + (1 | patient)))),
    case("us_reml", "(1 | group)", list(term("group")), "us", peers = list(lme_with(y ~ arm * visit, "us", "group"))),
    case("us_twice_reml", "(0 + visit | group)", list(term("group", ~ 0 + visit)), "us", peers = list(glmmtmb_with(y ~ arm * visit + us(visit + 0 | patient) + us(visit + 0 | group), "us", 1)))
  )
}
cases_of$small_clusters <- function() {
  on <- arm_tests("armactive", paste0("visit", 2:3))
  case <- function(id, random, terms, ...) one_case(paste0("small_clusters_", id), "small_clusters", small, y ~ arm * visit, paste("y ~ arm * visit +", random), terms, ..., contrasts = on$contrasts, tests = on$tests)
  list(
    case("intercepts_reml", "(1 | group) + (1 | patient)", list(term("group"), term("patient")), peers = list(lme4_with(y ~ arm * visit + (1 | group) + (1 | patient)))),
    case("us_reml", "(1 | group)", list(term("group")), "us", peers = list(lme_with(y ~ arm * visit, "us", "group")))
  )
}
# The variance of the groups is estimated as zero: the results are those of the model without it. That the likelihood falls from there is checked by its
# derivative at zero; lme4 says so itself.
cases_of$no_group_variance <- function() {
  on <- arm_tests("armactive", paste0("visit", 2:3))
  case <- function(id, random, terms, ...) {
    out <- one_case(paste0("no_group_variance_", id), "no_group_variance", no_variance, y ~ arm * visit, paste0("y ~ arm * visit", random), terms, ..., contrasts = on$contrasts, tests = on$tests)
    d <- no_variance
    theta <- out$parameters$estimate
    covariance <- out$covariance
    parts <- parts_of(d, list(subject = d$patient, visit = d$place, T = 3, structure = covariance), c(list(in_data(term("group"), d)), lapply(terms, in_data, d)), spread_of(lm(y ~ arm * visit, d), d, 3, NULL))
    X <- model.matrix(y ~ arm * visit, d)
    k <- if (covariance == "us") 7 else 2
    slope <- slope_at(d$y, X, parts, append(theta, 0, k - 1), k)
    stopifnot(slope > 0)
    with <- lme4::lmer(y ~ arm * visit + (1 | group) + (1 | patient), d, control = tight)
    out$zero <- list(factor = "group", formula = with_covariance(paste0("y ~ arm * visit + (1 | group)", random), covariance, NULL), slope_of_deviance_at_zero = slope, lme4_estimate = VarCorr(with)$group[1, 1])
    stopifnot(out$zero$lme4_estimate == 0)
    out
  }
  list(
    case("intercepts_reml", " + (1 | patient)", list(term("patient")), peers = list(lme4_with(y ~ arm * visit + (1 | patient)))),
    case("us_reml", "", list(), "us")
  )
}
# The derivative of -2 log-likelihood (REML) in parameter k, by its formula.
slope_at <- function(y, X, parts, theta, k) {
  owner <- rep(seq_along(parts), vapply(parts, function(s) length(s$start), 1L))
  t <- split(theta, owner)
  V <- as.matrix(Reduce(`+`, Map(function(s, x) s$spread(s$sigma(x)), parts, t)))
  D <- do.call(c, Map(function(s, x) lapply(s$slopes(x), s$spread), parts, t))[[k]]
  W <- solve(V)
  P <- W - W %*% X %*% solve(t(X) %*% W %*% X, t(X) %*% W)
  sum(P * D) - drop(t(P %*% y) %*% D %*% (P %*% y))
}

for (name in if (length(commandArgs(TRUE))) commandArgs(TRUE) else names(cases_of)) write_reference(cases_of[[name]](), file.path("tests/references/mixed", paste0(name, ".json")))
