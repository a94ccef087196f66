"""One module per stage, each with `write(stage)`."""
