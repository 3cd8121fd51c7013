//! The service catalogue: what botocore's models say of about 420 services, opened one service at a time.
