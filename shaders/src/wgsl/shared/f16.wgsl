// Activations and convolution weights are stored in f16. All sums are in f32.
alias Stored = vec4h;
