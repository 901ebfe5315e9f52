"""Coding of drawn pictures as numbers of colours (SPEC section 7.8)."""
