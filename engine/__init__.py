"""The show: a trained dancer stepped, drawn and steered live. Never imports torch, training or export."""

__version__ = "0.1.0"
