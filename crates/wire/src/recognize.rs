//! From a request's head and body to the service and operation that it calls.
