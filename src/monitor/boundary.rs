use crate::aws::Arn;

/// The permissions boundary for roles of `account`: a customer managed policy can be used in its own account only, so every account has one
/// of the same path and name. AWS's own are in all of them.
#[must_use]
pub fn boundary_in(arn: &str, account: &str) -> String {
    match Arn::parse(arn) {
        Some(Arn { partition, account: theirs, resource, .. }) if theirs != "aws" => {
            format!("arn:{partition}:iam::{account}:{resource}")
        }
        _ => arn.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_account_has_its_own_and_aws_has_one_for_all() {
        let ours = "arn:aws:iam::123456789012:policy/limits/flow";
        assert_eq!(boundary_in(ours, "123456789012"), ours);
        assert_eq!(boundary_in(ours, "210987654321"), "arn:aws:iam::210987654321:policy/limits/flow");
        let theirs = "arn:aws:iam::aws:policy/PowerUserAccess";
        assert_eq!(boundary_in(theirs, "210987654321"), theirs);
    }
}
