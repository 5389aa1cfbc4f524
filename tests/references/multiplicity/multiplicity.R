# Adjusted p-values of graphical procedures by graphicalMCP, and of Holm's and Hochberg's by stats::p.adjust. The first
# argument is a directory with the R files of graphicalMCP (openpharma, version 0.2.8), which needs base R alone for this. Run
# from the repository's root: Rscript tests/references/multiplicity/multiplicity.R PATH/TO/graphicalMCP/R
source("tests/references/common.R")
peer <- commandArgs(TRUE)[1]
for (file in c("graph_create", "graph_update", "graph_generate_weights", "test_values", "adjust_p", "adjust_weights", "graph_test_shortcut", "example_graphs", "test_power_input_val"))
  source(file.path(peer, paste0(file, ".R")))

decided <- function(id, weights, transitions, p, alpha) {
  found <- graph_test_shortcut(graph_create(weights, transitions), p, alpha)
  list(id = id, weights = weights, transitions = named_rows(transitions), p = p, alpha = alpha, adjusted = unname(found$outputs$adjusted_p),
    rejected = unname(found$outputs$rejected))
}

set.seed(20260101)
random_graph <- function(k) {
  n <- sample(2:6, 1)
  weights <- rexp(n); weights <- round(weights / sum(weights), 3); weights[n] <- 1 - sum(weights[-n])
  if (runif(1) < 0.4) { weights[sample(n, 1)] <- 0; weights <- weights / max(1, sum(weights)) }
  transitions <- matrix(rexp(n * n), n); diag(transitions) <- 0
  transitions[matrix(runif(n * n) < 0.3, n)] <- 0
  sums <- rowSums(transitions)
  transitions <- transitions / ifelse(sums > 0, sums, 1) * sample(c(1, 0.8), n, TRUE)
  decided(paste("random", k), weights, transitions, round(runif(n)^3, 6), sample(c(0.025, 0.05, 0.1), 1))
}

# Figure 1 of Bretz et al. (2011), with the p-values of the example of the package.
bretz <- rbind(c(0, 0, 1, 0), c(0, 0, 0, 1), c(0, 1, 0, 0), c(1, 0, 0, 0))
# Two doses and two endpoints, each dose passing half to the other.
doses <- rbind(c(0, 0.5, 0.5, 0), c(0.5, 0, 0, 0.5), c(0, 1, 0, 0), c(1, 0, 0, 0))
p <- c(0.01, 0.04, 0.03, 0.005, 0.2)
write_reference(list(
  software = engine("stats"), peer = "graphicalMCP 0.2.8",
  graphs = c(
    list(decided("bretz 2011 figure 1", c(0.5, 0.5, 0, 0), bretz, c(0.018, 0.01, 0.105, 0.006), 0.025),
      decided("two doses", c(0.5, 0.5, 0, 0), doses, c(0.01, 0.04, 0.02, 0.9), 0.05)),
    lapply(1:40, random_graph)
  ),
  adjusted = list(p = p, holm = p.adjust(p, "holm"), hochberg = p.adjust(p, "hochberg"), bonferroni = p.adjust(p, "bonferroni")),
  weighted_holm = { w <- c(0.5, 0.3, 0.2); q <- c(0.02, 0.01, 0.03)
    t <- outer(seq_along(w), seq_along(w), function(i, j) ifelse(i == j, 0, w[j] / (1 - w[i])))
    found <- graph_test_shortcut(graph_create(w, t), q, 0.05)
    list(weights = w, p = q, adjusted = unname(found$outputs$adjusted_p)) }
), "tests/references/multiplicity/multiplicity.json")
