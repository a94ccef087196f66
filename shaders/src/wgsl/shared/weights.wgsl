// Weights in the precision of the activations.
alias Weight = Stored;
