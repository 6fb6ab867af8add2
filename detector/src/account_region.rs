//! The account and the region in which the function runs.

/// The account and the region, from the ARN of the function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRegion {
    /// `aws`, `aws-cn`, `aws-us-gov` …
    pub partition: String,
    /// The account's id.
    pub account: String,
    /// The region's code.
    pub region: String,
}

impl AccountRegion {
    /// Those of a function; `None` if the text is not the ARN of one.
    #[must_use]
    pub fn of_function(arn: &str) -> Option<Self> {
        let parts: Vec<_> = arn.splitn(6, ':').collect();
        let ["arn", partition, "lambda", region, account, _] = parts.as_slice() else { return None };
        let is_code = |text: &str| {
            (1..=32).contains(&text.len()) && text.bytes().all(|it| matches!(it, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        };
        let is_valid = [partition, region, account].iter().all(|part| is_code(part));
        is_valid.then(|| Self {
            partition: (*partition).to_owned(),
            account: (*account).to_owned(),
            region: (*region).to_owned(),
        })
    }

    /// Host of the AWS console, as the operator writes it in `status.links`.
    #[must_use]
    pub fn console_host(&self) -> String {
        match self.partition.as_str() {
            "aws-cn" => "console.amazonaws.cn".to_owned(),
            "aws-us-gov" => "console.amazonaws-us-gov.com".to_owned(),
            _ => format!("{}.console.aws.amazon.com", self.region),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_partition_has_its_console() {
        for (partition, region, host) in [
            ("aws", "eu-west-1", "eu-west-1.console.aws.amazon.com"),
            ("aws-cn", "cn-north-1", "console.amazonaws.cn"),
            ("aws-us-gov", "us-gov-west-1", "console.amazonaws-us-gov.com"),
        ] {
            let arn = format!("arn:{partition}:lambda:{region}:123456789012:function:detector:alias");
            let found = AccountRegion::of_function(&arn).unwrap();
            assert_eq!((found.account.as_str(), found.region.as_str()), ("123456789012", region));
            assert_eq!(found.console_host(), host);
        }
    }

    #[test]
    fn other_texts_are_no_arn_of_a_function() {
        for bad in [
            "",
            "detector",
            "arn:aws:sns:eu-west-1:123456789012:alerts",
            "arn:aws:lambda::1:function:x",
            "arn:aws:lambda:EU:1:function:x",
        ] {
            assert_eq!(AccountRegion::of_function(bad), None, "{bad}");
        }
    }
}
