"""The autoencoder family: one file a member; :mod:`aez.codec.models.registry` finds them by name."""
