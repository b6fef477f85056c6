"""Push and pull of neurons: shared folders, buckets and the Hugging Face hub."""
