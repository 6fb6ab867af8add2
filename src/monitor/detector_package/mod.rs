mod archive;

use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use thiserror::Error;

use self::archive::{Archive, ArchiveError};

/// The entry with the settings of a monitor, by the name that the detector reads.
pub const SETTINGS_FILE: &str = "config.json";

/// Processor that the detector is built for, read from the binary itself so that the two can never disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Architecture {
    /// Intel and AMD.
    #[value(name = "x86_64")]
    X86_64,
    /// Graviton.
    Arm64,
}

impl Architecture {
    /// As Lambda spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Arm64 => "arm64",
        }
    }
}

/// The detector's deployment package: a zip with an executable `bootstrap`. A function gets it with the settings of its monitor as a second
/// entry, which is put together for each use: all monitors share the megabytes of the program.
#[derive(Clone, Debug)]
pub struct DetectorPackage {
    archive: Archive,
    architecture: Architecture,
}

/// A problem that makes a package unusable.
#[derive(Debug, Error)]
pub enum PackageError {
    /// The file cannot be read.
    #[error("the detector's package {} cannot be read: {source}; name it with --detector-package", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// It is no zip, or has no `bootstrap`.
    #[error("the detector's package is not a zip file with an executable `bootstrap`: {0}")]
    NotAPackage(#[from] zip::result::ZipError),
    /// `bootstrap` cannot be read.
    #[error("`bootstrap` in the detector's package cannot be read: {0}")]
    Corrupt(#[from] std::io::Error),
    /// `bootstrap` is not for Lambda.
    #[error("`bootstrap` in the detector's package is not a Linux executable for x86_64 or arm64")]
    NotForLambda,
    /// It has an entry of the name of the settings.
    #[error("the detector's package has an entry `{SETTINGS_FILE}`, which the operator adds itself; remove the entry")]
    HasSettings,
    /// The settings cannot be added.
    #[error("the settings cannot be added to the detector's package: {0}; use a package as `make build` makes it")]
    NotPlain(#[from] ArchiveError),
}

impl DetectorPackage {
    /// Reads the package from a file.
    pub fn read(path: &Path) -> Result<Self, PackageError> {
        let bytes = std::fs::read(path).map_err(|source| PackageError::Unreadable { path: path.to_owned(), source })?;
        Self::from_bytes(bytes)
    }

    /// Takes the package from memory.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, PackageError> {
        let mut archive = zip::ZipArchive::new(Cursor::new(&bytes))?;
        let mut header = [0; 20];
        archive.by_name("bootstrap")?.read_exact(&mut header)?;
        let architecture = architecture(&header).ok_or(PackageError::NotForLambda)?;
        if archive.index_for_name(SETTINGS_FILE).is_some() {
            return Err(PackageError::HasSettings);
        }
        Ok(Self { archive: Archive::read(bytes)?, architecture })
    }

    /// A placeholder for commands that only read: they make nothing, and compare no code.
    #[must_use]
    pub fn none() -> Self {
        Self { archive: Archive::default(), architecture: Architecture::X86_64 }
    }

    /// False for [`none`](Self::none).
    #[must_use]
    pub const fn is_known(&self) -> bool {
        !self.archive.is_empty()
    }

    /// The zip file with these settings.
    #[must_use]
    pub fn bytes(&self, settings: &str) -> Vec<u8> {
        self.archive.with(SETTINGS_FILE, settings)
    }

    /// The hash by which Lambda knows the code: SHA-256 of the zip file with these settings, in base 64. Only the settings are hashed anew.
    #[must_use]
    pub fn code_sha256(&self, settings: &str) -> String {
        base64::engine::general_purpose::STANDARD.encode(self.archive.sha256_with(SETTINGS_FILE, settings))
    }

    /// The processor it runs on.
    #[must_use]
    pub const fn architecture(&self) -> Architecture {
        self.architecture
    }
}

/// `e_machine` of an ELF header: System V ABI, figure 4-3.
fn architecture(header: &[u8; 20]) -> Option<Architecture> {
    match (header.starts_with(b"\x7fELF"), header[18], header[19]) {
        (true, 0x3e, 0) => Some(Architecture::X86_64),
        (true, 0xb7, 0) => Some(Architecture::Arm64),
        _ => None,
    }
}

/// A package with a `bootstrap` that has an ELF header and nothing else.
#[cfg(test)]
pub fn fixture() -> Vec<u8> {
    packaged(&elf(0x3e))
}

#[cfg(test)]
fn elf(machine: u8) -> Vec<u8> {
    let mut header = b"\x7fELF".to_vec();
    header.resize(20, 0);
    header[18] = machine;
    header
}

#[cfg(test)]
fn packaged(bootstrap: &[u8]) -> Vec<u8> {
    use std::io::Write;

    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file("bootstrap", zip::write::SimpleFileOptions::default()).unwrap();
    writer.write_all(bootstrap).unwrap();
    writer.finish().unwrap().into_inner()
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn the_binary_reports_its_architecture() {
        let of = |machine| DetectorPackage::from_bytes(packaged(&elf(machine))).map(|package| package.architecture());
        assert_eq!(of(0x3e).unwrap(), Architecture::X86_64);
        assert_eq!(of(0xb7).unwrap(), Architecture::Arm64);
        assert!(matches!(of(0x03), Err(PackageError::NotForLambda)));
        assert!(matches!(DetectorPackage::from_bytes(b"text".to_vec()), Err(PackageError::NotAPackage(_))));
    }

    #[test]
    fn the_hash_is_lambdas() {
        for machine in [0x3e, 0xb7] {
            let package = DetectorPackage::from_bytes(packaged(&elf(machine))).unwrap();
            let hash = |settings: &str| Sha256::digest(package.bytes(settings));
            let lambdas = |settings: &str| base64::engine::general_purpose::STANDARD.encode(hash(settings));
            assert_eq!(package.code_sha256("{}"), lambdas("{}"));
            assert_ne!(package.code_sha256("{}"), package.code_sha256("[]"));
        }
    }

    #[test]
    fn a_package_that_cannot_take_settings_is_refused() {
        let with_settings = DetectorPackage::from_bytes(fixture()).unwrap().bytes("{}");
        assert!(matches!(DetectorPackage::from_bytes(with_settings), Err(PackageError::HasSettings)));
        let mut commented = fixture();
        let length = commented.len() - 2;
        commented[length] = 1;
        commented.push(b'!');
        assert!(matches!(DetectorPackage::from_bytes(commented), Err(PackageError::NotPlain(_))));
    }
}
