//! Placeholder for the policy evaluator.
