//! Who an access key belongs to: configured principals, and what the traffic teaches.
