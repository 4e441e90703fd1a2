"""Money: what verified results earn, step by step, within the rules of a fund."""
