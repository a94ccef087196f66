// Weights in f32, whatever the precision of the activations. RDNA3 issues multiply-adds of f32 in pairs, those with an f16
// operand singly.
alias Weight = vec4f;
