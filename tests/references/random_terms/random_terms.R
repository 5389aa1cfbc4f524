# Random effects as lme4 takes them from a formula: levels, names of effects and what multiplies them, observation by observation.
# Run in this folder: Rscript random_terms.R. Needs lme4 and jsonlite. The data are invented, by arithmetic alone.
suppressMessages(library(lme4))

data <- expand.grid(month = c(0, 3, 6), patient = 1:24)
data$id <- sprintf("p%02d", data$patient)
data$arm <- ifelse(data$patient %% 2 == 0, "tau", "gst")
data$site <- c("north", "south", "west")[1 + data$patient %% 3]
data$therapist <- paste0("t", 1 + (data$patient %/% 3) %% 4)
# A patient in four changes therapist after the first visit.
data$therapist[data$patient %% 4 == 1 & data$month > 0] <- "t2"
data$gst <- as.numeric(data$arm == "gst")
data$days <- 30 * data$month + (7 * data$patient + data$month) %% 11
data$y <- round(20 + 3 * sin(data$patient) + cos(data$days), 3)
data$y[(5 * data$patient + data$month) %% 13 == 0] <- NA
columns <- c("id", "arm", "site", "month", "therapist", "gst", "days", "y")
write.csv(data[columns], "random_terms.csv", row.names = FALSE, quote = FALSE, na = "")

data <- data[!is.na(data$y), ]
data$arm <- factor(data$arm, levels = c("tau", "gst"))
formulas <- c(
  "(1 | therapist)", "(0 + gst | therapist)", "(days | id)", "(1 + days | id) + (1 | therapist)",
  "(0 + arm | therapist)", "(arm | site)", "(1 | site/therapist)", "(0 + days:arm | therapist)",
  "(arm * days | site)", "(0 + arm * days | site)", "(1 | id) + (0 + days | id)", "(1 | site:arm)"
)

term <- function(re, i) {
  k <- length(re$cnms[[i]])
  f <- re$flist[[attr(re$flist, "assign")[i]]]
  first <- re$Gp[i]
  z <- t(sapply(seq_along(f), function(row) as.numeric(re$Zt[first + k * (as.integer(f)[row] - 1) + seq_len(k), row])))
  if (k == 1) z <- t(z)
  list(factor = names(re$cnms)[i], effects = as.list(re$cnms[[i]]), levels = as.list(levels(f)), level = as.character(f), z = z)
}

results <- lapply(formulas, function(text) {
  control <- lmerControl(check.nobs.vs.nRE = "ignore", check.nobs.vs.nlev = "ignore", check.scaleX = "ignore")
  re <- lFormula(as.formula(paste("y ~ arm +", text)), data, control = control)$reTrms
  list(formula = text, terms = lapply(seq_along(re$cnms), function(i) term(re, i)))
})

engine <- paste("R", getRversion(), "lme4", packageVersion("lme4"))
rows <- list(id = data$id, month = data$month)
jsonlite::write_json(list(engine = engine, rows = rows, cases = results), "random_terms.json", auto_unbox = TRUE, digits = NA)
