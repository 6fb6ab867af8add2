//! The zip file that Lambda takes as a function's code.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// Minor version of the glibc 2 in Lambda's runtime `provided.al2023`.
const LAMBDA_GLIBC: u32 = 34;

/// Writes the zip file `out` with the program `binary` as its `bootstrap`, the name that Lambda's custom runtimes start.
/// The same program gives the same bytes, so that the code in AWS can be compared by its hash.
///
/// Returns a warning if the program was built against a newer glibc than Lambda has.
pub fn package_detector(binary: &Path, out: &Path) -> Result<Option<String>> {
    let code = fs::read(binary).with_context(|| format!("cannot read the detector's program {}", binary.display()))?;
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::DEFAULT)
        .unix_permissions(0o755);
    // Renamed into place: a reader never sees half a file.
    let unfinished = out.with_extension(format!("{}.tmp", std::process::id()));
    let mut zip = ZipWriter::new(File::create(&unfinished).with_context(|| format!("cannot write {}", out.display()))?);
    zip.start_file("bootstrap", options)?;
    zip.write_all(&code)?;
    zip.finish()?;
    fs::rename(&unfinished, out)?;
    Ok(needed_glibc(&code).filter(|needed| *needed > LAMBDA_GLIBC).map(|needed| {
        format!(
            "the detector needs glibc 2.{needed}, and Lambda has 2.{LAMBDA_GLIBC}: good for the emulator on this machine, but \
             build it on an older system for AWS"
        )
    }))
}

/// The newest minor version of glibc 2 among the versions of symbols that a program asks for.
fn needed_glibc(code: &[u8]) -> Option<u32> {
    const VERSION: &[u8] = b"GLIBC_2.";
    let starts = code.windows(VERSION.len()).enumerate().filter(|(_, window)| *window == VERSION);
    let minor = |(start, _): (usize, &[u8])| {
        let digits = code[start + VERSION.len()..].iter().take_while(|byte| byte.is_ascii_digit());
        std::str::from_utf8(&digits.copied().collect::<Vec<_>>()).ok()?.parse().ok()
    };
    starts.filter_map(minor).max()
}

/// The package that `DETECTOR_PACKAGE` names, or else the one that `make` leaves in the target folder of this program.
pub fn detector_package() -> Result<PathBuf> {
    let path = match std::env::var_os("DETECTOR_PACKAGE") {
        Some(path) => PathBuf::from(path),
        None => std::env::current_exe()?.with_file_name("../detector/detector.zip"),
    };
    ensure!(path.exists(), "the detector's package {} is missing: `make build` makes it", path.display());
    Ok(path.canonicalize()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn same_program_gives_same_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let binary = dir.path().join("detector");
        fs::write(&binary, b"\x7fELF program".repeat(1000)).unwrap();
        let (first, second) = (dir.path().join("first.zip"), dir.path().join("second.zip"));
        package_detector(&binary, &first).unwrap();
        fs::write(&binary, b"\x7fELF program".repeat(1000)).unwrap();
        package_detector(&binary, &second).unwrap();
        assert_eq!(fs::read(first).unwrap(), fs::read(second).unwrap());
    }

    #[test]
    fn package_holds_one_executable_bootstrap() {
        let dir = tempfile::tempdir().unwrap();
        let (binary, out) = (dir.path().join("detector"), dir.path().join("detector.zip"));
        fs::write(&binary, b"program").unwrap();
        package_detector(&binary, &out).unwrap();
        let mut zip = zip::ZipArchive::new(File::open(out).unwrap()).unwrap();
        assert_eq!(zip.len(), 1);
        let mut file = zip.by_name("bootstrap").unwrap();
        assert_eq!(file.unix_mode().unwrap() & 0o777, 0o755);
        let mut code = Vec::new();
        file.read_to_end(&mut code).unwrap();
        assert_eq!(code, b"program");
    }

    #[test]
    fn a_program_that_is_too_new_for_lambda_is_reported() {
        let dir = tempfile::tempdir().unwrap();
        let (binary, out) = (dir.path().join("detector"), dir.path().join("detector.zip"));
        for (symbols, reported) in
            [("GLIBC_2.2.5\0GLIBC_2.34\0", false), ("GLIBC_2.39\0GLIBC_2.4\0", true), ("", false)]
        {
            fs::write(&binary, symbols).unwrap();
            let warning = package_detector(&binary, &out).unwrap();
            assert_eq!(warning.is_some_and(|warning| warning.contains("2.39")), reported, "{symbols:?}");
        }
    }

    #[test]
    fn missing_program_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let error = package_detector(&dir.path().join("absent"), &dir.path().join("out.zip")).unwrap_err();
        assert!(error.to_string().contains("absent"), "{error}");
    }
}
