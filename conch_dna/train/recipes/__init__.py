"""The bundled recipes, one file each: from a domain's training set to a saved adapter."""
