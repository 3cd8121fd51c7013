//! From a recognised request or response to its tree of values; errors of every protocol.
