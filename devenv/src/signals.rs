//! The signals that ask this program to end.

use std::process::ExitCode;

use anyhow::Result;
use rustix::process::Signal;
use tokio::signal::unix::{self, SignalKind};

/// Receives SIGINT, SIGTERM and SIGHUP from the moment it is made.
pub struct Signals {
    interrupt: unix::Signal,
    terminate: unix::Signal,
    hangup: unix::Signal,
}

/// A signal came before the work was done.
#[derive(Debug, thiserror::Error)]
#[error("ended by signal {}", .0.as_raw())]
pub struct Interrupted(Signal);

impl Signals {
    pub fn listen() -> Result<Self> {
        Ok(Self {
            interrupt: unix::signal(SignalKind::interrupt())?,
            terminate: unix::signal(SignalKind::terminate())?,
            hangup: unix::signal(SignalKind::hangup())?,
        })
    }

    /// The next one.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::INT,
            _ = self.terminate.recv() => Signal::TERM,
            _ = self.hangup.recv() => Signal::HUP,
        }
    }

    /// Does `work` to its end, or until a signal comes, which drops it and is an [`Interrupted`].
    pub async fn until_signal<T>(&mut self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            result = work => result,
            signal = self.next() => Err(Interrupted(signal).into()),
        }
    }
}

impl Interrupted {
    pub fn exit_code(&self) -> ExitCode {
        exit_code(self.0.as_raw())
    }
}

/// The code a shell gives for a program that a signal ended.
pub fn exit_code(signal: i32) -> ExitCode {
    ExitCode::from(u8::try_from(128 + signal).unwrap_or(u8::MAX))
}
