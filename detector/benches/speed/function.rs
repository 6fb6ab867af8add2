//! The function as it is deployed: the `bootstrap` program, with Lambda's runtime API and SNS played by this process.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};
use std::{fs, io};

use anyhow::{Context, Result, bail};
use serde_json::json;

use crate::clock::{Times, processor_time_of};
use crate::http::{Connection, Request};
use crate::variables;

const DEADLINE: Duration = Duration::from_mins(1);

const STARTS: usize = 20;

/// A request of the program to the runtime API or to SNS.
enum Call {
    /// The next event; the answer goes through the channel.
    Next(Sender<String>),
    /// It has handled an event.
    Handled,
    /// It could not.
    Failed(String),
    /// It published a message of so many bytes, as a form.
    Published(usize),
}

/// The measurements of the program.
pub struct Measured {
    /// Seconds from the start of the program to its first request for an event.
    pub start: Times,
    /// Seconds of processor time of it.
    pub start_processor: Times,
    /// Bytes of memory in use while it waits for the first event.
    pub idle_bytes: u64,
    /// The peak of its memory in bytes, after all events.
    pub peak_bytes: u64,
    /// The longest message it published.
    pub message_bytes: usize,
}

/// The measurements of one event.
pub struct Handled {
    /// The peak of the program's memory in bytes.
    pub peak_bytes: u64,
    /// Seconds of processor time, from the start of the program.
    pub processor_seconds: f64,
}

struct Function {
    process: Child,
    calls: Receiver<Call>,
}

impl Drop for Function {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Starts the program a few times, and gives the last one `events`.
pub fn measure(program: &Path, events: &[String]) -> Result<Measured> {
    let (mut start, mut start_processor) = (Times::default(), Times::default());
    for _ in 0..STARTS {
        let (function, _, seconds) = Function::start(program)?;
        start.add(seconds);
        start_processor.add(function.processor_seconds()?);
    }
    let (function, mut next, _) = Function::start(program)?;
    let idle_bytes = function.memory("VmRSS")?;
    let mut message_bytes = 0;
    for event in events {
        next.send(event.clone()).context("the function is gone")?;
        let (again, published) = function.handled()?;
        message_bytes = message_bytes.max(published);
        next = again;
    }
    Ok(Measured { start, start_processor, idle_bytes, peak_bytes: function.memory("VmHWM")?, message_bytes })
}

/// Starts the program and announces the file `name`, which S3 has in `folder`.
pub fn measure_file(program: &Path, folder: &Path, name: &str) -> Result<Handled> {
    let (function, next, _) = Function::start_with(program, Some(folder))?;
    let object = json!({"key": format!("AWSLogs/{name}"), "etag": "b1946ac92492d2347c6235b4d2611184"});
    let event = json!({"source": "aws.s3", "detail": {"bucket": {"name": BUCKET}, "object": object}});
    next.send(event.to_string()).context("the function is gone")?;
    function.handled()?;
    Ok(Handled { peak_bytes: function.memory("VmHWM")?, processor_seconds: function.processor_seconds()? })
}

impl Function {
    fn start(program: &Path) -> Result<(Self, Sender<String>, f64)> {
        Self::start_with(program, None)
    }

    /// Starts the program and waits for its first request. S3 has the files of `folder`.
    fn start_with(program: &Path, folder: Option<&Path>) -> Result<(Self, Sender<String>, f64)> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let (sender, calls) = mpsc::channel();
        let files = folder.map(Path::to_owned);
        thread::spawn(move || accept(&listener, &sender, files.as_deref()));
        let mut command = command(program, address)?;
        if folder.is_some() {
            command.env("BUCKET", BUCKET);
        }
        let begun = Instant::now();
        let process = command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
        let function = Self { process, calls };
        match function.call()? {
            Call::Next(next) => Ok((function, next, begun.elapsed().as_secs_f64())),
            _ => bail!("the function did not ask for an event first"),
        }
    }

    fn call(&self) -> Result<Call> {
        self.calls.recv_timeout(DEADLINE).context("the function did not call")
    }

    /// Waits until an event is handled and the next one requested. Returns that request and the bytes published for the event.
    fn handled(&self) -> Result<(Sender<String>, usize)> {
        let (mut published, mut handled) = (0, false);
        loop {
            match self.call()? {
                Call::Published(bytes) => published = bytes,
                Call::Handled => handled = true,
                Call::Next(next) if handled => return Ok((next, published)),
                Call::Next(_) => bail!("the function asked for an event before it answered the last"),
                Call::Failed(reason) => bail!("the function failed: {reason}"),
            }
        }
    }

    fn processor_seconds(&self) -> Result<f64> {
        let time = processor_time_of(&self.process.id().to_string()).context("the kernel counts no processor time")?;
        Ok(time.as_secs_f64())
    }

    /// A figure of the kernel's about the process, in bytes.
    fn memory(&self, name: &str) -> Result<u64> {
        let path = format!("/proc/{}/status", self.process.id());
        let status = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        let figure = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let kibibytes = figure.and_then(|it| it.trim().strip_suffix(" kB")).with_context(|| format!("no {name}"))?;
        Ok(kibibytes.parse::<u64>()? * 1024)
    }
}

fn command(program: &Path, address: SocketAddr) -> Result<Command> {
    let mut command = Command::new(program);
    command
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .envs([("AWS_LAMBDA_RUNTIME_API", address.to_string()), ("AWS_ENDPOINT_URL", format!("http://{address}"))]);
    command.envs(variables::of_monitor()?);
    command.envs([
        ("AWS_LAMBDA_FUNCTION_NAME", "detector"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/detector"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "1"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "example"),
        ("AWS_SECRET_ACCESS_KEY", "example"),
        ("METRICS_NAMESPACE", "VPC/FlowLogs"),
        ("METRICS_MONITOR", "network-production"),
    ]);
    Ok(command)
}

/// Serves until the function is gone.
fn accept(listener: &TcpListener, calls: &Sender<Call>, files: Option<&Path>) {
    while let Ok((stream, _)) = listener.accept() {
        let (calls, files) = (calls.clone(), files.map(Path::to_owned));
        // A connection ends with its process.
        thread::spawn(move || {
            Connection::new(stream).and_then(|connection| serve(connection, &calls, files.as_deref()))
        });
    }
}

fn serve(mut connection: Connection, calls: &Sender<Call>, files: Option<&Path>) -> io::Result<()> {
    while let Some(Request { target, body }) = connection.request()? {
        let called = |call| calls.send(call).map_err(io::Error::other);
        if target.ends_with("/invocation/next") {
            let (sender, event) = mpsc::channel();
            called(Call::Next(sender))?;
            let Ok(event) = event.recv() else { return Ok(()) };
            connection.answer("200 OK", NEXT, &event)?;
        } else if target.ends_with("/response") {
            called(Call::Handled)?;
            connection.answer("202 Accepted", "", "")?;
        } else if target.ends_with("/error") {
            called(Call::Failed(String::from_utf8_lossy(&body).into_owned()))?;
            connection.answer("202 Accepted", "", "")?;
        } else if let (Some(files), Some((_, path))) = (files, target.split_once(&format!(" /{BUCKET}/"))) {
            answer_object(&mut connection, files, &target, path)?;
        } else if body.starts_with(b"Action=GetTopicAttributes") {
            connection.answer("200 OK", "Content-Type: text/xml\r\n", ATTRIBUTES)?;
        } else {
            called(Call::Published(body.len()))?;
            connection.answer("200 OK", "Content-Type: text/xml\r\n", PUBLISHED)?;
        }
    }
    Ok(())
}

/// The answer of S3: a file below `AWSLogs/`. The notification log is accepted, and never there.
fn answer_object(connection: &mut Connection, files: &Path, target: &str, path: &str) -> io::Result<()> {
    let name = path.strip_prefix("AWSLogs/").and_then(|path| path.split('?').next());
    match name.map(|name| fs::File::open(files.join(name))) {
        Some(Ok(file)) => connection.answer_file(file),
        _ if target.starts_with("PUT ") => connection.answer("200 OK", "ETag: \"1\"\r\n", ""),
        _ => connection.answer("404 Not Found", "", "<Error><Code>NoSuchKey</Code><Message>none</Message></Error>"),
    }
}

const BUCKET: &str = "flow-logs";

const NEXT: &str = "Content-Type: application/json\r\n\
    Lambda-Runtime-Aws-Request-Id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\r\n\
    Lambda-Runtime-Deadline-Ms: 4102444800000\r\n\
    Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:eu-west-1:123456789012:function:detector\r\n";

/// The topic has a subscriber.
const ATTRIBUTES: &str = "<GetTopicAttributesResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><GetTopicAttributesResult>\
    <Attributes><entry><key>SubscriptionsConfirmed</key><value>1</value></entry></Attributes></GetTopicAttributesResult>\
    <ResponseMetadata><RequestId>d74b8436-ae13-5ab4-a9ff-ce54dfea72a0</RequestId></ResponseMetadata>\
    </GetTopicAttributesResponse>";

const PUBLISHED: &str = "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult>\
    <MessageId>567910cd-659e-55d4-8ccb-5aaf14679dc0</MessageId></PublishResult><ResponseMetadata>\
    <RequestId>d74b8436-ae13-5ab4-a9ff-ce54dfea72a0</RequestId></ResponseMetadata></PublishResponse>";
