//! API, live view and console.
