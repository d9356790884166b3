"""The suction paper: ResNet streams, decoder, trainer."""
