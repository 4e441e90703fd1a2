"""Lists in every format and dialect: what is read, and what each damaged file gets."""
