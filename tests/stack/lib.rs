//! The real stack for tests and for `./x run`: Exim, slapd, Dovecot and unbound in a temp dir on loopback.
