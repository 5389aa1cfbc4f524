# The same data by the writers of R: haven in every release that it writes. Run after make.py.
suppressMessages({ library(haven) })
file <- function(name) file.path(dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE))), name)
cat(R.version.string, "haven", as.character(packageVersion("haven")), "\n")

stata <- read.csv(file("stata.csv"))
stata$arm <- labelled(as.integer(stata$arm == "active"), c(placebo = 0L, active = 1L), label = "Treatment")
hamd <- as.double(stata$hamd)
hamd[is.na(hamd)] <- tagged_na("b")
stata$hamd <- labelled(hamd, c("did not attend" = tagged_na("b")), label = "Hamilton depression score")
for (version in c(8, 10, 12, 13, 14)) write_dta(stata, file(sprintf("stata-v%d.dta", version)), version = version)

adam <- read.csv(file("adam.csv"), colClasses = c(SITEID = "character"))
adam$ADT <- as.Date(adam$ADT)
attr(adam$AVAL, "label") <- "Analysis Value"
names(adam)[names(adam) == "SITEID"] <- "SiteOfTheInvestigator"
write_xpt(adam, file("haven8.xpt"), version = 8, name = "adfev")
names(adam)[names(adam) == "SiteOfTheInvestigator"] <- "SITEID"
suppressWarnings(write_sas(adam, file("adam.sas7bdat")))

spss <- read.csv(file("spss.csv"), encoding = "UTF-8")
arm <- c(wachtlijst = 0, therapie = 1)
visits <- c(nameting = 0, voormeting = 1, "follow-up 6 maanden" = 2)
levels <- c(laag = 1, midden = 2, hoog = 3)
spss$arm <- labelled(unname(arm[spss$arm]), arm)
spss$meting <- labelled(unname(visits[spss$meting]), visits)
spss$opleiding <- labelled(unname(levels[spss$opleiding]), levels)
spss$datum <- as.Date(spss$datum)
bdi <- ifelse(is.na(spss$bdi), 999, spss$bdi)
spss$bdi <- labelled_spss(bdi, c("niet ingevuld" = 999), na_values = 999, label = "BDI-II totaal")
write_sav(spss, file("haven.sav"), compress = "none")
