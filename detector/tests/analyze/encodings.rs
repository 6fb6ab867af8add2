//! Files that are not UTF-8, or packed otherwise than flow logs are.

use crate::fixtures::*;

fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes).collect()
}

fn utf32(text: &str, bytes: fn(u32) -> [u8; 4]) -> Vec<u8> {
    text.chars().map(u32::from).flat_map(bytes).collect()
}

#[test]
fn other_encodings_are_refused_by_name_with_the_command_that_converts_them() {
    let plain = String::from_utf8(text(&lines())).unwrap();
    let marked = format!("\u{feff}{plain}");
    for (name, content) in [
        ("UTF-16", utf16(&marked, u16::to_le_bytes)),
        ("UTF-16", utf16(&marked, u16::to_be_bytes)),
        ("UTF-16LE", utf16(&plain, u16::to_le_bytes)),
        ("UTF-16BE", utf16(&plain, u16::to_be_bytes)),
        ("UTF-32", utf32(&marked, u32::to_le_bytes)),
        ("UTF-32", utf32(&marked, u32::to_be_bytes)),
        ("UTF-32LE", utf32(&plain, u32::to_le_bytes)),
        ("UTF-32BE", utf32(&plain, u32::to_be_bytes)),
    ] {
        let reason = format!(
            "flow-log-analyze: standard input: it is text in {name}; convert it to UTF-8: iconv -f {name} -t UTF-8 FILE | \
             flow-log-analyze\n"
        );
        let bare = ["-o", "json", "--format", "${srcaddr} ${bytes}"];
        for (args, content) in [(&bare[..2], content.clone()), (&bare, content.clone()), (&bare[..2], gzip(&content))] {
            let run = run_with(args, &content);
            assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{name}");
            assert_eq!(run.stderr, format!("{reason}{NO_REPORT}"), "{name}");
        }
    }
}

#[test]
fn what_is_packed_otherwise_is_named_with_the_command_that_unpacks_it() {
    let text = text(&lines());
    for (content, command) in [
        (b"PK\x03\x04 and so on".to_vec(), "unzip -p FILE | flow-log-analyze"),
        (b"BZh91AY&SY".to_vec(), "bzip2 -dc FILE | flow-log-analyze"),
        (b"\xfd7zXZ\0\0".to_vec(), "xz -dc FILE | flow-log-analyze"),
        (b"\x28\xb5\x2f\xfd\0\0".to_vec(), "zstd -dc FILE | flow-log-analyze"),
        (gzip(&gzip(&text)), "gzip -dc FILE | flow-log-analyze"),
        (gzip(b"PAR1 and so on"), "gzip -dc FILE | flow-log-analyze"),
    ] {
        let run = run_with(&["-o", "json"], &content);
        assert_eq!(run.code, 1);
        assert!(run.stderr.contains(command), "{}", run.stderr);
    }
}

#[test]
fn binary_files_are_refused_as_such() {
    let reason =
        "flow-log-analyze: standard input: it is a binary file, not a flow log; flow logs are text, gzip or Parquet\n";
    let program = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0>\0\x01\0\0\0\n".to_vec();
    for content in [gzip(&program), program] {
        let run = run_with(&[], &content);
        assert_eq!((run.code, run.stderr), (1, format!("{reason}{NO_REPORT}")));
    }
}

#[test]
fn padding_after_gzip_is_passed_over_and_garbage_reported_after_what_was_read() {
    let packed = gzip(&text(&lines()));
    let padded = [packed.clone(), vec![0; 1000]].concat();
    assert_eq!(run_with(&["--records"], &[padded.clone(), padded].concat()).output().lines().count(), 2 * 338);
    for (content, reason) in [
        ([&packed[..], b"\0\0garbage"].concat(), "after the end of its gzip data comes something else"),
        (packed[..packed.len() - 9].to_vec(), "its gzip data ends too early; the file is incomplete"),
        ([&packed[..packed.len() - 8], &[0; 8]].concat(), "its gzip data is damaged: "),
    ] {
        let run = run_with(&["--records"], &content);
        assert_eq!(run.code, 1);
        assert!(run.stderr.starts_with(&format!("flow-log-analyze: standard input: {reason}")), "{}", run.stderr);
        assert!(run.stdout.lines().count() >= 300, "{}", run.stdout.lines().count());
    }
}
