//! Reads log events in the form that `CloudWatch` Logs writes, without a parser of JSON.

use std::str;

use memchr::memchr;

/// Bytes that are looked at together. An event that cannot be read here costs a look at so many at most.
const BLOCK_BYTES: usize = 4 * 1024;

/// The beginning of an event.
const BEGIN: &[u8; 7] = br#"{"id":""#;

/// Digits of a time in milliseconds, from 2001 to 2286.
const TIME_DIGITS: usize = 13;

/// Gives the messages of log events at the start of `bytes`, with a comma between them, to `on_message`. Returns the place where
/// the last one ends, 0 if there is none.
///
/// An event is read only if it is `{"id":"…","timestamp":…,"message":"…"}` to the byte, its texts without escapes: `serde_json`, which
/// decides about any other, reads the same message from it.
#[inline]
pub(super) fn read(bytes: &[u8], mut on_message: impl FnMut(&str)) -> usize {
    // A batch of tiny events of another form does not have a block looked at for each.
    if !bytes.starts_with(BEGIN) {
        return 0;
    }
    let text = plain(bytes);
    let (mut at, mut read) = (0, 0);
    while let Some((message, end)) = event(text, at) {
        on_message(message);
        read = end;
        if text.as_bytes().get(end) != Some(&b',') {
            break;
        }
        at = end + 1;
    }
    read
}

/// The part of the first block that has neither escapes nor characters that JSON has as escapes only.
#[inline]
fn plain(bytes: &[u8]) -> &str {
    let block = bytes.get(..BLOCK_BYTES).unwrap_or(bytes);
    let is_special = |byte: &u8| *byte < b' ' || *byte == b'\\';
    // Without a way out of the loop, many bytes are compared at once.
    let has_special = block.iter().fold(false, |found, byte| found | is_special(byte));
    let end = if has_special { block.iter().position(is_special) } else { None }.unwrap_or(block.len());
    let part = block.get(..end).unwrap_or_default();
    match str::from_utf8(part) {
        Ok(text) => text,
        Err(error) => part.get(..error.valid_up_to()).and_then(|valid| str::from_utf8(valid).ok()).unwrap_or_default(),
    }
}

/// The message of the event at `at`, and the place where the event ends.
#[inline]
fn event(text: &str, at: usize) -> Option<(&str, usize)> {
    let bytes = text.as_bytes();
    let id = after(bytes, at, BEGIN)?;
    let time = after(bytes, quote(bytes, id)?, br#"","timestamp":"#)?;
    let digits: &[u8; TIME_DIGITS] = bytes.get(time..)?.first_chunk()?;
    let message = after(bytes, time + TIME_DIGITS, br#","message":""#)?;
    let message_end = quote(bytes, message)?;
    let end = after(bytes, message_end, br#""}"#)?;
    if !is_number(digits) {
        return None;
    }
    Some((text.get(message..message_end)?, end))
}

/// The place after `expected`, if it is at `at`.
#[inline]
fn after<const N: usize>(bytes: &[u8], at: usize, expected: &[u8; N]) -> Option<usize> {
    (bytes.get(at..)?.first_chunk() == Some(expected)).then_some(at + N)
}

/// The place of the first quote from `from` on.
#[inline]
fn quote(bytes: &[u8], from: usize) -> Option<usize> {
    memchr(b'"', bytes.get(from..)?).map(|length| from + length)
}

/// JSON has no number with a zero in front.
#[inline]
fn is_number(digits: &[u8; TIME_DIGITS]) -> bool {
    digits[0] != b'0' && digits.iter().fold(true, |all, digit| all & digit.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str = r#"{"id":"39124809","timestamp":1767225600000,"message":"2 123 eni-1 - é OK"}"#;
    const MESSAGE: &str = "2 123 eni-1 - é OK";

    fn messages(bytes: &[u8]) -> (Vec<String>, usize) {
        let mut messages = Vec::new();
        let end = read(bytes, |message| messages.push(message.to_owned()));
        (messages, end)
    }

    #[test]
    fn events_of_the_usual_form_are_read_up_to_their_end() {
        let one = (vec![MESSAGE.to_owned()], EVENT.len());
        for after in ["", "]", ",", ",{", " ,", ",\n"] {
            assert_eq!(messages(format!("{EVENT}{after}").as_bytes()), one, "{after}");
        }
        let two = (vec![MESSAGE.to_owned(); 2], 2 * EVENT.len() + 1);
        assert_eq!(messages(format!("{EVENT},{EVENT}]}}").as_bytes()), two);
        assert_eq!(messages(format!("{EVENT},{EVENT}, {EVENT}").as_bytes()), two);
        assert_eq!(messages(br#"{"id":"","timestamp":1767225600000,"message":""}"#), (vec![String::new()], 48));
    }

    #[test]
    fn a_block_is_read_at_a_time() {
        let many = vec![EVENT; 2 * BLOCK_BYTES / EVENT.len()].join(",");
        let fitting = (BLOCK_BYTES + 1) / (EVENT.len() + 1);
        assert_eq!(messages(many.as_bytes()), (vec![MESSAGE.to_owned(); fitting], fitting * (EVENT.len() + 1) - 1));
    }

    #[test]
    fn a_part_of_an_event_is_no_event() {
        for end in 0..EVENT.len() {
            assert_eq!(messages(&EVENT.as_bytes()[..end]).1, 0, "{end}");
        }
    }

    #[test]
    fn any_other_form_is_left_to_the_parser() {
        for (part, other) in [
            ("{", " {"),
            (":\"39", ": \"39"),
            ("\"id\"", "\"ID\""),
            ("39124809", "39\\u0031"),
            ("39124809", "39\t"),
            (",\"timestamp\"", ", \"timestamp\""),
            ("1767225600000", "0767225600000"),
            ("1767225600000", "176722560000"),
            ("1767225600000", "17672256000000"),
            ("1767225600000", "176722560000e"),
            ("message", "messages"),
            (" OK", "\\n"),
            (" OK", "\n"),
            ("}", ",\"new\":1}"),
            ("}", " }"),
        ] {
            let event = EVENT.replacen(part, other, 1);
            assert_eq!(messages(event.as_bytes()).1, 0, "{event}");
            assert_eq!(messages(format!("{EVENT},{event}").as_bytes()).1, EVENT.len(), "{event}");
        }
        let mut bytes = format!("{EVENT},{EVENT}").into_bytes();
        let last = bytes.iter().rposition(|byte| *byte == "é".as_bytes()[0]).unwrap();
        bytes[last] = 0xff;
        assert_eq!(messages(&bytes).1, EVENT.len());
    }
}
