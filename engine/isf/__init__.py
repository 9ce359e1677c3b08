"""The ISF host: files of the Interactive Shader Format, version 2 and 1, become programs that draw.

`source.read` takes a file apart (no GL, any thread), `program.Program` compiles it, `program.Effect` is one copy of it
in a chain with buffers of its own, `rows` are the parameters it brings.
"""
