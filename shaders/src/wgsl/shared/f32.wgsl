// Activations and convolution weights are stored in f32.
alias Stored = vec4f;
