//! An rspamd and a clamd that say "clean" as soon as they have the whole mail: for the bench, which is not about them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use crate::Result;

const HAM: &str = r#"{"is_skipped":false,"score":0.0,"required_score":15.0,"action":"no action","symbols":{},"messages":{},"message-id":"undef","time_real":0.0}"#;

/// Where an answerer listens, until the process ends.
fn listen(serve: fn(TcpStream) -> std::io::Result<()>) -> Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // Who leaves in the middle is seen by who asked.
            std::thread::spawn(move || serve(stream));
        }
    });
    Ok(address)
}

/// `POST /checkv2` and everything else: ham.
pub fn rspamd() -> Result<SocketAddr> {
    listen(|stream| {
        stream.set_nodelay(true)?;
        let mut input = BufReader::with_capacity(1 << 16, stream);
        let (mut line, mut length, mut chunked) = (String::new(), 0, false);
        loop {
            line.clear();
            if input.read_line(&mut line)? == 0 || line == "\r\n" {
                break;
            }
            let lower = line.to_ascii_lowercase();
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
            chunked |= lower.starts_with("transfer-encoding:") && lower.contains("chunked");
        }
        if chunked {
            drop_chunks(&mut input)?;
        } else {
            drop_octets(&mut input, length)?;
        }
        let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length";
        let answer = format!("{head}: {}\r\n\r\n{HAM}", HAM.len());
        input.get_mut().write_all(answer.as_bytes())
    })
}

/// PING and INSTREAM, ended by LF or NUL as they were asked: clean.
pub fn clamd() -> Result<SocketAddr> {
    listen(|stream| {
        stream.set_nodelay(true)?;
        let mut input = BufReader::with_capacity(1 << 16, stream);
        let mut kind = [0];
        input.read_exact(&mut kind)?;
        let end = if kind == *b"z" { b'\0' } else { b'\n' };
        let mut command = Vec::new();
        input.read_until(end, &mut command)?;
        let mut answer = if command.starts_with(b"INSTREAM") {
            loop {
                let mut length = [0; 4];
                input.read_exact(&mut length)?;
                match u32::from_be_bytes(length) {
                    0 => break b"stream: OK".to_vec(),
                    length => drop_octets(&mut input, u64::from(length))?,
                }
            }
        } else {
            b"PONG".to_vec()
        };
        answer.push(end);
        input.get_mut().write_all(&answer)
    })
}

fn drop_octets(input: &mut impl Read, count: u64) -> std::io::Result<()> {
    std::io::copy(&mut input.take(count), &mut std::io::sink()).map(drop)
}

fn drop_chunks(input: &mut impl BufRead) -> std::io::Result<()> {
    loop {
        let mut line = String::new();
        input.read_line(&mut line)?;
        let length = u64::from_str_radix(line.trim(), 16).unwrap_or(0);
        drop_octets(input, length + 2)?;
        if length == 0 {
            return Ok(());
        }
    }
}
