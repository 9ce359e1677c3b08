"""What is heard, as numbers: level, bands, onsets, beats. Plain numpy, causal, without any device."""
