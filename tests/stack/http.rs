//! One HTTP request by hand.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::{Failure, Result, talks};

const TIMEOUT: Duration = Duration::from_secs(30);

/// Status and body of a GET.
pub fn get(address: SocketAddr, path: &str) -> Result<(u16, String)> {
    ask(
        address,
        path,
        &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
    )
}

/// Status of a HEAD.
pub fn head(address: SocketAddr, path: &str) -> Result<u16> {
    let request = format!("HEAD {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    ask(address, path, &request).map(|(status, _)| status)
}

/// Status and body of a POST of a form.
pub fn post(address: SocketAddr, path: &str, form: &str) -> Result<(u16, String)> {
    let head =
        "Host: localhost\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded";
    let length = form.len();
    ask(
        address,
        path,
        &format!("POST {path} HTTP/1.1\r\n{head}\r\nContent-Length: {length}\r\n\r\n{form}"),
    )
}

fn ask(address: SocketAddr, path: &str, request: &str) -> Result<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    talks::page(address.port(), path, request, &answer);
    let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
    status.zip(body).ok_or_else(|| Failure(format!("no HTTP: {answer}")))
}
