//! A batch as CloudWatch Logs sends it, packed or not: whatever it is, reading it ends, and without a panic.

#![no_main]

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use detector::envelope::{Payload, Unpacker};
use flate2::Compression;
use flate2::write::GzEncoder;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|json: &[u8]| {
    // As it is: neither base64 nor gzip, most of the time.
    let data = String::from_utf8_lossy(json).into_owned();
    let mut unpacker = Unpacker::default();
    let _ = unpacker.read(&Payload { data }, |_| {});
    // As a batch, so that the JSON is reached.
    let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
    if encoder.write_all(json).is_ok()
        && let Ok(packed) = encoder.finish()
    {
        let mut bytes = 0;
        let _ = unpacker.read(&Payload { data: STANDARD.encode(packed) }, |line| bytes += line.len());
        assert!(bytes <= 3 * json.len(), "messages are no longer than what they are read from");
    }
});
