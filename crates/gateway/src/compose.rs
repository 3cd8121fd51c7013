//! From a call and its outcome to the CloudTrail record: a pure function.
