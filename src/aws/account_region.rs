use std::fmt::Display;

/// Account and region of a monitor's resources. Every ARN is computed from it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AccountRegion {
    /// `aws`, `aws-cn`, `aws-us-gov` …
    pub partition: String,
    /// The 12-digit account id.
    pub account: String,
    /// The region.
    pub region: String,
}

impl AccountRegion {
    /// `arn:{partition}:{service}:{region}:{account}:{resource}`
    #[must_use]
    pub fn arn(&self, service: &str, resource: impl Display) -> String {
        format!("arn:{}:{service}:{}:{}:{resource}", self.partition, self.region, self.account)
    }

    /// ARN of a resource that belongs to the account but to no region, as IAM's and dashboards' do.
    #[must_use]
    pub fn global_arn(&self, service: &str, resource: impl Display) -> String {
        format!("arn:{}:{service}::{}:{resource}", self.partition, self.account)
    }

    /// ARN of a bucket, or of keys in it: S3's ARNs have neither region nor account.
    #[must_use]
    pub fn s3_arn(&self, resource: impl Display) -> String {
        format!("arn:{}:s3:::{resource}", self.partition)
    }

    /// Host of the AWS console in this partition.
    #[must_use]
    pub fn console_host(&self) -> String {
        match self.partition.as_str() {
            "aws-cn" => "console.amazonaws.cn".into(),
            "aws-us-gov" => "console.amazonaws-us-gov.com".into(),
            _ => format!("{}.console.aws.amazon.com", self.region),
        }
    }
}

/// The parts of an ARN that the operator needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arn<'a> {
    /// `aws`, `aws-cn` …
    pub partition: &'a str,
    /// The region; empty for global resources.
    pub region: &'a str,
    /// The account; empty for buckets.
    pub account: &'a str,
    /// All that follows.
    pub resource: &'a str,
}

impl<'a> Arn<'a> {
    /// Splits an ARN; `None` if the text is not one.
    #[must_use]
    pub fn parse(arn: &'a str) -> Option<Self> {
        let mut parts = arn.splitn(6, ':');
        let (Some("arn"), Some(partition), Some(_service)) = (parts.next(), parts.next(), parts.next()) else {
            return None;
        };
        Some(Self { partition, region: parts.next()?, account: parts.next()?, resource: parts.next()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account_region() -> AccountRegion {
        AccountRegion { partition: "aws-cn".into(), account: "123456789012".into(), region: "cn-north-1".into() }
    }

    #[test]
    fn arns_carry_the_partition() {
        assert_eq!(account_region().arn("sns", "topic"), "arn:aws-cn:sns:cn-north-1:123456789012:topic");
        assert_eq!(account_region().global_arn("iam", "role/a"), "arn:aws-cn:iam::123456789012:role/a");
        assert_eq!(account_region().s3_arn("bucket/*"), "arn:aws-cn:s3:::bucket/*");
    }

    #[test]
    fn an_arn_is_split() {
        let arn = Arn::parse("arn:aws:logs:eu-west-1:123456789012:log-group:/a:b:*").unwrap();
        assert_eq!((arn.region, arn.account, arn.resource), ("eu-west-1", "123456789012", "log-group:/a:b:*"));
        assert_eq!(Arn::parse("vpc-1"), None);
    }
}
