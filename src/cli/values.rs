//! Parsers of the values of flags. Clap adds the flag's name to an error.

use std::time::Duration;

use regex::Regex;
use vpc_flow_operator::api::spec::REGION;
use vpc_flow_operator::plan::is_label;

/// The text, if it is valid.
fn checked(text: &str, is_valid: bool, must_be: &str) -> Result<String, String> {
    if is_valid { Ok(text.to_owned()) } else { Err(format!("must be {must_be}")) }
}

/// Longest name of a cluster: the ownership tag also contains a namespace and a name, and a tag value has at most 256 characters.
const CLUSTER_NAME_CHARS: usize = 100;

/// The name of a cluster, which is part of every ownership tag.
pub fn cluster_name(text: &str) -> Result<String, String> {
    let valid = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let is_name = (1..=CLUSTER_NAME_CHARS).contains(&text.len()) && text.chars().all(valid);
    checked(text, is_name, &format!("1 to {CLUSTER_NAME_CHARS} letters, digits, `-`, `_` or `.`"))
}

/// A namespace. An empty name would stand for all namespaces.
pub fn namespace(text: &str) -> Result<String, String> {
    checked(text, is_label(text), "1 to 63 lower-case letters, digits or `-`")
}

/// As `spec.region`.
pub fn region(text: &str) -> Result<String, String> {
    let is_region = Regex::new(REGION).is_ok_and(|region| region.is_match(text));
    checked(text, is_region, "the code of a region, such as eu-west-1")
}

/// Account and resource of an ARN of IAM, which has no region. The resource is of that kind, and has a name.
fn iam<'a>(text: &'a str, kind: &str) -> Option<(&'a str, &'a str)> {
    match text.split(':').collect::<Vec<_>>()[..] {
        ["arn", partition, "iam", "", account, resource]
            if partition.starts_with("aws") && resource.starts_with(kind) && !resource.ends_with('/') =>
        {
            Some((account, resource))
        }
        _ => None,
    }
}

/// The ARN of one resource of IAM, without wildcards.
fn exact_iam(text: &str, kind: &str) -> Result<String, String> {
    let is_account = |account: &str| account == "aws" || is_account(account);
    let is_exact = |(account, resource): (&str, &str)| is_account(account) && !resource.contains(['*', '?']);
    let must_be = format!("an ARN such as arn:aws:iam::111122223333:{kind}NAME");
    checked(text, iam(text, kind).is_some_and(is_exact), &must_be)
}

/// ARNs of roles: one, or a pattern.
pub fn role_pattern(text: &str) -> Result<String, String> {
    let is_pattern = iam(text, "role/").is_some_and(|(account, _)| !account.is_empty());
    checked(text, is_pattern, "an ARN such as arn:aws:iam::111122223333:role/NAME, or a pattern of such")
}

/// The ARN of a role.
pub fn role_arn(text: &str) -> Result<String, String> {
    exact_iam(text, "role/")
}

/// The ARN of a managed policy.
pub fn policy_arn(text: &str) -> Result<String, String> {
    exact_iam(text, "policy/")
}

/// Such as `10m`.
pub fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|error| error.to_string())
}

/// An exabyte: more is a slip of the keyboard.
const MOST_GIGABYTES: f64 = 1e9;

/// An amount of records a day.
pub fn gigabytes(text: &str) -> Result<f64, String> {
    let is_amount = |amount: &f64| (0.0..=MOST_GIGABYTES).contains(amount);
    text.parse().ok().filter(is_amount).ok_or_else(|| "must be a number of gigabytes, such as 10".to_owned())
}

/// The interval of a resync. Less than a second is of no use.
pub fn resync(text: &str) -> Result<Duration, String> {
    let resync = duration(text)?;
    if resync < Duration::from_secs(1) { Err("must be at least 1s".to_owned()) } else { Ok(resync) }
}

/// The number of an AWS account.
pub fn account(text: &str) -> Result<String, String> {
    checked(text, is_account(text), "12 digits")
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.chars().all(|c| c.is_ascii_digit())
}

/// A pattern for resources that monitors name themselves.
pub fn also(text: &str) -> Result<String, String> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let is_name = |name: &str| !name.is_empty() && !name.contains(':');
    let is_known = match parts[..] {
        ["arn", partition, service, _, _, resource] if partition.starts_with("aws") => match service {
            "s3" | "sns" => is_name(resource),
            "logs" => resource.strip_prefix("log-group:").is_some_and(|name| is_name(name.trim_end_matches(":*"))),
            "glue" => resource.strip_prefix("database/").is_some_and(is_name),
            _ => false,
        },
        _ => false,
    };
    checked(text, is_known, "the ARN pattern of a bucket, a log group, a Glue database or a topic")
}

/// A subdomain of RFC 1123.
pub fn service_account(text: &str) -> Result<String, String> {
    checked(text, text.len() <= 253 && text.split('.').all(is_label), "the name of a ServiceAccount")
}

/// As STS has it.
pub fn external_id(text: &str) -> Result<String, String> {
    let valid = |c: char| c.is_ascii_alphanumeric() || "_+=,.@:/-".contains(c);
    let is_id = (2..=1224).contains(&text.len()) && text.chars().all(valid);
    checked(text, is_id, "2 to 1,224 letters, digits or _+=,.@:/-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_region_is_one_and_nothing_else() {
        for right in ["eu-west-1", "ap-southeast-7", "us-gov-east-1", "il-central-1", "us-iso-east-1", "eusc-de-east-1"]
        {
            assert!(region(right).is_ok(), "{right}");
        }
        for wrong in [
            "",
            "eu",
            "eu-west",
            "EU-WEST-1",
            "eu west-1",
            "eu-west-1a",
            "eu--1",
            "*",
            "eu-west-1,us-east-1",
            "eu-west-+1",
            "eu-west-100",
            "europe-west-1",
        ] {
            assert!(region(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_arn_is_of_its_kind_and_has_a_name() {
        assert!(role_arn("arn:aws:iam::123456789012:role/path/r").is_ok());
        for pattern in ["arn:aws-cn:iam::*:role/path/flow-*", "arn:aws:iam::123456789012:role/*"] {
            assert!(role_pattern(pattern).is_ok() && role_arn(pattern).is_err(), "{pattern}");
        }
        for wrong in
            ["", "r", "arn:aws:iam::123456789012:role/", "arn:aws:iam::123456789012:user/u", "arn:aws:s3:::role/r"]
        {
            assert!(role_arn(wrong).is_err() && role_pattern(wrong).is_err(), "{wrong}");
        }
        assert!(policy_arn("arn:aws:iam::aws:policy/PowerUserAccess").is_ok());
        for wrong in
            ["arn:aws:iam::123456789012:role/r", "arn:aws:iam::*:policy/p", "arn:aws:iam::123456789012:policy/*"]
        {
            assert!(policy_arn(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_what_monitors_can_name_is_added_to_a_policy() {
        let log_group = "arn:aws:logs:eu-west-1:123456789012:log-group:/flows";
        let database = "arn:aws:glue:*:123456789012:database/flows";
        for right in ["arn:aws:s3:::central-*", log_group, database, "arn:aws:sns:eu-west-1:123456789012:alerts"] {
            assert!(also(right).is_ok(), "{right}");
        }
        for wrong in [
            "",
            "arn:aws:s3:::",
            "arn:aws:sns",
            "arn:aws:sns:eu-west-1:123456789012:",
            "arn:*:s3:::x",
            "arn:aws:sqs:::x",
        ] {
            assert!(also(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn ids_and_names_are_what_their_owners_take() {
        assert!(external_id("x1").is_ok() && external_id("x").is_err() && external_id("a b").is_err());
        assert!(account("123456789012").is_ok() && account("1234").is_err());
        assert!(namespace("vpc-flow-system").is_ok() && namespace("").is_err() && namespace("A").is_err());
        assert!(service_account("operator.v2").is_ok() && service_account("*").is_err());
        assert!(cluster_name("prod_1.eu").is_ok() && cluster_name("a/b").is_err());
        assert_eq!((gigabytes("10"), gigabytes("0.5")), (Ok(10.0), Ok(0.5)));
        for wrong in ["10GB", "-1", "many", "inf", "nan", "1e12", ""] {
            assert_eq!(gigabytes(wrong), Err("must be a number of gigabytes, such as 10".to_owned()), "{wrong}");
        }
        assert!(resync("1s").is_ok() && resync("999ms").is_err() && resync("soon").is_err());
    }
}
