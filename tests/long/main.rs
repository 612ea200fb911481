//! Long tests, run by `make test-long` alone.

#[cfg(test)]
mod bench;
