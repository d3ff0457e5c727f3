//! All stories as one program: one link instead of twenty. Each module tells one, on a school of its own.

mod t00_stack;
mod t01_exim;
