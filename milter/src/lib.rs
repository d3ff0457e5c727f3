//! The milter protocol, version 6: frames and packets as values, without I/O.
