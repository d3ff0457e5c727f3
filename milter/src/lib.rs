//! The milter protocol, version 6, on the wire: the filter's side and the MTA's.
//!
//! Nothing here does I/O, reads a clock or draws a random number, but the `drive` files, which run a machine
//! over tokio's streams. What a filter looks for in a mail is not here.

pub mod answer;
pub mod apply;
pub mod client;
pub mod code;
pub mod drive;
pub mod drive_client;
pub mod fault;
pub mod filter;
pub mod frame;
pub mod header;
pub mod macros;
pub mod negotiate;
pub mod packet;
pub mod reply_code;
