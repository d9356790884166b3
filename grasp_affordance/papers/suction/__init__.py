"""The suction paper: ResNet streams, decoder, trainer."""

ARCHITECTURE = "resnet-unet"
"""Of its networks' checkpoints."""
