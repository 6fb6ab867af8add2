//! The remedy for missing credentials: a person at a workstation needs another one than the operator in its pod.

use std::env;

/// The variable that kubelet sets in every container.
const IN_A_POD: &str = "KUBERNETES_SERVICE_HOST";

/// The remedy for this process.
pub fn credentials_advice() -> String {
    advice(env::var_os(IN_A_POD).is_some(), env::var("AWS_PROFILE").ok().filter(|name| !name.is_empty()).as_deref())
}

fn advice(is_in_pod: bool, profile: Option<&str>) -> String {
    match profile {
        _ if is_in_pod => {
            "give the operator IRSA or EKS Pod Identity; for another command in this pod, set the AWS_* variables or a profile".to_owned()
        }
        Some(profile) => format!(
            "AWS_PROFILE names the profile `{profile}`: if `aws configure list-profiles` does not list it, correct AWS_PROFILE; otherwise run \
             `aws sso login --profile {profile}`, or give that profile credentials"
        ),
        None => "run `aws sso login` and set AWS_PROFILE, or set the AWS_* variables of credentials".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_logs_in_and_the_operator_gets_a_role() {
        let at_workstation = advice(false, None);
        assert!(at_workstation.starts_with("run `aws sso login` and set AWS_PROFILE"), "{at_workstation}");
        assert!(!at_workstation.contains("IRSA"), "{at_workstation}");
        assert!(advice(true, None).starts_with("give the operator IRSA or EKS Pod Identity"));
    }

    #[test]
    fn the_profile_is_named() {
        let text = advice(false, Some("prod"));
        assert!(text.starts_with("AWS_PROFILE names the profile `prod`: if "), "{text}");
        assert!(text.contains("aws sso login --profile prod"), "{text}");
    }
}
