//! An upstream that answers what a test likes.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;

/// Listens on a port of its own until the process ends. It answers how a connection begins and respool's own questions
/// as Redis does; all else is for the test.
pub struct FakeUpstream {
    port: u16,
}

impl FakeUpstream {
    /// `answer` is given each command and its socket; an error from it closes the connection.
    pub fn start(answer: impl Fn(&[String], &mut TcpStream) -> io::Result<()> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let answer = Arc::new(answer);
        thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let answer = answer.clone();
                // An error is the end of the connection, whoever ended it.
                thread::spawn(move || serve(socket, &*answer));
            }
        });
        FakeUpstream { port }
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }
}

fn serve(
    mut socket: TcpStream,
    answer: &(dyn Fn(&[String], &mut TcpStream) -> io::Result<()> + Send + Sync),
) -> io::Result<()> {
    static LAST_ID: AtomicI64 = AtomicI64::new(0);
    let mut requests = BufReader::new(socket.try_clone()?);
    loop {
        let command = read_command(&mut requests)?;
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        match words[..] {
            ["CLIENT", "ID"] => write!(socket, ":{}\r\n", LAST_ID.fetch_add(1, Ordering::Relaxed) + 1)?,
            ["AUTH" | "CLIENT" | "SELECT", ..] => write!(socket, "+OK\r\n")?,
            ["INFO", ..] => write!(socket, "$0\r\n\r\n")?,
            _ => answer(&command, &mut socket)?,
        }
    }
}

/// Reads an array of strings.
fn read_command(requests: &mut BufReader<TcpStream>) -> io::Result<Vec<String>> {
    let count = read_length(requests)?;
    (0..count)
        .map(|_| {
            let mut argument = vec![0; read_length(requests)? + 2];
            requests.read_exact(&mut argument)?;
            argument.truncate(argument.len() - 2);
            Ok(String::from_utf8_lossy(&argument).into_owned())
        })
        .collect()
}

fn read_length(requests: &mut BufReader<TcpStream>) -> io::Result<usize> {
    let mut line = String::new();
    requests.read_line(&mut line)?;
    let length = line.get(1..).and_then(|length| length.trim_end().parse().ok());
    length.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}
