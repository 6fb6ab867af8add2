//! The zip file that Lambda takes as a function's code.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// Writes the zip file `out` with the program `binary` as its `bootstrap`, the name that Lambda's custom runtimes start.
/// The same program gives the same bytes, so that a hash tells whether the code in AWS is this one.
pub fn package_detector(binary: &Path, out: &Path) -> Result<()> {
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
    Ok(())
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
    fn missing_program_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let error = package_detector(&dir.path().join("absent"), &dir.path().join("out.zip")).unwrap_err();
        assert!(error.to_string().contains("absent"), "{error}");
    }
}
