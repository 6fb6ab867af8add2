//! A git server over HTTP, with one repository.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use flate2::read::GzDecoder;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::task::JoinHandle;

/// The branch that is served.
pub const BRANCH: &str = "main";

/// A repository, its working folder, and its server.
pub struct Git {
    address: SocketAddr,
    work: PathBuf,
    server: JoinHandle<()>,
}

impl Drop for Git {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Git {
    pub async fn start(folder: &Path) -> Self {
        let work = folder.join("work");
        std::fs::create_dir_all(&work).unwrap();
        let repository = work.join(".git");
        let router = Router::new()
            .route("/fleet.git/info/refs", get(advertise))
            .route("/fleet.git/git-upload-pack", post(upload))
            .layer(DefaultBodyLimit::disable())
            .with_state(repository);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let git = Self { address, work, server };
        git.run(&["init", "--quiet", "--initial-branch", BRANCH]).await;
        git
    }

    pub fn url(&self) -> String {
        format!("http://{}/fleet.git", self.address)
    }

    /// Writes a file. [`Git::commit`] publishes it.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.work.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.work.join(path)).unwrap()
    }

    /// Removes a file or folder.
    pub fn remove(&self, path: &str) {
        let path = self.work.join(path);
        if path.is_dir() { std::fs::remove_dir_all(path).unwrap() } else { std::fs::remove_file(path).unwrap() }
    }

    /// Copies a folder into the repository.
    pub async fn copy(&self, from: &Path, to: &str) {
        let to = self.work.join(to);
        std::fs::create_dir_all(&to).unwrap();
        let copied = Command::new("cp").arg("-R").arg(from.join(".")).arg(to).status().await.unwrap();
        assert!(copied.success());
    }

    /// Commits all changes. Returns the commit.
    pub async fn commit(&self, message: &str) -> String {
        self.run(&["add", "--all"]).await;
        self.run(&["commit", "--quiet", "--message", message]).await;
        self.run(&["rev-parse", "HEAD"]).await.trim().to_owned()
    }

    async fn run(&self, arguments: &[&str]) -> String {
        let who = ["-c", "user.name=team", "-c", "user.email=team@example.com"];
        let output = git(&self.work).args(who).args(arguments).output().await.unwrap();
        assert!(output.status.success(), "git {arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }
}

/// Without the settings of the person who runs the tests.
fn git(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command.current_dir(folder).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    command.kill_on_drop(true);
    command
}

/// See "HTTP transfer protocols" in git's documents: the advertisement begins with the service in a packet of its own.
async fn advertise(State(repository): State<PathBuf>, headers: HeaderMap) -> Response {
    let mut answer = Vec::new();
    if !headers.contains_key("git-protocol") {
        answer.extend(b"001e# service=git-upload-pack\n0000");
    }
    answer.extend(upload_pack(&repository, &headers, &["--http-backend-info-refs"], &[]).await);
    ([(header::CONTENT_TYPE, "application/x-git-upload-pack-advertisement")], answer).into_response()
}

async fn upload(State(repository): State<PathBuf>, headers: HeaderMap, body: Bytes) -> Response {
    let is_packed = headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding == "gzip");
    let body = if is_packed {
        let mut unpacked = Vec::new();
        std::io::Read::read_to_end(&mut GzDecoder::new(&body[..]), &mut unpacked).unwrap();
        unpacked.into()
    } else {
        body
    };
    let answer = upload_pack(&repository, &headers, &[], &body).await;
    ([(header::CONTENT_TYPE, "application/x-git-upload-pack-result")], answer).into_response()
}

async fn upload_pack(repository: &Path, headers: &HeaderMap, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut command = git(repository);
    command.args(["upload-pack", "--stateless-rpc"]).args(arguments).arg(repository);
    if let Some(version) = headers.get("git-protocol") {
        command.env("GIT_PROTOCOL", version.to_str().unwrap());
    }
    let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = process.stdin.take().unwrap();
    let (written, output) = tokio::join!(
        async move {
            let written = stdin.write_all(input).await;
            drop(stdin);
            written
        },
        process.wait_with_output()
    );
    written.unwrap();
    output.unwrap().stdout
}
