// Subgroup matrices of 8 x 8.
const SIDE = 8u;
alias Pixels = coop_mat8x8<f16, A>;
alias Weights = coop_mat8x8<f16, B>;
alias Sums = coop_mat8x8<f32, C>;
