//! Just enough HTTP/1.1 for a server on the loopback interface.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;

/// A request.
pub struct Request {
    /// `<method> <path>`.
    pub target: String,
    /// The body.
    pub body: Vec<u8>,
}

/// One client's connection.
pub struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    /// Answers are sent without delay.
    pub fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// The next request, `None` once the client is gone.
    pub fn request(&mut self) -> io::Result<Option<Request>> {
        let Some(first) = self.line()?.filter(|line| !line.is_empty()) else { return Ok(None) };
        let target = first.rsplit_once(' ').map_or(first.as_str(), |(target, _)| target).to_owned();
        let mut length = 0;
        while let Some(header) = self.line()?.filter(|line| !line.is_empty()) {
            if let Some((name, value)) = header.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok(Some(Request { target, body }))
    }

    fn line(&mut self) -> io::Result<Option<String>> {
        let mut line = String::new();
        let read = self.stream.read_line(&mut line)?;
        Ok((read > 0).then(|| line.trim_end().to_owned()))
    }

    /// Answers; `headers` end with a line break each.
    pub fn answer(&mut self, status: &str, headers: &str, body: &str) -> io::Result<()> {
        let length = body.len();
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{headers}\r\n{body}");
        self.stream.get_mut().write_all(answer.as_bytes())
    }

    /// Answers with the content of `file`.
    pub fn answer_file(&mut self, mut file: File) -> io::Result<()> {
        let length = file.metadata()?.len();
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nETag: \"1\"\r\n\r\n");
        self.stream.get_mut().write_all(answer.as_bytes())?;
        io::copy(&mut file, self.stream.get_mut()).map(drop)
    }
}
