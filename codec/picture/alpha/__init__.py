"""Alpha: coding of planes, transparent colours, and the colour of transparent pixels."""
