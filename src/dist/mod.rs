//! The distributions that inference needs, accurate in the tails and at any degrees of freedom.
