"""Are the stored outputs of a notebook those of its code? A comparison, and proof that it bites."""
