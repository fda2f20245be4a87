// The consensus core.
