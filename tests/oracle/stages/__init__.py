"""One module a stage; each has `write(stage)`."""
