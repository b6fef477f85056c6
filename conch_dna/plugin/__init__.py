"""The plug-in host: hook specifications, protocols, the manager and the catalog of names."""
