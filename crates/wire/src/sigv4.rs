//! Signature Version 4: claims, canonical requests, verification of headers, presigned queries and chunked bodies.
