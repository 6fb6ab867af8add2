//! The next step for a person, for each rule; `docs/rules.md` has the same words.

use super::Rule;

impl Rule {
    /// The step that a person should take.
    #[must_use]
    pub const fn action(self) -> &'static str {
        match self {
            Self::HighDataTransfer => {
                "find the program on the source that sends the data; isolate the source if nothing explains it"
            }
            Self::LargeEgress => "find the program on the source that sends the data, and the owner of the destination",
            Self::SensitivePortAccepted => {
                "close the port in the security group and look for logins from the source; if it is yours, add it to trustedCidrs"
            }
            Self::PortScan => "if the source is inside, examine it first; if it is outside, block it",
            Self::HostSweep => {
                "examine the source; if it is monitoring or a load balancer, raise minHosts above its targets"
            }
            Self::RejectedTcp => "check if the source is yours; if it is, add the missing rule of the security group",
            Self::SensitivePortRejected => "nothing, unless the number grows",
            Self::UnusualProtocol => {
                "find the program that uses the protocol; add it to expectedProtocols if it is yours"
            }
            Self::SkippedRecords => "nothing; do not rely on the numbers of this interface for this time",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = include_str!("../../../docs/rules.md");

    /// The row of a rule in the table of `docs/rules.md`, without the marks of code.
    fn row(rule: Rule) -> Vec<String> {
        let start = format!("| [`{rule}`](#{}) |", rule.name().to_ascii_lowercase());
        let line = PAGE.lines().find(|line| line.starts_with(&start)).unwrap_or_else(|| panic!("no row of {rule}"));
        line.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', "")).collect()
    }

    #[test]
    fn the_page_has_the_same_words_and_severities() {
        for rule in Rule::ALL {
            let row = row(rule);
            assert_eq!((row[1].as_str(), row[5].as_str()), (rule.severity().to_string().as_str(), rule.action()));
        }
    }

    #[test]
    fn every_rule_has_a_section_to_link_to() {
        for rule in Rule::ALL {
            assert!(PAGE.contains(&format!("\n### {rule}\n")), "{rule}");
        }
    }
}
