//! Mail that waits, from the store to the letters, with a clock that can be turned.

mod answers;
mod house;
mod rounds;
