// Subgroup matrices of 16 x 16.
const SIDE = 16u;
alias Pixels = coop_mat16x16<f16, A>;
alias Weights = coop_mat16x16<f16, B>;
alias Sums = coop_mat16x16<f32, C>;
