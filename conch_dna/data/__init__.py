"""Training data: tokens and masks, batches, splits, and soft targets in coded form."""
