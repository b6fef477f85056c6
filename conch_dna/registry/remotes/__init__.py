"""Push and pull of neurons: shared folders, object stores and the Hugging Face hub."""
