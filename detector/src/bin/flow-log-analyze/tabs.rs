//! The AWS CLI's output with `--output text`: values with tabs between them, some of which are log events.
//!
//! `--query 'events[].message'` gives messages only; without it a message stands between the event's id and times.

use std::io::BufRead;

use detector::files::line_reader::{content, next_line};

use crate::bad_lines::Reason;
use crate::error::InputError;
use crate::intake::Sink;
use crate::text::Text;

/// Starts of lines without log events: the streams searched, and the tokens of pages.
const NO_EVENTS: [&[u8]; 3] = [b"SEARCHEDLOGSTREAMS\t", b"NEXTTOKEN\t", b"b/"];

/// Reads the log events of each line. They are the values with spaces in them.
pub fn read<S: Sink>(mut reader: impl BufRead, text: &mut Text<'_, S>) -> Result<(), InputError> {
    let mut line = Vec::new();
    while next_line(&mut reader, &mut line).map_err(InputError::Read)? {
        text.advance(1);
        let line = content(&line);
        if line.is_empty() || NO_EVENTS.iter().any(|start| line.starts_with(start)) {
            continue;
        }
        let mut events = line.split(|byte| *byte == b'\t').filter(|value| value.contains(&b' ')).peekable();
        if events.peek().is_none() {
            text.refuse(&Reason::NoMessage, line);
        }
        for event in events {
            text.event(event)?;
        }
    }
    Ok(())
}
