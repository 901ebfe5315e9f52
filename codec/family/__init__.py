"""The autoencoder family: networks beside the flagship model, one module per member.

:mod:`aez.codec.family.members` finds them by name.
"""
