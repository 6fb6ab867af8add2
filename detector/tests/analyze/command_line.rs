//! Exit codes and usage errors.

use crate::fixtures::*;

#[test]
fn findings_are_no_failure_unless_asked_for() {
    let all = text(&lines());
    let quiet = text(&lines()[..300]);
    assert_eq!(run_with(&[], &all).code, 0);
    for (level, code) in [("low", 3), ("medium", 3), ("HIGH", 3)] {
        assert_eq!(run_with(&["--fail-on", level], &all).code, code, "{level}");
        assert_eq!(run_with(&["--fail-on", level], &quiet).code, 0, "{level}");
    }
    let rejected = text(&lines()[300..310]);
    assert_eq!(run_with(&["--fail-on", "low", "--min-severity", "high"], &rejected).code, 3);
    assert_eq!(run_with(&["--fail-on", "high"], &rejected).code, 0);
    assert_eq!(run_with(&["--fail-on", "low", "/nowhere/at/all", "-"], &all).code, 1, "not everything was read");
}

#[test]
fn a_wrong_command_line_is_refused_and_nothing_is_read() {
    for (args, reason) in [
        (&["--record"][..], "a similar argument exists: '--records'"),
        (&["-o", "table"], "[possible values: text, json, yaml]"),
        (&["--records", "-o", "json"], "cannot be used with"),
        (&["--records", "--fail-on", "low"], "cannot be used with"),
        (&["--format", "srcadr"], "it names no field of a flow log"),
        (&["--format", "${srcaddr} ${srcaddr}"], "it names `srcaddr` twice"),
        (&["--trusted-cidr", "10.1.1.1"], "it is an address; write a network, such as 10.1.1.1/32"),
        (&["--trusted-cidr", "10.1.1"], "it is not a network in CIDR notation, such as 203.0.113.0/24"),
        (&["--window", "0s"], "it should be a second or more"),
        (&["--rules", r#"{"rules": {"rejected": {}}}"#], "rules.rejected: unknown field; did you mean rejectedTcp?"),
        (
            &["--rules", r#"{"kind": "VpcFlowMonitor", "spec": {"detectors": {}}}"#],
            "spec.detectors: unknown field; did you mean detector?",
        ),
        (&["--rules", r#"{"rules": {"portScan": {"minPorts": 0}}}"#], "rules.portScan.minPorts: 0 is less than 2"),
        (&["--rules", "/nowhere/rules.json"], "No such file or directory"),
        (&["--fail-on", "severe"], "[possible values: low, medium, high]"),
    ] {
        let run = run_with(args, &text(&lines()));
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{args:?}");
        assert!(run.stderr.contains(reason), "{args:?}: {}", run.stderr);
    }
}

#[test]
fn help_names_every_flag_and_exit_code() {
    let help = run(&["--help"]).output();
    for word in
        ["--format", "--records", "--rules", "--trusted-cidr", "--window", "--min-severity", "--fail-on", "Exit codes"]
    {
        assert!(help.contains(word), "{word}");
    }
    assert!(run(&["--version"]).output().starts_with("flow-log-analyze "));
}
