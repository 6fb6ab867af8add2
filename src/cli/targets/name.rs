//! `NAME` and `TYPE/NAME`, as kubectl reads them.

use vpc_flow_operator::plan::is_name;

use super::super::cluster::Kind;

/// An object as the command line names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    /// Its kind, if that is named.
    pub kind: Option<Kind>,
    /// Its name. For a word that is a type, the type.
    pub name: String,
}

/// The objects among the words: the first of several may be the type of those after it, as in `TYPE NAME`.
pub fn with_types(words: &[Named]) -> Vec<Named> {
    if let [Named { kind: None, name: first }, names @ ..] = words
        && !names.is_empty()
        && let Some(kind) = kind_of(first)
    {
        return names.iter().map(|it| Named { kind: it.kind.or(Some(kind)), name: it.name.clone() }).collect();
    }
    words.to_vec()
}

/// The name of an object, from `NAME` or `TYPE/NAME`, or a type before names.
pub fn parse(text: &str) -> Result<Named, String> {
    let (kind, name) = match text.split_once('/') {
        None if kind_of(text).is_some() => return Ok(Named { kind: None, name: text.to_ascii_lowercase() }),
        None => (None, text),
        Some((type_, name)) => match kind_of(type_) {
            Some(kind) => (Some(kind), name),
            None => {
                return Err(format!(
                    "`{type_}` is no type of monitor: write {name} or vfm/{name}, and a namespace as --namespace {type_}"
                ));
            }
        },
    };
    if is_name(name) {
        Ok(Named { kind, name: name.to_owned() })
    } else {
        Err("must be NAME or vfm/NAME, in lower case".to_owned())
    }
}

fn kind_of(text: &str) -> Option<Kind> {
    Kind::ALL.into_iter().find(|kind| names(*kind, text))
}

/// Singular, plural, short name and kind, each alone or with the group, which may have the version before it.
fn names(kind: Kind, text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let (name, group) = text.split_once('.').map_or((text.as_str(), None), |(name, group)| (name, Some(group)));
    let resource = kind.resource();
    let singular = resource.kind.to_ascii_lowercase();
    let is_kind = name == singular || name == resource.plural || kind.shortnames().contains(&name);
    let versioned = format!("{}.{}", resource.version, resource.group);
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
            assert_eq!(parse(text).map(|it| it.name).as_deref(), Ok("production"), "{text}");
        }
        assert_eq!(parse("vfm/production").unwrap().kind, Some(Kind::Monitor));
        assert_eq!(parse("production").unwrap().kind, None);
    }

    #[test]
    fn a_fleet_is_named_by_its_type() {
        let fleet = Named { kind: Some(Kind::Fleet), name: "prod".to_owned() };
        for text in ["vff/prod", "vpcflowfleet/prod", "VpcFlowFleet/prod", "vpcflowfleets.vpcflow.dev/prod"] {
            assert_eq!(parse(text), Ok(fleet.clone()), "{text}");
        }
        let words = ["vff", "prod", "vfm/a"].map(|word| parse(word).unwrap());
        let monitor = Named { kind: Some(Kind::Monitor), name: "a".to_owned() };
        assert_eq!(with_types(&words), [fleet, monitor]);
    }

    #[test]
    fn a_type_may_be_a_word_of_its_own_before_names() {
        let names = |words: &[&str]| {
            let words: Vec<_> = words.iter().map(|word| parse(word).unwrap()).collect();
            with_types(&words).into_iter().map(|it| it.name).collect::<Vec<_>>().join(" ")
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
