//! What each interface calls the settings that messages advise.

use super::Interface;

/// One line per setting: its names in Rust, on the command line and in a plan file.
macro_rules! settings {
    ($($setting:ident = $library:literal, $command_line:literal, $plan:literal;)+) => {
        /// A setting that a message may name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Setting {
            $(#[doc = $library] $setting),+
        }

        impl Setting {
            #[cfg(test)]
            pub(crate) const ALL: &'static [Setting] = &[$(Setting::$setting),+];

            /// What `interface` calls the setting.
            pub(crate) fn named(self, interface: Interface) -> &'static str {
                match (self, interface) {
                    $((Setting::$setting, Interface::Library) => $library,
                    (Setting::$setting, Interface::CommandLine) => $command_line,
                    (Setting::$setting, Interface::Plan) => $plan,)+
                }
            }
        }
    };
}

settings! {
    Layout = "`Plan::layout`", "the table `[layout]` to the plan", "the table `[layout]`";
    Visits = "`Layout::visits`", "`--visits`", "`layout.visits`";
    VisitTimes = "`Layout::visits_at`", "`--visit-times`", "a `time` for each of `layout.visits`";
    VisitColumn = "`Layout::long`", "`--visit`", "`layout.visit`";
    BaselineVisit = "`Layout::baseline_visit`", "`--baseline-visit`", "`layout.baseline-visit`";
    BaselineCovariate = "`BaselineFrom::Covariate`", "`--effect-baseline`", "`baseline-from`";
    Arms = "`Layout::arms`", "`--levels`", "`layout.arms`";
    MissingCode = "`Layout::missing_code`", "`--missing`", "`layout.missing-values`";
    DecimalMark = "`Layout::decimal_mark`", "`--decimal`", "`layout.decimal-mark`";
    Sheet = "`Layout::sheet`", "`--sheet`", "`layout.sheet`";
    Delimiter = "`Layout::delimiter`", "`--separator`", "`layout.delimiter`";
    LongColumns = "`outcome`, `covariate_as`, `cluster_by_visit` or `instrument` of `Layout`",
        "`--formula`, `--outcome` or `--cluster-by-visit`", "one `column` of `layout.outcomes`, `layout.covariates` or `layout.clusters`";
    WideColumns = "`wide_outcome`, `wide_covariate`, `wide_cluster` or `wide_instrument` of `Layout`",
        "`--wide-outcome`, `--wide-covariate`, `--wide-cluster` or `--item-visits`", "`columns` by visit";
    CovariateByVisit = "`Layout::covariate_as`", "`--kind COLUMN=numeric-by-visit` or `--kind COLUMN=factor-by-visit`", "`kind = \"numeric-by-visit\"` or `kind = \"factor-by-visit\"`";
    Factor = "`Layout::factor` or `CovariateKind::Factor`", "`--factor`", "`kind = \"factor\"`";
    CovariateKind = "`Layout::covariate_as` or `Layout::factor`", "`--kind`", "`kind` in `layout.covariates`";
    Levels = "`Layout::levels`", "`--levels`", "`levels` in `layout.covariates`";
    Cluster = "`Layout::cluster`", "`--cluster`", "`layout.clusters`";
    ClusterByVisit = "`Layout::cluster_by_visit`", "`--cluster-by-visit`", "`kind = \"by-visit\"` in `layout.clusters`";
    Range = "`OutcomeColumn::range`", "`--range`", "`range` in `layout.outcomes`";
    PartOf = "`Layout::part_of` and a protocol", "`Layout::part_of` of the library", "`Layout::part_of` of the library";
    Arm = "`Layout::long`", "`--arm`", "`layout.arm`";
    Paramcd = "`Layout::paramcd`", "`Layout::paramcd` of the library", "`layout.paramcd`";
    KeepRows = "`Layout::keep_rows`", "`Layout::keep_rows` of the library", "`layout.keep-rows`";
    KeepPatients = "`Layout::keep_patients`", "`Layout::keep_patients` of the library", "`layout.keep-patients`";
    TrialProtocol = "`Trial::protocol`", "`Trial::protocol` of the library", "`Trial::protocol` of the library";
    RandomIntercept = "`Model::random_intercept`", "`(1 | group)` in `--formula`", "`(1 | group)` in `model.formula`";
    OfOutcome = "`Model::of_outcome`", "`--formula`", "`outcome`";
    ModelBased = "`Vcov::ModelBased`", "`--vcov model-based`", "`vcov = \"model-based\"`";
    Cr2 = "`Vcov::Cr2`", "`--vcov cr2`", "`vcov = \"cr2\"`";
    Satterthwaite = "`Df::Satterthwaite`", "`--df satterthwaite`", "`df = \"satterthwaite\"`";
    KenwardRoger = "`Df::KenwardRoger`", "`--df kenward-roger`", "`df = \"kenward-roger\"`";
    Reml = "`Estimation::Reml`", "`--estimation reml`", "`estimation = \"reml\"`";
    EvaluateWith = "`evaluate_with`", "`evaluate_with` of the library", "`baseline-from`";
    HighestClusters = "`Clusters::Highest`", "the factor of the highest random effects", "`clusters = \"highest\"`";
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Options that are advised are options that exist; tests/suite/kinds/wording.rs asks the program itself.
    #[test]
    fn no_interface_speaks_the_language_of_another() {
        for setting in Setting::ALL {
            let [library, command_line, plan] =
                [Interface::Library, Interface::CommandLine, Interface::Plan].map(|interface| setting.named(interface));
            assert!(!library.contains("--"), "{library}");
            assert!(!command_line.contains("::") || command_line.ends_with("of the library"), "{command_line}");
            assert!(!plan.contains("--") && (!plan.contains("::") || plan.ends_with("of the library")), "{plan}");
        }
    }
}
