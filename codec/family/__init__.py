"""The autoencoder family: one file a member; :mod:`aez.codec.family.registry` finds them by name."""
