"""Footage in, a trained dancer out. The only home of torch models; the show never imports it."""
