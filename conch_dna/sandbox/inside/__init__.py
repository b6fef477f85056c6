"""What runs in the processes of the sandbox: files of the standard library alone, which do not import the package."""
