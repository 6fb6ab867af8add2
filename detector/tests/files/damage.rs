//! Files that cannot be read: the invocation fails, and says why.

use std::io::{Seek, Write};
use std::sync::LazyLock;

use detector::analysis::{Analysis, Analyzer};
use detector::files::Kind;
use detector::files::reading::{self, ReadError};
use detector::format::{DEFAULT_HEADER, LogFormat};
use detector::record::Parser;
use detector::rules::Config;
use parquet::basic::{Compression as Codec, GzipLevel};
use proptest::prelude::*;

use crate::function::*;
use crate::parquet_file::parquet;

fn lines() -> Vec<String> {
    (0..300).map(|host| line(host, "198.51.100.7", &format!("10.0.1.{}", host % 250), 22, 4_000, "ACCEPT")).collect()
}

async fn failure(name: &str, content: Vec<u8>) -> String {
    let key = format!("{FOLDER}/{name}");
    let (answer, messages) = invoke(&key, content).await;
    let error = answer.unwrap_err();
    assert_eq!((error.kind(), messages), ("FileError", vec![]));
    let message = error.to_string();
    let (start, remedy) = (format!("cannot read s3://{BUCKET}/{key}: "), "; delete it, or upload it again");
    message.strip_prefix(&start).unwrap().strip_suffix(remedy).unwrap().to_owned()
}

#[tokio::test]
async fn damage_is_named() {
    let text = text_file(&lines());
    let parquet = parquet_file(&lines(), Absent::Dash);
    for (name, content, reason) in [
        ("a.log.gz", text[..text.len() - 9].to_vec(), "its gzip data ends too early; the file is incomplete"),
        ("a.log.gz", [&text[..text.len() - 8], &[0; 8]].concat(), "its gzip data is damaged: "),
        ("a.log.gz", [&text[..], b"more"].concat(), "after the end of its gzip data comes something else"),
        ("a.log.gz", DEFAULT_HEADER.as_bytes().to_vec(), "its gzip data is damaged: "),
        ("a.log.gz", parquet.clone(), "its gzip data is damaged: "),
        ("a.log.gz", Vec::new(), "its gzip data ends too early"),
        ("a.log.parquet", parquet[..parquet.len() / 2].to_vec(), "cannot be read as Parquet: "),
        ("a.log.parquet", text.clone(), "cannot be read as Parquet: "),
        ("a.log.parquet", Vec::new(), "cannot be read as Parquet: "),
    ] {
        let found = failure(name, content).await;
        assert!(found.starts_with(reason), "{found}");
    }
}

/// Text without an end of line, which gzip packs a thousandfold.
#[tokio::test]
async fn a_gzip_bomb_is_refused() {
    let member = gzip(&vec![b'x'; 16 * 1024 * 1024]);
    let bomb = member.repeat(129);
    assert!(bomb.len() < 4 * 1024 * 1024);
    assert_eq!(
        failure("a.log.gz", bomb).await,
        "it unpacks to more than 2147483648 bytes, and no file of a flow log does"
    );
}

fn analyze(content: &[u8], kind: Kind) -> Result<Analysis, ReadError> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(content).unwrap();
    file.rewind().unwrap();
    let parser = Parser::new(LogFormat::aws_default());
    let mut analyzer = Analyzer::new(&parser, &Config::default());
    reading::read(file, kind, &parser, &mut analyzer)?;
    Ok(analyzer.finish())
}

/// The records with each codec.
static WHOLE: LazyLock<[Vec<u8>; 3]> = LazyLock::new(|| {
    let codecs = [Codec::GZIP(GzipLevel::default()), Codec::SNAPPY, Codec::UNCOMPRESSED];
    codecs.map(|codec| parquet(&LogFormat::aws_default(), &lines(), codec, Absent::Null))
});

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    /// Bytes of pages, page headers and the footer are changed: the file is read, or refused. Without a codec the damage gets past the
    /// checksum of gzip.
    #[test]
    fn no_damage_of_parquet_makes_it_panic(
        file in prop::sample::select(vec![0, 1, 2]),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::weighted(0.2, any::<prop::sample::Index>()),
    ) {
        let mut content = WHOLE[file].clone();
        for (place, byte) in changes {
            let place = place.index(content.len());
            content[place] = byte;
        }
        if let Some(cut) = cut {
            content.truncate(cut.index(content.len()));
        }
        drop(analyze(&content, Kind::Parquet));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        drop(analyze(&bytes, Kind::Parquet));
        drop(analyze(&bytes, Kind::Text));
        drop(analyze(&gzip(&bytes), Kind::Text));
    }
}
