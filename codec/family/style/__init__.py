"""Style propagation: a picture's content in another picture's style."""
