"""The autoencoder family: one file a member; :mod:`aez.codec.family.members` finds them by name."""
