//! The command line.

use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use detector::format::LogFormat;
use detector::rules::Severity;
use flow_log_fields::Field;
use ipnet::IpNet;

use crate::rules_file::{self, RulesError};
use crate::settings::Settings;

/// The exit code if everything could be read, whatever was found.
pub const SUCCESS: u8 = 0;
/// The exit code if something could not be read or written, or if there was no record.
pub const FAILURE: u8 = 1;
/// The exit code if `--fail-on` says so. 2 is clap's, for a command line that is wrong.
pub const FOUND: u8 = 3;

const AFTER_HELP: &str = "\
Exit codes: 0 done, whether or not anything was found; 1 something could not be read or written, or there was no
record; 2 wrong command line; 3 something was found that --fail-on names.

Examples:
  aws s3 sync s3://BUCKET/ logs/ --exclude '*' --include '*_vpcflowlogs_*' && flow-log-analyze logs/
  zcat *.log.gz | flow-log-analyze --trusted-cidr 203.0.113.0/24 -o json
  flow-log-analyze --records flows.log.parquet | jq 'select(.action == \"REJECT\")'
  flow-log-analyze --format '${version} ${account-id} ${srcaddr} ${dstaddr} ${bytes}' export/*.gz";

/// Read VPC flow-log records from files, and report anomalies and where the traffic goes
#[derive(Debug, Parser)]
#[command(name = "flow-log-analyze", version, after_help = AFTER_HELP)]
pub struct Args {
    /// Text, log events of CloudWatch Logs, gzip or Parquet, recognized by their content, or a directory of such files. `-` or
    /// no FILE is standard input. All files are one analysis
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// Fields of text without a header line, and of log events: `${version} ${account-id} …` or the names alone. Overrides header
    /// lines
    #[arg(long, value_parser = parse_format)]
    pub format: Option<LogFormat>,

    /// Output format of the analysis
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub output: Output,

    /// Print every record as a line of JSON instead, without analysing anything
    #[arg(long, conflicts_with_all = ["output", "rules", "trusted_cidr", "window", "min_severity", "fail_on", "top", "limit"])]
    pub records: bool,

    /// Settings of the rules, `customRules` and `suppress`: the file of a `VpcFlowMonitor` or of its `spec.detector`, in YAML or JSON, or the latter itself:
    /// `{"highTransferBytes": 100000000, "rules": {"rejectedTcp": {"enabled": false}}}`
    #[arg(long, visible_alias = "monitor", value_name = "FILE|JSON", value_parser = parse_rules)]
    pub rules: Option<Settings>,

    /// A network that is not public, besides the private ones; may be repeated
    #[arg(long, value_name = "CIDR", value_parser = parse_network)]
    pub trusted_cidr: Vec<IpNet>,

    /// Window of time over which scans and sums are counted [default: 5m, or as --rules says]
    #[arg(long, value_name = "DURATION", value_parser = parse_window)]
    pub window: Option<u32>,

    /// Leave out findings of a lower severity
    #[arg(long, value_name = "SEVERITY", ignore_case = true)]
    pub min_severity: Option<Level>,

    /// Exit with code 3 if something of this severity, or a higher one, is found
    #[arg(long, value_name = "SEVERITY", ignore_case = true)]
    pub fail_on: Option<Level>,

    /// Length of the lists of talkers and ports
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    pub top: usize,

    /// Most findings in the table; 0 for all
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    pub limit: usize,
}

/// The output format of the analysis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// Tables for people.
    Text,
    /// One JSON document.
    Json,
    /// The same document as YAML.
    Yaml,
}

/// [`Severity`] on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Level {
    /// Worth knowing.
    Low,
    /// Worth looking at today.
    Medium,
    /// Worth looking at now.
    High,
}

impl From<Level> for Severity {
    fn from(level: Level) -> Self {
        match level {
            Level::Low => Self::Low,
            Level::Medium => Self::Medium,
            Level::High => Self::High,
        }
    }
}

impl Args {
    /// The settings of `--rules`, and the other flags over them.
    pub fn settings(&self) -> Settings {
        let mut settings = self.rules.clone().unwrap_or_default();
        let config = &mut settings.config;
        config.trusted_cidrs.extend(&self.trusted_cidr);
        config.window_seconds = self.window.unwrap_or(config.window_seconds);
        config.min_severity = self.min_severity.map_or(config.min_severity, Severity::from);
        settings
    }
}

fn parse_format(text: &str) -> Result<LogFormat, String> {
    if text.contains(['$', '{', '}']) {
        return text.parse().map_err(|error: detector::format::FormatError| error.to_string());
    }
    let format = LogFormat::from_names(text.split_whitespace()).map_err(|error| error.to_string())?;
    // Otherwise any word would be a format.
    if Field::ALL.iter().any(|field| format.has(*field)) {
        Ok(format)
    } else {
        Err("it names no field of a flow log; write `${version} ${account-id} …`, or the names alone".to_owned())
    }
}

fn parse_rules(text: &str) -> Result<Settings, RulesError> {
    if text.trim_start().starts_with('{') {
        rules_file::read(text)
    } else {
        rules_file::read(&fs::read_to_string(text)?)
    }
}

fn parse_network(text: &str) -> Result<IpNet, String> {
    let network: IpNet = text.parse().map_err(|_| match text.parse::<IpAddr>() {
        Ok(address) => format!("it is an address; write a network, such as {}", IpNet::from(address)),
        Err(_) => "it is not a network in CIDR notation, such as 203.0.113.0/24".to_owned(),
    })?;
    // The CRD refuses it, too: a network that is wider than meant would hide traffic.
    if network.trunc() == network {
        Ok(network)
    } else {
        Err(format!(
            "it has address bits beyond the prefix length; write {} or {}",
            network.trunc(),
            IpNet::from(network.addr())
        ))
    }
}

fn parse_window(text: &str) -> Result<u32, String> {
    let window = text.parse::<humantime::Duration>().map_err(|error| format!("{error}; write `5m`"))?;
    let seconds = Duration::from(window).as_secs();
    u32::try_from(seconds).ok().filter(|seconds| *seconds > 0).ok_or_else(|| "it should be a second or more".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn a_format_with_or_without_dollars() {
        assert_eq!(parse_format("srcaddr pkt_srcaddr new"), parse_format("${srcaddr} ${pkt-srcaddr} ${new}"));
        for bad in ["", "parquet", "${srcaddr} bytes", "srcaddr srcaddr"] {
            assert!(parse_format(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_network_has_no_address_bits() {
        assert!(parse_network("198.51.100.0/24").is_ok());
        let refused = parse_network("198.51.100.7/24").unwrap_err();
        assert!(refused.ends_with("write 198.51.100.0/24 or 198.51.100.7/32"), "{refused}");
        assert!(parse_network("198.51.100.7").is_err() && parse_network("x").is_err());
    }

    #[test]
    fn flags_go_over_the_settings() {
        let rules = r#"{"kind":"VpcFlowMonitor","spec":{"detector":{"windowSeconds":60,"minSeverity":"HIGH"},
            "detections":{"externalConnections":{"trustedCidrs":["203.0.113.0/24"]}}}}"#;
        let config = |flags: &[&str]| {
            Args::parse_from([&["flow-log-analyze", "--rules", rules], flags].concat()).settings().config
        };
        let none = config(&[]);
        assert_eq!((none.window_seconds, none.min_severity, none.trusted_cidrs.len()), (60, Severity::High, 1));
        let config = config(&["--window", "10m", "--min-severity", "low", "--trusted-cidr", "198.51.100.0/24"]);
        assert_eq!((config.window_seconds, config.min_severity, config.trusted_cidrs.len()), (600, Severity::Low, 2));
    }

    #[test]
    fn a_window_is_a_second_at_least() {
        assert_eq!(parse_window("1h"), Ok(3600));
        for bad in ["0s", "999ms", "5", "-1s", "200years"] {
            assert!(parse_window(bad).is_err(), "{bad}");
        }
    }
}
