"""The flow, written once: where stages meet the store."""
