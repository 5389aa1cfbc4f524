# Where the peers differ from this library and from one another, in one number each: what the page `guide::differences` states and no other reference holds.
# Run from the repository's root: Rscript tests/references/differences/differences.R
source("tests/references/common.R")
suppressPackageStartupMessages({ library(mmrm); library(lme4); library(nlme) })
tight <- function(method = "Satterthwaite", ...) mmrm_control(method = method, optimizer = "nlminb", optimizer_control = list(rel.tol = 1e-15, x.tol = 1e-15, eval.max = 5000, iter.max = 5000), ...)
full <- FEV1 ~ RACE + SEX + ARMCD * AVISIT + us(AVISIT | USUBJID)
d <- read_fev()

# Kenward and Roger's method on two visits of ten patients: the referee is the paired t test.
sleep <- read.csv("tests/references/data/sleep.csv")
sleep$group <- factor(sleep$group)
sleep$ID <- factor(sleep$ID)
sleep_se <- sapply(c("Satterthwaite", "Kenward-Roger", "Kenward-Roger-Linear"), function(m) {
  fit <- mmrm(extra ~ group + us(group | ID), sleep, control = if (m == "Satterthwaite") tight() else tight("Kenward-Roger", vcov = m))
  summary(fit)$coefficients["group2", "Std. Error"]
})

# The degrees of freedom of one hypothesis, arm by visit in fev_data, in several bases.
fit <- mmrm(full, d, control = tight())
interaction <- grep("ARMCDTRT:", names(coef(fit)))
rows <- matrix(0, 3, length(coef(fit)))
rows[cbind(1:3, interaction)] <- 1
span <- function(b) b %*% rows
orthonormal <- function(m) t(qr.Q(qr(t(m))))
cells <- cbind(-1, diag(3)) # visit k - visit 1, as differences of the four visits' arm contrasts
to_basis <- function(basis) basis %*% t(cells) %*% solve(cells %*% t(cells)) # basis in visits -> in rows
bases <- list(first = diag(3), orthonormal = to_basis(orthonormal(cells)), first_three_from_mean = to_basis(diag(4)[1:3, ] - 1 / 4),
  last_three_from_mean = to_basis(diag(4)[2:4, ] - 1 / 4))
df_of <- lapply(bases, function(b) { t <- df_md(fit, span(b)); list(f = t$f_stat, denom_df = t$denom_df) })
anova_of <- function(fit) as.list(setNames(mmrm:::Anova.mmrm(fit, type = "III")["ARMCD:AVISIT", c("F", "Res.Df")], c("f", "denom_df"))) # what car::Anova calls
df_of$anova_iii <- anova_of(fit)
df_of$anova_iii_default_optimiser <- anova_of(mmrm(full, d))

# An unbounded likelihood: the first 50 rows of fev_data.
head50 <- droplevels(read.csv("data-samples/fev/fev.csv", stringsAsFactors = TRUE)[1:50, ])
head50$AVISIT <- factor(head50$AVISIT, levels = paste0("VIS", 1:4))
head50$ARMCD <- factor(head50$ARMCD, levels = c("PBO", "TRT"))
short <- mmrm(full, head50)
unbounded <- list(convergence = short$opt_details$convergence, smallest_df = min(summary(short)$coefficients[, "df"]),
  smallest_eigenvalue = min(eigen(cov2cor(VarCorr(short)))$values))

# Two visits never seen together: the covariance of VIS3 and VIS4 where no patient has both.
apart <- d
odd <- as.integer(apart$USUBJID) %% 2 == 1
apart$FEV1[(odd & apart$AVISIT == "VIS3") | (!odd & apart$AVISIT == "VIS4")] <- NA
never <- mmrm(full, apart)
never <- list(convergence = never$opt_details$convergence, covariance = VarCorr(never)[3, 4], correlation = cov2cor(VarCorr(never))[3, 4])

# The order of visits: labels that sort otherwise than the schedule, under an autoregression.
named <- d
labels <- c("week 2", "week 4", "week 8", "week 12")
ar1 <- function(levels) {
  named$AVISIT <- factor(labels[d$visit_number], levels = levels)
  fit <- mmrm(FEV1 ~ RACE + SEX + ARMCD * AVISIT + ar1(AVISIT | USUBJID), named)
  list(levels = levels, minus_two_log_lik = -2 * as.numeric(logLik(fit)), correlation = cov2cor(VarCorr(fit))[1, 2])
}
order_of_visits <- list(schedule = ar1(labels), alphabet = ar1(sort(labels)))

# Predictions: what the column of standard errors holds.
gap <- d[is.na(d$FEV1), ][1:3, ] # with one row mmrm 0.3.18 stops; the first of three is taken
x <- model.matrix(~ RACE + SEX + ARMCD * AVISIT, d)[which(is.na(d$FEV1))[1], names(coef(fit)), drop = FALSE]
set.seed(1)
one <- function(interval, conditional) predict(fit, newdata = gap, se.fit = TRUE, interval = interval, level = 0.95, conditional = conditional, nsim = 1000)[1, ]
confidence <- one("confidence", FALSE)
prediction <- sapply(1:5, function(k) one("prediction", TRUE)[["se"]])
predicted <- list(patient = as.character(gap$USUBJID[1]), visit = as.character(gap$AVISIT[1]), variance_of_mean = as.numeric(x %*% vcov(fit) %*% t(x)),
  confidence = as.list(confidence), prediction_se_five_times = prediction)

# What information criteria count: one model, compound symmetry by REML, three programs.
complete <- d[!is.na(d$FEV1), ]
a <- mmrm(FEV1 ~ RACE + SEX + ARMCD * AVISIT + cs(AVISIT | USUBJID), d)
b <- lmer(FEV1 ~ RACE + SEX + ARMCD * AVISIT + (1 | USUBJID), complete)
g <- gls(FEV1 ~ RACE + SEX + ARMCD * AVISIT, complete, correlation = corCompSymm(form = ~ 1 | USUBJID))
criteria <- lapply(list(mmrm = a, lme4 = b, nlme = g), function(f) list(log_lik = as.numeric(logLik(f)), aic = AIC(f), bic = BIC(f)))

# The covariance of the coefficients of gls under maximum likelihood.
ml <- gls(FEV1 ~ RACE + SEX + ARMCD * AVISIT, complete, correlation = corCompSymm(form = ~ 1 | USUBJID), method = "ML")
m <- mmrm(FEV1 ~ RACE + SEX + ARMCD * AVISIT + cs(AVISIT | USUBJID), d, reml = FALSE)
gls_ml <- list(ratio_of_variances = mean(diag(vcov(ml))[names(coef(m))] / diag(vcov(m))), n = nrow(complete), p = length(coef(m)))

write_reference(list(software = engine("mmrm", "TMB", "lme4", "nlme"), sleep_se = as.list(sleep_se), paired_t_se = sd(with(sleep, extra[group == 2] - extra[group == 1])) / sqrt(10),
  interaction = df_of, unbounded = unbounded, never_together = never, order_of_visits = order_of_visits, prediction = predicted, criteria = criteria, gls_ml = gls_ml),
  "tests/references/differences/differences.json")
