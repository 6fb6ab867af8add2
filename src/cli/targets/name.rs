//! `NAME` and `TYPE/NAME`, as kubectl reads them.

use kube::{CustomResourceExt, Resource};
use vpc_flow_operator::api::VpcFlowMonitor;
use vpc_flow_operator::plan::is_name;

/// The names among the words: the first of several may be the type, as in `TYPE NAME`.
pub fn without_type(words: &[String]) -> &[String] {
    match words {
        [first, names @ ..] if !names.is_empty() && is_monitor(first) => names,
        names => names,
    }
}

/// The name of a monitor, from `NAME` or `TYPE/NAME`, or a type before names.
pub fn parse(text: &str) -> Result<String, String> {
    let name = match text.split_once('/') {
        None if is_monitor(text) => return Ok(text.to_ascii_lowercase()),
        None => text,
        Some((kind, name)) if is_monitor(kind) => name,
        Some((kind, name)) => {
            return Err(format!(
                "`{kind}` is no type of monitor: write {name} or vfm/{name}, and a namespace as --namespace {kind}"
            ));
        }
    };
    if is_name(name) { Ok(name.to_owned()) } else { Err("must be NAME or vfm/NAME, in lower case".to_owned()) }
}

/// Singular, plural, short name and kind, each alone or with the group, which may have the version before it.
fn is_monitor(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let (kind, group) = text.split_once('.').map_or((text.as_str(), None), |(kind, group)| (kind, Some(group)));
    let resource = VpcFlowMonitor::api_resource();
    let singular = resource.kind.to_ascii_lowercase();
    let is_kind = kind == singular || kind == resource.plural || VpcFlowMonitor::shortnames().contains(&kind);
    let versioned = format!("{}.{}", VpcFlowMonitor::version(&()), resource.group);
    is_kind && group.is_none_or(|group| group == resource.group || group == versioned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_monitor_is_named_as_kubectl_names_it() {
        for text in [
            "production",
            "vfm/production",
            "vpcflowmonitor/production",
            "VpcFlowMonitor/production",
            "vpcflowmonitors/production",
            "vpcflowmonitors.vpcflow.dev/production",
            "vpcflowmonitor.vpcflow.dev/production",
            "vpcflowmonitors.v1alpha1.vpcflow.dev/production",
        ] {
            assert_eq!(parse(text).as_deref(), Ok("production"), "{text}");
        }
    }

    #[test]
    fn a_type_may_be_a_word_of_its_own_before_names() {
        let names = |words: &[&str]| {
            let words: Vec<_> = words.iter().map(|word| parse(word).unwrap()).collect();
            without_type(&words).join(" ")
        };
        assert_eq!(names(&["vfm", "quickstart"]), "quickstart");
        assert_eq!(names(&["VpcFlowMonitor", "a", "b"]), "a b");
        assert_eq!(names(&["vpcflowmonitors.vpcflow.dev", "a"]), "a");
        assert_eq!(names(&["vfm", "vfm"]), "vfm");
        assert_eq!(names(&["vfm"]), "vfm", "a name, because nothing follows it");
        assert_eq!(names(&["a", "vfm"]), "a vfm");
    }

    #[test]
    fn another_type_is_an_error_that_has_the_right_form() {
        assert_eq!(
            parse("network/production").unwrap_err(),
            "`network` is no type of monitor: write production or vfm/production, and a namespace as --namespace network"
        );
        for text in ["vfm.other.dev/production", "pods/production"] {
            assert!(parse(text).unwrap_err().contains("is no type of monitor"), "{text}");
        }
        for text in ["", "vfm/", "vfm/a/b", "A"] {
            assert!(parse(text).unwrap_err().contains("must be NAME or vfm/NAME"), "{text}");
        }
    }
}
